"""Sending what a task gave: by nginx where it has the folder, or in pieces that a thread reads."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, request

from ..beside import Beside
from ..errors import NotFound, Text
from ..extensions import parts
from .stored import Task

#: Bytes that are read at once.
PIECE = 256 * 1024

_disk = Beside(4)


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
        return Response(headers={**headers, "X-Accel-Redirect": location + task.result_file}, content_type=kind)
    return _from_here(task.result_file, headers, kind)


def _from_here(file: str, headers: dict[str, str], kind: str) -> Response:
    try:
        opened = _disk.run(_open, parts().tasks.folder.of(file))
    except FileNotFoundError:
        raise NotFound(Text("The task has no result to download, or it is not kept any more.")) from None
    size = os.fstat(opened.fileno()).st_size
    response = Response(_pieces(opened), headers=headers, content_type=kind, direct_passthrough=True)
    response.call_on_close(opened.close)
    response.content_length = size
    response.set_etag(file)
    response.make_conditional(request, accept_ranges=True, complete_length=size)
    return response


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The file's content, read by threads: the event loop does not wait for a disk."""
    while piece := _disk.run(file.read, PIECE):
        yield piece


def _plain(name: str) -> str:
    """For programs that know no other way: without what a quoted text cannot have."""
    return "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
