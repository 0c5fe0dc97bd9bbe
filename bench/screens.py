"""Those who have a post on screen, in the generator's process: what they are given, and when."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from . import wire
from .sockets import CHUNK, Sockets

#: A long poll's `have`, so that a request can be made of another by putting in a number.
HAVE = b"have=%016d"

_SNAPSHOT = re.compile(rb'"version": ?(\d+), ?"data": ?(\{[^{}]*\})')


@dataclass(slots=True)
class Viewer:
    """Somebody who has the post on screen. `request` is what is asked, `say` what a WebSocket says then."""

    transport: str
    request: bytes
    say: bytes = b""
    is_author: bool = False


@dataclass(slots=True)
class View:
    """What a viewer was given: when snapshots came, the newest, and of the author's tab all bytes."""

    transport: str
    times: list[float] = field(default_factory=list)
    version: int = 0
    data: bytes = b""
    newest_at: float = 0.0
    frames: bytes = b""
    last_event_at: float = 0.0


class Screen:
    """One viewer's connection, and what came on it."""

    def __init__(self, sockets: Sockets, viewer: Viewer) -> None:
        self.view = View(viewer.transport)
        self.sock = sockets.open()
        self._sockets = sockets
        self._viewer = viewer
        self._buffer = b""
        self._raw: list[bytes] = []
        self.sock.send(viewer.request)

    def greeted(self) -> None:
        """Wait for the head of the answer, and say what is to be said. Raises RuntimeError where it is refused."""
        while b"\r\n\r\n" not in self._buffer:
            data = self.sock.recv(CHUNK)
            if not data:
                raise RuntimeError(f"a viewer was not let in: {self._buffer!r}")
            self._buffer += data
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        if head[9:12] not in (b"101", b"200"):
            raise RuntimeError(f"a viewer was not let in: {head!r} {self._buffer!r}")
        if self._viewer.say:
            self.sock.send(self._viewer.say)
        self._take()

    def came(self) -> None:
        """What has come can be read."""
        data = self.sock.recv(CHUNK)
        if not data:
            raise wire.Ended("the server closed a viewer's connection")
        self._buffer += data
        self._take()

    def _take(self) -> None:
        """What of it is whole."""
        if self.view.transport == "websocket":
            _count, rest, beats = wire.split(self._buffer)
            whole = self._buffer[: len(self._buffer) - len(rest)]
            if beats:
                self.sock.send(beats)
        elif self.view.transport == "sse":
            whole, end, rest = self._buffer.rpartition(b"\n\n")
            whole += end
        else:
            if not wire.status(self._buffer):
                return
            whole, rest = self._buffer, b""
        self._buffer = rest
        self._look(whole)
        if self.view.transport == "long-poll":
            self._ask_again()

    def _look(self, whole: bytes) -> None:
        view, now = self.view, time.perf_counter()
        for version, data in _SNAPSHOT.findall(whole):
            view.times.append(now)
            if int(version) > view.version:
                view.version, view.data, view.newest_at = int(version), data, now
        if self._viewer.is_author:
            self._raw.append(whole)
            if b'"type":"events"' in whole:
                view.last_event_at = now

    def _ask_again(self) -> None:
        self._sockets.close(self.sock)
        self.sock = self._sockets.open()
        self.sock.send(re.sub(rb"have=\d{16}", HAVE % self.view.version, self._viewer.request))

    def close(self) -> View:
        self._sockets.close(self.sock)
        self.view.frames = b"".join(self._raw)
        return self.view
