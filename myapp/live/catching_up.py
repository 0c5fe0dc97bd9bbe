"""Catching up: reads for parked clients that are not current, in a bounded number of greenlets.

They exist only while there is something to read. A user waits at most once in the queue, and one read serves all of
the user's clients that stand where it begins, or within what it brings.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent

from .batches import FRAME_EVENTS, cut
from .clients import CATCHING_UP, CURRENT, ParkedClient, failed
from .frames import Batch, Page, batch_of, written_at
from .sweep import give_way

if TYPE_CHECKING:
    from .dispatcher import Dispatcher
    from .places import Place

log = logging.getLogger(__name__)

#: Greenlets that read.
READERS = 4
#: Seconds to wait after a read that failed.
READ_RETRY = 0.5

#: `read(user, after, epoch, limit)`: it may switch greenlets, and may raise.
Read = Callable[[int, int, str, int], Page]


#: What was cut and encoded for clients at the same cursor.
Shared = dict[int, tuple[Batch, dict[Any, bytes]]]


def give_next(client: ParkedClient, run: Batch, shared: Shared) -> None:
    """One frame of what follows the client's cursor in `run`, cut and encoded once for all who stand there."""
    part = shared.get(client.cursor)
    if part is None:
        part = shared[client.cursor] = cut(run, client.cursor), {}
    client.give(*part)


class CatchUp:
    """Owned by the dispatcher."""

    def __init__(self, dispatcher: Dispatcher, read: Read) -> None:
        self._dispatcher = dispatcher
        self._read = read
        self._queue: deque[Place] = deque()
        self._queued: set[Place] = set()
        #: the reads under way: for whom, from which cursor, in which epoch
        self._reading: set[tuple[Place, int, str]] = set()
        #: whose read has failed: it is tried again a little later, however many ask for it meanwhile
        self._resting: set[Place] = set()
        #: up to where those stood who were current when they missed something
        self._expected: dict[Place, int] = {}
        self._readers = 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for a read."""
        return not (self._queue or self._queued or self._resting or self._readers)

    def is_queued(self, place: Place) -> bool:
        """Whether a read for this user is to come."""
        return place in self._queued or place in self._resting

    def expect(self, place: Place, seq: int) -> None:
        """What follows `seq` happened while clients waited here: how late it is when it is read shall be counted."""
        self._expected[place] = max(seq, self._expected.get(place, 0))

    def close(self) -> None:
        """Try nothing again."""
        self._resting.clear()

    def enqueue(self, place: Place) -> None:
        """Read for this user's clients soon; each user waits at most once in the queue."""
        if self.is_queued(place) or self._dispatcher.is_ending:
            return
        self._queued.add(place)
        self._queue.append(place)
        if self._readers < READERS:
            self._readers += 1
            gevent.spawn(self._read_queue)

    def _read_queue(self) -> None:
        try:
            while self._queue:
                place = self._queue.popleft()
                self._queued.discard(place)
                try:
                    self._catch_up(place)
                except Exception as error:  # safety net: the database may be away; try again, with patience
                    log.warning("reading for a parked client failed: %s", error)
                    if not self._dispatcher.is_ending:
                        self._resting.add(place)
                        self._dispatcher.later(READ_RETRY, self._try_again, place)
                give_way()  # a read from SQLite does not
        finally:
            self._readers -= 1

    def _try_again(self, place: Place) -> None:
        self._resting.discard(place)
        self.enqueue(place)

    def _catch_up(self, place: Place) -> None:
        """One read, for all clients of the user that stand where it begins, or within what it brings."""
        waiting = [client for client in place.clients if client.state == CATCHING_UP]
        if not waiting:
            self._expected.pop(place, None)
        under_way = {(cursor, epoch) for other, cursor, epoch in self._reading if other is place}
        stands = sorted({(client.cursor, client.epoch) for client in waiting} - under_way)
        if not stands:  # who reads for them looks again at the end
            return
        # by lot: the hindmost may be a thousand pages from the end, and who lacks one event must not wait for that
        cursor, epoch = stands[random.choice((0, -1))]
        known, wanted = place.epoch, place.wanted
        self._reading.add((place, cursor, epoch))
        try:
            page = self._read(place.user, cursor, epoch, FRAME_EVENTS)  # may switch: everything can be different now
        finally:
            self._reading.discard((place, cursor, epoch))
        self._dispatcher.counts["catch_ups"] += 1
        is_sure = place.epoch == page.epoch == known
        if place.epoch in (page.epoch, known):  # or else the page is of a database from before
            self._dispatcher.delivery.learn(place, page)
        if is_sure and place.wanted == wanted > page.latest:
            place.wanted = page.latest  # the database is right
            is_sure = False
        self._give(place, page, [client for client in waiting if client.epoch == epoch], cursor, is_sure)
        self._note_lag(place, page)
        if any(client.state == CATCHING_UP for client in place.clients):
            self.enqueue(place)

    def _note_lag(self, place: Place, page: Page) -> None:
        """How late it is for those who were here before it happened; to come back after an hour is no lag."""
        if page.events and page.seq > self._expected.get(place, page.seq):
            del self._expected[place]
            if at := written_at(page.events[-1].text):
                self._dispatcher.lags["read"].observe(time.time() - at)

    def _give(self, place: Place, page: Page, waiting: list[ParkedClient], cursor: int, is_sure: bool) -> None:
        """Hand what was read from `cursor` to those who stand in it; who has reached the end is current."""
        batch = batch_of(page)
        shared: Shared = {}
        for client in waiting:
            if client.state != CATCHING_UP:
                continue
            try:
                if page.reset and client.cursor == cursor:
                    self._dispatcher.counts["resets"] += 1
                    client.give_reset(page)
                elif batch.texts and batch.first <= client.cursor + 1 <= batch.seq:
                    give_next(client, batch, shared)
            except Exception as error:  # safety net: the user's other clients must get theirs
                failed(client, error)
            # who stands beyond is not current, nor who stands there in an epoch before; and what was not sure is looked
            # at once more: while `wanted` was that of a database before, news did not raise it
            is_there = client.cursor == place.wanted and client.epoch == page.epoch
            if client.state == CATCHING_UP and is_there and is_sure:
                client.state = CURRENT
