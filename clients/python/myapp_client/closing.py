"""What a WebSocket's close code asks of a client. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ClientError, NotSignedIn, ProtocolError
from .pace import rest

NOT_SIGNED_IN, TOO_MANY = 4401, 4429
#: After these coming back would end the same way.
STOPS = {
    1002: "a frame that RFC 6455 does not allow",
    1003: "a binary frame",
    1007: "text that is not UTF-8",
    1009: "a frame of more than 4 KB",
    4400: "frames that it does not understand",
}
#: The server says when to come back, or why it sent us away; WebSockets themselves work.
COMES_BACK = (1000, 1001, 1012, 4408, 4409)


@dataclass(frozen=True, slots=True)
class Farewell:
    """The end of a WebSocket: stop with `error`, or come back after `retry` seconds (None: with backoff).

    `is_rupture`: nobody said goodbye, as where a proxy cuts; `polls`: come back by polling.
    """

    why: str
    error: ClientError | None = None
    retry: float | None = None
    is_rupture: bool = False
    polls: bool = False


def farewell(code: int | None, reason: str) -> Farewell:
    """What a close code of the server (None: it broke off) asks for."""
    if code == NOT_SIGNED_IN:
        detail = "Not signed in: the token is wrong, was revoked, or is a ticket that has ended. Get a new one."
        return Farewell("not signed in", NotSignedIn(detail, status=401, code=code))
    if code in STOPS:
        detail = f"The server closed the WebSocket with {code}: it was sent {STOPS[code]}. {reason}".strip()
        return Farewell("broke the protocol", ProtocolError(detail, code=code))
    retry = retry_of(reason)
    if code == TOO_MANY:
        return Farewell(f"too many clients ({code})", retry=retry, polls=True)
    return Farewell(f"closed with {code} {reason}".strip(), retry=retry, is_rupture=code not in COMES_BACK)


def retry_of(reason: str) -> float | None:
    """The seconds of `retry=4.2`."""
    found = re.search(r"\bretry=(\d{1,9}(?:\.\d{1,9})?)", reason)
    return rest(float(found[1])) if found else None
