"""WebSocket or long poll: which to try now. No I/O."""

from __future__ import annotations

import random
from typing import Literal, get_args

from .pace import Pace

Transport = Literal["auto", "websocket", "long-poll"]

#: Handshakes or young WebSockets in a row that broke off, before it is tried by polling.
MOST_FAILURES = 2


class Choice:
    """WebSocket while it can be had; else long poll, and after a while WebSocket again.

    Where nobody is there at all, nothing is learned about WebSockets: so when polling fails too, WebSocket is next.
    Making it raises ValueError for a transport that is none.
    """

    def __init__(self, transport: Transport, pace: Pace, lots: random.Random) -> None:
        if transport not in get_args(Transport):
            raise ValueError(f"transport: give one of {', '.join(get_args(Transport))}, not {transport!r}")
        self._transport = transport
        self._pace = pace
        self._lots = lots
        self._failures = 0
        self._in_vain = 0
        self._poll_until = 0.0

    def is_only(self, transport: Transport) -> bool:
        return self._transport == transport

    def polls_for(self, now: float) -> float | None:
        """For how many seconds to poll; None: WebSocket."""
        if self._transport == "long-poll":
            return float("inf")
        left = self._poll_until - now
        return left if self._transport == "auto" and left > 0 else None

    def websocket_works(self) -> None:
        self._failures = self._in_vain = 0

    def websocket_failed(self, now: float) -> None:
        """It broke off at the handshake, or later without a word."""
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self.websocket_refused(now, None)

    def websocket_refused(self, now: float, retry_after: float | None) -> None:
        """It cannot be had: now, or at all."""
        usual = self._pace.without_websocket if retry_after is None else max(1.0, retry_after)
        wait = min(self._pace.without_websocket_most, usual * 2.0 ** min(self._in_vain, 30))
        self._in_vain += 1
        self._poll_until = now + wait * self._lots.uniform(1.0, 1.5)

    def poll_failed(self, now: float) -> None:
        self._failures = 0
        self._poll_until = min(self._poll_until, now)
