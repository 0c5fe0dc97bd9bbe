"""Taking a request's socket over from the server: gevent's pywsgi with our handler, or uWSGI with its gevent loop.

Whoever takes a socket parks it or closes it. Take it as the last step, when the answer is decided: a dup that is taken
and forgotten stays open, unserved.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gevent.pywsgi import WSGIHandler

#: tcp(7); Python names it where the system's headers do.
TCP_NOTSENT_LOWAT = getattr(_socket, "TCP_NOTSENT_LOWAT", 25)
#: The kernel takes no more from us while it holds so many bytes unsent; by itself it would take megabytes a client.
MOST_UNSENT = 128 * 1024
#: Where our handler leaves itself in the WSGI environ.
KEY = "myapp.handler"
#: Where a socket is that was taken before, of a request that had to wait for its turn.
TAKEN = "myapp.taken"
#: Why a request is to be refused that has waited for its turn for too long, or cannot wait for it.
REFUSED = "myapp.refused"


class Taken(NamedTuple):
    """A descriptor of our own, non-blocking, and what the client had already sent behind its request."""

    fd: int
    pending: bytes


class TakeoverHandler(WSGIHandler):  # type: ignore[misc]  # gevent ships no types
    """pywsgi's handler, which can let go of its socket in the middle of a request."""

    #: requests that run in this process
    running = 0

    is_taken = False
    socket: Any

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ[KEY] = self
        return environ

    def take(self) -> Taken:
        """Give the socket away; after this request the handler reads and writes nothing more."""
        pending = b""
        self.socket.settimeout(0.0)
        with contextlib.suppress(BlockingIOError):
            pending = self.rfile.peek()
        fd = os.dup(self.socket.fileno())
        self.is_taken = True
        return Taken(fd, pending)

    def run_application(self) -> None:
        TakeoverHandler.running += 1
        try:
            super().run_application()
        finally:
            TakeoverHandler.running -= 1
            # environ and handler hold each other: without this the socket stays open until gc finds them
            self.environ.pop(KEY, None)
        if self.is_taken:
            # or pywsgi reads what follows on this connection as the next request
            self.close_connection = True
            self.socket = None

    def log_error(self, msg: str, *args: Any) -> None:
        """A request that is no HTTP, without what was sent: its first line can carry a ticket."""
        super().log_error("refused what is no valid request")

    def log_request(self) -> None:
        """Answers are logged by the application (`myapp.access`), parked ones when they are given."""


def can_take(environ: Mapping[str, Any]) -> bool:
    """Whether this server gives its sockets away."""
    return KEY in environ or TAKEN in environ or uwsgi_with_gevent() is not None


def uwsgi_with_gevent() -> Any:
    """uWSGI's own module inside a uWSGI that runs gevent's loop, else None."""
    uwsgi = sys.modules.get("uwsgi")
    return uwsgi if uwsgi is not None and "gevent" in uwsgi.opt else None


def take(environ: dict[str, Any]) -> Taken:
    """Take the socket over. Return an empty body without calling start_response then, and the server writes nothing.

    Raises RuntimeError where the server gives none (see `can_take`), OSError when no descriptor is left.
    uWSGI does not give out bytes that came right behind the request: RFC 6455 section 4.1 forbids clients to send them.
    """
    before: Taken | None = environ.pop(TAKEN, None)
    if before is not None:
        return before
    handler = environ.get(KEY)
    if handler is not None:
        taken: Taken = handler.take()
    elif (uwsgi := uwsgi_with_gevent()) is not None:
        taken = Taken(os.dup(uwsgi.connection_fd()), b"")
    else:
        raise RuntimeError("this server does not give its sockets away")
    os.set_blocking(taken.fd, False)
    _set_option(taken.fd, _socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, MOST_UNSENT)
    # uWSGI leaves Nagle's algorithm on: a frame soon after another one would wait 40 ms for nginx's acknowledgement
    _set_option(taken.fd, _socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    return taken


def _set_option(fd: int, level: int, option: int, value: int) -> None:
    """On a descriptor that may be no TCP socket: then it has no such option, and needs none."""
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, fd)  # named, so that the kernel is not asked
    with contextlib.suppress(OSError):
        sock.setsockopt(level, option, value)
    sock.detach()


def watch_for_silence(fd: int, seconds: float) -> None:
    """Have the kernel end a connection whose other side has acknowledged nothing for so long (RFC 5482).

    For clients that never say anything; the others are asked for heartbeats.
    """
    if hasattr(_socket, "TCP_USER_TIMEOUT"):  # Linux
        _set_option(fd, _socket.IPPROTO_TCP, _socket.TCP_USER_TIMEOUT, int(1000 * seconds))


def shut(fd: int) -> None:
    """End TCP on our side only: what was written still arrives, and what the client sends can still be taken."""
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, fd)
    with contextlib.suppress(OSError):
        sock.shutdown(_socket.SHUT_WR)
    sock.detach()


def end(fd: int, *, at_once: bool = False) -> None:
    """Shut TCP down at once and close: what was written still arrives, whatever the client sends is lost.

    With `at_once` what was written and not yet received is lost too, and the kernel keeps nothing of the connection.
    """
    sock = _socket.socket(fileno=fd)  # not gevent's: this runs in the hub and must not wait
    if at_once:
        with contextlib.suppress(OSError):
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        return
    with contextlib.suppress(OSError):
        sock.shutdown(_socket.SHUT_WR)
        # unread bytes would make the kernel send a reset, which can overtake what was written
        with contextlib.suppress(BlockingIOError):
            for _ in range(16):  # bounded: this runs in the hub, and the client may go on sending
                if not sock.recv(65536):
                    break
    sock.close()


def nothing() -> Iterable[bytes]:
    """The WSGI body of a request whose socket was taken."""
    return []
