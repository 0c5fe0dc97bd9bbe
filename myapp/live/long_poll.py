"""A long poll that is parked: one whole HTTP answer, later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import frames
from .clients import BEHIND, CLOSED, CLOSING, SLOW_PATIENCE, ParkedClient
from .frames import Batch, CloseCode, Page
from .topic import Snapshot

if TYPE_CHECKING:
    from .dispatcher import Dispatcher
    from .places import Place


class LongPollClient(ParkedClient):
    """A long poll: gets one whole HTTP answer, then its connection ends."""

    __slots__ = ("head", "request_id", "started")

    transport = "long-poll"

    def __init__(
        self,
        dispatcher: Dispatcher,
        place: Place,
        fd: int,
        grant: str,
        cursor: int,
        epoch: str,
        *,
        head: bytes,
        deadline: float,
        address: str,
        started: float,
        request_id: str,
    ) -> None:
        # `head`: the answer's status line and headers, without those that no two have alike; equal ones are shared
        self.head = head
        self.deadline = deadline
        self.started = started
        self.request_id = request_id  # for the access log, as `started`
        super().__init__(dispatcher, place, fd, grant, cursor, epoch, address)

    def received(self, data: bytes) -> None:
        """A second request behind this one is not served: the answer says Connection: close."""

    def written(self) -> None:
        self.drop()

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        body = encoded.get(self.epoch)
        if body is None or self.dispatcher.topics.is_asked_by(self):
            body = self._body(batch)
        if not self.dispatcher.topics.is_asked_by(self):
            encoded[self.epoch] = body
        self.cursor = batch.seq
        self.dispatcher.counts["delivered"] += len(batch.texts)
        self._answer(body)

    def give_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        self.answer_empty()  # with all that is current

    def give_change(self, snapshot: Snapshot, encoded: dict[Any, bytes]) -> None:
        self.answer_empty()

    def give_reset(self, page: Page) -> None:
        batch = Batch((), page.latest + 1, page.latest, page.latest, page.badges)
        self._answer(frames.poll_body(page.epoch, batch, True, 0))

    def answer_empty(self, wait: float = 0) -> None:
        """No event happened; ask again after `wait` seconds."""
        place = self.place
        latest = max(place.wanted, self.cursor) if place is not None else self.cursor
        badges = place.badges if place is not None else "{}"
        batch = Batch((), self.cursor + 1, self.cursor, latest, badges)
        self._answer(self._body(batch, wait))

    def dismiss(self, code: CloseCode, retry: float | None = None) -> None:
        """An empty answer: its next request learns why. Who is one too many does not make it at once."""
        self.answer_empty(round(retry, 1) if code == CloseCode.TOO_MANY and retry is not None else 0)

    def check(self, now: float) -> float | None:
        if self.state == CLOSING:
            self.end_if_due(now)
            return None
        if now < self.deadline:
            return self.deadline
        if self.state != BEHIND:
            self.answer_empty()
        return None

    def _body(self, batch: Batch, wait: float = 0) -> bytes:
        topics = self.dispatcher.topics
        return frames.poll_body(
            self.epoch, batch, False, wait, frames.snapshots(topics.of(self)), topics.refused_to(self)
        )

    def _answer(self, body: bytes) -> None:
        if self.state in (CLOSING, CLOSED):
            return
        self.state = CLOSING
        user = self.place.user if self.place is not None else 0
        self.dispatcher.leave(self)
        self.dispatcher.log_answer(self.address, self.started, user, self.request_id)
        own = f"Content-Length: {len(body)}\r\nDate: {self.dispatcher.http_date()}\r\nX-Request-ID: {self.request_id}"
        self.send(b"%s%s\r\n\r\n%s" % (self.head, own.encode(), body))
        if self.rest:
            self.end_in(SLOW_PATIENCE)
        else:
            self.drop()
