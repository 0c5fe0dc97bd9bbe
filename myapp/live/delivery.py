"""What comes for those who wait here: news from the bus, pages that were read, and what the sweep has found.

News of an inbox raises its place's `wanted`. A current client that stands just before the news is written to at once,
in the same turn of the loop; every other one catches up from the database, in a bounded number of greenlets that exist
only while there is something to read. A client becomes current only when its cursor has reached `wanted`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from .bus import News, NewsOfMany
from .catching_up import CatchUp
from .clients import CATCHING_UP, CURRENT, ParkedClient
from .frames import Page
from .grants import Grants
from .handing_out import HandingOut
from .places import Place
from .stored import Stored

if TYPE_CHECKING:
    from .dispatcher import Dispatcher


class Delivery:
    """Owned by the dispatcher; `places` are where its clients wait, by user, and `entering` is who is about to come."""

    def __init__(self, dispatcher: Dispatcher, places: Mapping[int, Place], entering: Container[int]) -> None:
        self._places = places
        self._entering = entering
        self._counts: Counter[str] = dispatcher.counts
        self._handing_out: HandingOut = dispatcher.handing_out
        self._catch_up: CatchUp = dispatcher.catch_up
        self._grants: Grants = dispatcher.grants
        self._stored: Stored = dispatcher.topics.stored

    # -- news

    def deliver(self, news: News) -> None:
        """News from the bus, in whatever order. All that comes within one turn of the loop leaves in one write."""
        place = self._places.get(news.user)
        if place is None:
            return
        if news.ended:
            self._grants.end(place, news.ended, is_entering=place.user in self._entering)
            return
        assert news.batch is not None
        if place.epoch and news.epoch not in ("", place.epoch):
            self._doubt(place)
            return
        if news.batch.latest >= place.wanted:
            place.wanted = news.batch.latest
            place.badges = sys.intern(news.batch.badges)
        self._handing_out.add(place, news)

    def deliver_all(self, news: NewsOfMany) -> None:
        """The same for many users, most of whom may not be here."""
        for user, seq, which in news.rows:
            if user in self._places:
                self.deliver(news.of(user, seq, which))

    def _doubt(self, place: Place) -> None:
        """News of another epoch: a backup was put back, and nobody here knows; or it is late. The read says which."""
        for client in place.clients:
            if client.state == CURRENT:
                client.state = CATCHING_UP
        self._catch_up.enqueue(place)

    # -- catching up

    def caught_up_or_enqueue(self, client: ParkedClient) -> None:
        """A client that was behind has room again, or was just parked."""
        place = client.place
        if place is None or client.state != CATCHING_UP:
            return
        if client.cursor >= place.wanted and not self._catch_up.is_queued(place):
            client.state = CURRENT
        elif not client.wants_events:
            client.tell()
        else:
            self._catch_up.enqueue(place)

    def learn(self, place: Place, page: Page) -> None:
        """This was read for the place's user, and is to be given after that."""
        self._stored.in_epoch(page.epoch)
        # of another database, put back from a backup, nothing was known so far
        if page.latest >= place.wanted or place.epoch not in ("", page.epoch):
            place.wanted = page.latest
            place.badges = sys.intern(page.badges)
        place.epoch = sys.intern(page.epoch)

    def compare(self, epoch: str, heads: dict[int, int]) -> None:
        """What the sweep has read: whoever does not stand there has missed news, or the database is another one."""
        self._stored.in_epoch(epoch)
        for user, seq in heads.items():
            place = self._places.get(user)
            if place is None:
                continue
            latest = max(place.wanted, seq)  # `wanted` stays where the badges stand: the read knows both
            strays = [
                client
                for client in place.clients
                if client.state == CURRENT and (client.cursor < latest or client.cursor > seq or client.epoch != epoch)
            ]
            for client in strays:
                client.state = CATCHING_UP
            if strays:
                self._counts["sweep_finds"] += 1
                self._catch_up.expect(place, max(client.cursor for client in strays))
                self._catch_up.enqueue(place)
