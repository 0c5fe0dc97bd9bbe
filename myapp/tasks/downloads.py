"""Sending what a task gave: by nginx where it has the folder, or in pieces that a thread reads."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from flask import Response, request

from ..beside import Beside
from ..errors import NotFound, Text
from ..extensions import parts
from .stored import Task

#: Bytes that are read at once.
PIECE = 256 * 1024

_disk = Beside(4)

GONE = Text("The task has no result to download, or it is not kept any more.")


def send(task: Task) -> Response:
    """The file, as one to be saved. Raises NotFound where it is gone."""
    assert task.result_file is not None
    name = task.result_name or "result"
    headers = {
        "Content-Disposition": f"attachment; filename=\"{_plain(name)}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    location = parts().settings.accel_redirect
    if location:
        return _by_nginx(task.result_file, location, headers, kind)
    return _from_here(task.result_file, headers, kind)


def _by_nginx(file: str, location: str, headers: dict[str, str], kind: str) -> Response:
    folder = parts().tasks.folder
    if _disk.run(_is_gone, folder.path, folder.of(file)):
        raise NotFound(GONE)
    return Response(headers={**headers, "X-Accel-Redirect": location + file}, content_type=kind)


def _is_gone(folder: Path, file: Path) -> bool:
    """nginx says so too, in its own words; where the folder is on its host alone, nobody else can."""
    return folder.exists() and not file.exists()


def _from_here(file: str, headers: dict[str, str], kind: str) -> Response:
    try:
        pieces = _disk.run(_Pieces, parts().tasks.folder.of(file))
    except OSError:
        raise NotFound(GONE) from None
    response = Response(pieces, headers=headers, content_type=kind, direct_passthrough=True)
    response.content_length = pieces.size
    # uWSGI's router would otherwise keep a client waiting for the rest of a file that has become shorter
    response.headers["Connection"] = "close"
    response.set_etag(file)
    # several ranges in one answer are not worth their code: who asks for them gets all of it
    has_one_range = "," not in request.headers.get("Range", "")
    try:
        response.make_conditional(request, accept_ranges=has_one_range, complete_length=pieces.size)
    except BaseException:  # no such range
        pieces.close()
        raise
    return response


class _Pieces:
    """The content of a file, read by threads: the event loop does not wait for a disk. As long as the file was when it
    was opened; one that has become shorter ends with OSError, and with it the connection: the client would wait for the
    rest for ever.

    Werkzeug looks for `seekable`, so as not to read what is before a range.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._at = 0
        self.size = os.fstat(self._file.fileno()).st_size

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        length = min(PIECE, self.size - self._at)
        if length == 0:
            raise StopIteration
        piece: bytes = _disk.run(os.pread, self._file.fileno(), length, self._at)
        if not piece:
            raise OSError(f"{self._file.name} has become shorter while it was sent")
        self._at += len(piece)
        return piece

    def seekable(self) -> bool:
        return True

    def seek(self, position: int) -> None:
        self._at = position

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()


def _plain(name: str) -> str:
    """For programs that know no other way: without what a quoted text cannot have."""
    return "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
