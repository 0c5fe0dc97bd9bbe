"""Files that tasks give: where they are kept, and for how long.

A file is on disk before the task is done, and deleted after the row that names it is without it; one that nobody names
is left over from a run that broke off.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from ..beside import Beside
from ..texts import is_text

#: Seconds after which a file that no task names is deleted: until then a run may be writing it.
LEFT_OVER = 2 * 24 * 3600
#: How its owner's computer may call it: no path, nothing that a file system or a header cannot have.
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,150}")
_FILE = re.compile(r"[0-9]+-[0-9a-f]{32}")

_disk = Beside(2)


class ResultFile(NamedTuple):
    """`path` is its name within the folder, `name` what it is called for its owner; `size` in bytes."""

    path: str
    name: str
    size: int


def check_name(name: str) -> None:
    """Raises ValueError."""
    if not _NAME.fullmatch(name) or name in (".", "..") or not is_text(name):
        raise ValueError(f"{name!r} cannot be a file's name: 1 to 150 characters without / and \\")


def sync(path: Path) -> int:
    """Have a file on disk, and say how many bytes it has."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


class Folder:
    """Where all results are: of the server alone, or of all its hosts together."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def new(self, number: int) -> Path:
        """Where a file of this task can be made, by a name that nobody can guess."""
        self.path.mkdir(parents=True, exist_ok=True)
        return self.path / f"{number}-{secrets.token_hex(16)}"

    def of(self, name: str) -> Path:
        """The file of this name. Raises ValueError for what is no name of ours."""
        if not _FILE.fullmatch(name):
            raise ValueError(f"{name!r} is no file of results")
        return self.path / name

    def delete(self, name: str) -> None:
        """It is no more; also where it was gone before. A large one takes its time: 0.1 s for a gigabyte."""
        with contextlib.suppress(OSError):
            _disk.run(self.of(name).unlink)

    def left_over(self) -> Iterator[str]:
        """The names of files so old that no run can be writing them any more."""
        with contextlib.suppress(FileNotFoundError):
            for file in self.path.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if _FILE.fullmatch(file.name) and time.time() - file.stat().st_mtime > LEFT_OVER:
                        yield file.name

    def delete_but(self, kept: Collection[str], names: Collection[str]) -> None:
        """Of these names delete those that nobody keeps."""
        for name in names:
            if name not in kept:
                self.delete(name)
