"""Why a WebSocket could not be opened, or how it ended, in the core's words; the same for both drivers."""

from __future__ import annotations

import logging
import ssl
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.http11 import Response

from .following import Following

#: The largest frame that is taken: the service's are some 64 KB, or one event.
LARGEST = 4 * 1024 * 1024
#: Seconds for connecting, and for the two Close frames.
OPENING, CLOSING = 10.0, 2.0
#: What websockets says goes here: at DEBUG, which many programs set for all, it would write our token into their logs.
log = logging.getLogger("myapp_client.websockets")
log.setLevel(logging.WARNING)
#: What can be raised by connecting, ImportError where a proxy needs a package that is not installed.
CANNOT_OPEN = (OSError, WebSocketException, ValueError, EOFError, ImportError)


class Refused(WebSocketException):
    """The handshake was answered with something else than 101.

    Raised in place of InvalidStatus, at whose redirects websockets would follow: to another address, some versions with
    our token.
    """

    def __init__(self, refusal: InvalidStatus) -> None:
        super().__init__(str(refusal))
        self.response: Response = refusal.response


class End(NamedTuple):
    """How it ended: the server's close code, None where it broke off."""

    code: int | None
    reason: str


def options(ssl_context: ssl.SSLContext, url: str, headers: dict[str, str]) -> dict[str, Any]:
    """How both drivers connect. Heartbeats are the core's; no compression, which the server never takes."""
    own: dict[str, Any] = {
        "additional_headers": headers,
        "logger": log,
        "compression": None,
        "open_timeout": OPENING,
        "close_timeout": CLOSING,
        "ping_interval": None,
        "max_size": LARGEST,
    }
    return {**own, "ssl": ssl_context} if url.startswith("wss:") else own


def tell_why_not(core: Following, error: BaseException, now: float) -> None:
    """Tell the core why there is no WebSocket. Raises ClientError."""
    if isinstance(error, Refused):
        answer = error.response
        headers = {name.lower(): value for name, value in answer.headers.raw_items()}
        core.refused(answer.status_code, headers, bytes(answer.body or b""), now)
        return
    core.failed(f"no WebSocket: {error or type(error).__name__}", now, was_reached=was_reached(error))


def was_reached(error: BaseException) -> bool:
    """Whether somebody was there: where no TCP connection comes about, nothing is learned about WebSockets."""
    late = TimeoutError | ConnectionResetError | ConnectionAbortedError | BrokenPipeError | ssl.SSLError
    return isinstance(error, late) or not isinstance(error, OSError)


def end_of(error: ConnectionClosed) -> End:
    """Only what the server said of itself counts: it repeats a code of ours, of a frame that we did not understand."""
    if error.rcvd is None or error.rcvd_then_sent is False:
        return End(None, str(error.sent.reason if error.sent else ""))
    return End(error.rcvd.code, error.rcvd.reason)
