"""A zip that is written piece by piece, beside the event loop."""

from __future__ import annotations

import contextlib
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ...auth.people import NAME
from ...beside import Beside

#: What is compressed at once, in bytes: some milliseconds of another thread's.
PIECE = 64 * 1024
#: Names that Windows gives to devices, whatever follows a dot (Microsoft, "Naming Files, Paths, and Namespaces").
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")

_threads = Beside(2)


def safe_name(name: str, number: int) -> str:
    """A file's name for this person, on every system, and nobody else's: mostly their own. No name has a `~` in it, so
    what is told apart by one clashes with none.
    """
    if NAME.fullmatch(name) and not _DEVICES.fullmatch(name):
        return name
    return f"{re.sub(r'[^a-z0-9]+', '-', name.lower())[:32].strip('-')}~{number}"


class Entry:
    """A file within the archive, while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= PIECE:
            self.flush()

    def write_text(self, text: str) -> None:
        self.write(text.encode())

    def flush(self) -> None:
        """Others have their turn meanwhile. What is written at once may be long: it is cut."""
        whole, self._buffer = memoryview(self._buffer), bytearray()
        for start in range(0, len(whole), PIECE):
            _threads.run(self._file.write, whole[start : start + PIECE])


class Archive:
    """A zip in `file`, with one entry after the other; entries and archive may be larger than 4 GB.

    `with Archive(file) as archive`: whole at the end of the block; where that raises it is worth nothing.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._date = time.gmtime()[:6]

    @contextmanager
    def entry(self, name: str) -> Iterator[Entry]:
        """The only one that is open."""
        info = zipfile.ZipInfo(name, self._date)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with self._zip.open(info, "w", force_zip64=True) as file:
            entry = Entry(file)
            yield entry
            entry.flush()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            _threads.run(self._zip.close)  # the list of all entries can be long
            return
        with contextlib.suppress(Exception):  # what is wrong with it is nobody's concern any more
            self._zip.close()
