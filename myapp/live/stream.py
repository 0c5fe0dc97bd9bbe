"""Server-sent events that are parked (WHATWG HTML section 9.2): an answer that never ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from . import frames
from .clients import CLOSED, CLOSING, ParkedClient, encode_once
from .frames import Batch, CloseCode, Page
from .topic import Snapshot

#: Seconds between two comment lines: proxies and clients hold a silent stream for dead.
COMMENT_EVERY = 15.0


class StreamClient(ParkedClient):
    """An event stream. Its head and the first events were given by the view."""

    __slots__ = ()

    transport = "sse"

    def received(self, data: bytes) -> None:
        """A second request behind this one is not served: the answer says Connection: close."""

    def written(self) -> None:
        if self.state == CLOSING:
            self.drop()
        else:
            super().written()

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        self.give_encoded(batch, encoded, frames.stream_events)

    def give_reset(self, page: Page) -> None:
        self.cursor, self.epoch = page.latest, sys.intern(page.epoch)
        self.send(frames.stream_reset(page.epoch, page.latest))

    def give_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        self.send(b"".join(frames.stream_snapshot(*snapshot) for snapshot in snapshots))

    def give_change(self, snapshot: Snapshot, encoded: dict[Any, bytes]) -> None:
        self.send(encode_once(snapshot, encoded, frames.stream_snapshot))

    def check(self, now: float) -> float | None:
        if self.state == CLOSING:
            self.end_if_due(now)
            return None
        self.dispatcher.grants.doubt(self)
        if not self.rest:
            self.send(frames.STREAM_COMMENT)
        return now + COMMENT_EVERY

    def dismiss(self, code: CloseCode, retry: float | None = None) -> None:
        """Say why, then end the stream; an EventSource that does not look at it comes back after `retry`, too."""
        if self.state in (CLOSING, CLOSED):
            return
        self.dispatcher.counts[f"stream_closes_{code}"] += 1
        self.say_last(frames.stream_close(code, retry))
        if not self.rest:
            self.drop()
