"""Where WebSockets wait that come back all at once, so that pages are served between them.

uWSGI serves connections in the order in which they came, and only so many at a time: a page that is asked for behind
five thousand handshakes would wait for all of them. Here a handshake beyond the first few gives its place back at once,
keeps its socket, and is answered when it is its turn. Where that does not come, as the database hangs, it is refused.
"""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent import socket

from . import takeover
from .sweep import give_way

log = logging.getLogger(__name__)

#: Handshakes that are worked on at a time: fewer than a worker has connections to the database, the rest is for pages.
MOST = 3
#: Seconds that a handshake waits for its turn before it is refused, counted from the last one that was let in: as long
#: as a request waits for a connection to the database (`POOL_PATIENCE`). A queue that moves may be longer.
LONGEST = 10.0
#: Seconds that a client has to take its answer, where its handshake is refused.
PATIENCE = 5.0
#: While others still come, nobody is served out of the queue, for so many seconds at the most: uWSGI takes one
#: connection in each turn of the loop, and a page may be behind them.
COMING = 0.02
MOST_COMING = 1.0

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Anteroom:
    """WSGI in front of `inner`, for servers that give their sockets away. It looks at requests for `path` only.

    `has_room(waiting)` says whether there are places for so many who wait here; who finds none is refused at once, in
    their own request. Who sends a body does not wait here: it belongs to the request, and cannot be read later.
    `inner` refuses where `takeover.REFUSED` is in the environ, and must not wait for anything then.
    """

    def __init__(
        self, inner: Application, path: str, most: int = MOST, has_room: Callable[[int], bool] = lambda waiting: True
    ) -> None:
        self._inner = inner
        self._path = path
        self._most = most
        self._has_room = has_room
        #: handshakes that are worked on, in their own request or out of the queue
        self._running = 0
        #: with the times when they came
        self._waiting: deque[tuple[float, dict[str, Any]]] = deque()
        self._has_refuser = False
        #: when the queue last began, when the last one came, and when the last one out of it was let in
        self._began = self._came = self._let_in = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != self._path or "HTTP_UPGRADE" not in environ:
            return self._inner(environ, start_response)
        if self._running >= self._most and not _has_body(environ):
            reason = self._have_wait(environ)
            if not reason:
                return takeover.nothing()
            environ[takeover.REFUSED] = reason
            return self._inner(environ, start_response)
        self._running += 1
        try:
            return self._inner(environ, start_response)
        finally:
            self._end_one()

    def _have_wait(self, environ: dict[str, Any]) -> str:
        """Put it at the end of the queue; or say why it cannot wait."""
        if not self._has_room(len(self._waiting) + 1):
            return "places"
        try:
            taken = takeover.take(environ)
        except OSError:
            return "descriptors"
        self._came = time.monotonic()
        if not self._waiting:
            self._began = self._came
        # a copy: uWSGI empties its own at the end of the request
        self._waiting.append((self._came, {**environ, takeover.TAKEN: taken, "wsgi.input": io.BytesIO()}))
        if not self._has_refuser:
            self._has_refuser = True
            gevent.spawn(self._refuse_late)
        return ""

    def _refuse_late(self) -> None:
        """As long as somebody waits: who has waited for too long, with nobody let in meanwhile, is refused."""
        while self._waiting:
            came, environ = self._waiting[0]
            left = max(came, self._let_in) + LONGEST - time.monotonic()
            if left > 0:
                gevent.sleep(left)
                continue
            self._waiting.popleft()
            environ[takeover.REFUSED] = "late"
            self._answer(environ)
            give_way()  # there may be thousands
        self._has_refuser = False

    def _end_one(self) -> None:
        """The next one takes the place, if there is one."""
        if self._waiting:
            gevent.spawn(self._serve_next)
        else:
            self._running -= 1

    def _serve_next(self) -> None:
        while (now := time.monotonic()) - self._came < COMING and now - self._began < MOST_COMING:
            gevent.sleep(COMING / 4)
        if self._waiting:
            _came, environ = self._waiting.popleft()
            try:
                self._answer(environ)
            finally:
                self._end_one()
        else:
            self._running -= 1

    def _answer(self, environ: dict[str, Any]) -> None:
        answer = _Answer()
        try:
            body = self._inner(environ, answer.start)
            left = environ.pop(takeover.TAKEN, None)
            if left is None:
                self._let_in = time.monotonic()
            else:  # it was refused, by an answer of HTTP
                answer.write(left.fd, body)
        except Exception:  # safety net: the others must have their turn
            log.exception("a handshake out of the queue failed")
            if (left := environ.pop(takeover.TAKEN, None)) is not None:
                takeover.end(left.fd)


def _has_body(environ: dict[str, Any]) -> bool:
    return environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ


class _Answer:
    """What `start_response` was told, and the writing of it where the server no longer does it."""

    def __init__(self) -> None:
        self._head = ""

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        lines = [f"{name}: {value}" for name, value in headers if name.lower() != "connection"]
        self._head = "\r\n".join((f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""))
        return lambda data: None

    def write(self, fd: int, body: Iterable[bytes]) -> None:
        """Write it to this descriptor and close it."""
        data = self._head.encode("latin-1") + b"".join(body)
        with contextlib.suppress(OSError), gevent.Timeout(PATIENCE, TimeoutError("the client takes nothing")):
            out = socket.socket(fileno=fd)
            try:
                out.sendall(data)
                out.shutdown(socket.SHUT_WR)
            finally:
                out.close()
