"""What requests lack under uWSGI's HTTP router: chunked bodies decoded, an end to slow ones, `Connection: close`."""

from __future__ import annotations

import io
import time
from typing import Any

import gevent
from flask import Flask

#: Seconds that a request's body may take to arrive: a core that waits for one serves nobody else.
BODY_PATIENCE = 10.0


class TimedInput(io.RawIOBase):
    """A request's body. Reading raises OSError when it has not arrived in time."""

    def __init__(self, read: Any) -> None:
        self._read = read
        self._deadline = time.monotonic() + BODY_PATIENCE
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise OSError("the body came too slowly")
            with gevent.Timeout(left, OSError("the body came too slowly")):
                self._rest = self._read(len(buffer))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def mend_requests(app: Flask, uwsgi: Any) -> None:
    """Put it in front of the application."""
    inner = app.wsgi_app
    # without the router in front the worker ends each connection after its answer, and does not say so
    is_direct = "http-socket" in uwsgi.opt and "http" not in uwsgi.opt

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Any:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if is_chunked:
            # uWSGI decodes such a body only on request; a chunk can be larger than what was asked for
            environ["wsgi.input"] = io.BufferedReader(TimedInput(lambda size: uwsgi.chunked_read()))
            environ["wsgi.input_terminated"] = True
        elif environ.get("CONTENT_LENGTH", "0") not in ("", "0"):
            environ["wsgi.input"] = TimedInput(environ["wsgi.input"].read)
        is_kept = "close" not in environ.get("HTTP_CONNECTION", "").lower() and "HTTP_UPGRADE" not in environ
        if is_kept and not is_chunked and not is_direct:
            return inner(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            # the router does not look at the request's wish, and ends the connection of a chunked request, and of one
            # that asked for an upgrade, without a word
            return start_response(status, [*headers, ("Connection", "close")], *rest)

        return inner(environ, start)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask's documented place for middleware
