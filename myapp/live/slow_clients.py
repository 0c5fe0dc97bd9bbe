"""Who has a frame half written: they go when they take too long for the rest of it."""

from __future__ import annotations

from collections.abc import Iterator

from .clients import SLOW_PATIENCE, ParkedClient
from .draining import dismiss, retry
from .frames import CloseCode

#: The most of them that are sent away in one turn of the sweep.
MOST_DISMISSED = 50


class SlowClients:
    """Owned by the dispatcher. Times are monotonic seconds."""

    def __init__(self) -> None:
        #: since when; the longest first
        self._since: dict[ParkedClient, float] = {}

    def __iter__(self) -> Iterator[ParkedClient]:
        return iter(self._since)

    def add(self, client: ParkedClient, now: float) -> None:
        """The client's socket is full: it has SLOW_PATIENCE seconds for what is half written."""
        self._since[client] = now

    def discard(self, client: ParkedClient) -> None:
        """All that was half written is out, or the client is closed."""
        self._since.pop(client, None)

    def dismiss(self, now: float) -> None:
        """Send away whose time is over; they come back from their cursors. The next call goes on."""
        for _ in range(MOST_DISMISSED):
            client, since = next(iter(self._since.items()), (None, 0.0))
            if client is None or now - since < SLOW_PATIENCE:
                return
            del self._since[client]
            dismiss(client, CloseCode.TOO_SLOW, retry(1.0))
