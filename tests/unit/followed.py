"""A made-up world that is watched while its inboxes are followed: how it is read, and whether it comes to rest."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest import mock

import gevent

from myapp.live import catching_up, handing_out
from myapp.live.batches import FRAME_EVENTS
from myapp.live.bus import News
from myapp.live.frames import Batch, Page

from .parking import USER, ReadPage, World, badges, open_descriptors, until

#: Reads at once; what the dispatcher may take of the database's connections.
MOST_READS = 4


class Broken(AssertionError):
    """The promise is broken."""


def turn(times: int = 1) -> None:
    """Let the loop make whole turns: callbacks, sockets and timers. `sleep(0)` would leave the last two out."""
    for _ in range(times):
        gevent.sleep(1e-9)


class FollowedWorld(World):
    """A world that watches how it is read: at most so many reads at once, and never the same one twice at once.

    With `is_cooperative` a read gives way to others while it is under way, as PostgreSQL's do; SQLite's do not.
    """

    def __init__(self, *, is_cooperative: bool = True, max_clients: int = 0) -> None:
        super().__init__(max_clients)
        self.is_cooperative = is_cooperative
        self.under_way: Counter[tuple[int, int, str]] = Counter()
        #: the most reads at once: for one user, from one cursor, and in all
        self.most_for_a_user = self.most_alike = self.most_reads = 0
        #: the most events that were asked for in one
        self.most_asked = 0

    def _read(self, user: int, after: int, epoch: str, limit: int) -> Page:
        key = user, after, epoch
        self.most_asked = max(self.most_asked, limit)
        self.under_way[key] += 1
        self.most_alike = max(self.most_alike, self.under_way[key])
        of_user = sum(count for (other, _, _), count in self.under_way.items() if other == user)
        self.most_for_a_user = max(self.most_for_a_user, of_user)
        self.most_reads = max(self.most_reads, self.under_way.total())
        try:
            if self.is_cooperative:
                gevent.sleep(0)
            return super()._read(user, after, epoch, limit)
        finally:
            self.under_way[key] -= 1
            if not self.under_way[key]:
                del self.under_way[key]

    def store(self, count: int = 1, user: int = USER, size: int = 0) -> Batch:
        """As the base's, with events that have a kind, as streams need it."""
        texts = self.inboxes[user]
        first = len(texts) + 1
        texts.extend(event_text(seq, size) for seq in range(first, first + count))
        return Batch(tuple(texts[first - 1 :]), first, len(texts), len(texts), badges(len(texts)))

    def compare(self) -> None:
        """One comparison of the sweep, of everybody who is here."""
        users = list(self.dispatcher._places)
        self.dispatcher.delivery.compare(*self._read_heads(users))

    def end(self, grant: str, user: int = USER) -> None:
        """A session or token ends, and the bus says so."""
        self.ended.add(grant)
        self.bus.publish(News(user, None, grant))

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is queued, read, waited for or about to be handed out."""
        it = self.dispatcher
        return it.catch_up.is_idle and not (it._timers or it.handing_out.is_pending or self.under_way)

    def rest(self) -> None:
        """Let everything happen that is going to happen without anybody's doing."""
        turn(2)
        until(lambda: self.is_at_rest, "the dispatcher to be at rest")
        turn(2)


@contextlib.contextmanager
def a_world(*, patience: float = 0.002, most_alike: int = 1, **options: Any) -> Iterator[FollowedWorld]:
    """A world that is closed behind the test, with nothing left open, nothing failed and nothing read twice at once.

    A gap in the news, and a read that failed, are waited for so many seconds. Where a user's last client leaves and
    others come back, what was read for the first is read anew: `most_alike` then allows for more than one at once.
    """
    with (
        mock.patch.object(handing_out, "GAP_PATIENCE", patience),
        mock.patch.object(catching_up, "READ_RETRY", patience),
    ):
        world = FollowedWorld(**options)
        world.dispatcher.start()
        inside = open_descriptors()
        try:
            yield world
            if world.most_alike > most_alike or world.most_reads > MOST_READS or world.most_asked > FRAME_EVENTS:
                raise Broken(
                    f"{world.most_reads} reads at once, {world.most_alike} equal, of {world.most_asked} events"
                )
            if world.dispatcher.counts["callback_failures"]:
                raise Broken("a callback failed")
        finally:
            world.close()
    if open_descriptors() > inside:  # gevent keeps a few of its own
        raise Broken("a descriptor is left open")


def event_text(seq: int, size: int = 0) -> str:
    return f'{{"seq":{seq},"kind":"note","data":"{"x" * size}"}}'


def pages(world: FollowedWorld, after: int, user: int = USER) -> int:
    """How many reads bring who stands at `after` to the end."""
    count = 0
    while after < len(world.inboxes[user]):
        page = world.page(user, after, world.epoch)
        assert isinstance(page, ReadPage)
        after = page.seq
        count += 1
    return count
