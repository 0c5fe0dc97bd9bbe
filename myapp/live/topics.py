"""Snapshots: what is only ever current (who is online, how often a post is liked), by topic, and who watches which.

Unlike events they are not in the inbox and never replayed: who was away or slow gets the newest one. A client that
watches nothing costs nothing here.

What is current of a topic is either made up here, by a provider, with versions of this process; or it stands in the
database, with a version of its own that is the same in all workers. Of a stored topic that somebody watches this worker
hears by the bus, and the sweep compares it with the database; of no other it knows anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .bus import Bus
from .clients import ParkedClient
from .current import Current
from .pace import Pace
from .returns import Returns
from .stored import ReadStored, Stored
from .topic import Snapshot, Topic, Watch
from .wishes import Wishes

if TYPE_CHECKING:
    from .websocket import WebSocketClient

__all__ = ["MOST_TOPICS", "ReadStored", "Resolve", "Topics", "Watch"]

#: The most topics that one client may watch.
MOST_TOPICS = 50
#: Those of the topics that the user (an id) may watch. It reads: it may switch greenlets, and may raise.
Resolve = Callable[[int, Sequence[str]], list[Watch]]


class Topics:
    """Who watches what in this worker. `providers`, filled by the owner, are asked for what nobody has watched so far;
    topics of other kinds are stored, and read by `read_stored`.

    What a provider gave and has not changed keeps its version, also while nobody watches, for as long as it is
    remembered.
    """

    def __init__(
        self,
        resolve: Resolve,
        read_stored: ReadStored,
        bus: Bus,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.resolve = resolve
        #: told of each stored topic that is followed from now on
        self.followed: Callable[[Topic], None] = lambda topic: None
        self._bus = bus
        self._pace = Pace(clock)
        self._wishes = Wishes(self)
        self._topics: dict[str, Topic] = {}
        self._current = Current(self._topics)
        self.providers = self._current.providers
        self.stored = Stored(self._topics, self._current, self._pace, bus, read_stored)
        self.returns = Returns(self._topics, self._current, self._pace)
        self._watches: dict[ParkedClient, tuple[Topic, ...]] = {}
        self._refused: dict[ParkedClient, Sequence[str]] = {}

    @property
    def size(self) -> int:
        """How much is kept for those who watch, or want to: nothing where nobody does."""
        return len(self._topics) + len(self._watches) + len(self._refused) + len(self._wishes) + self._pace.size

    # -- who watches

    def watch_later(self, client: WebSocketClient, names: Sequence[str]) -> None:
        """Have the client watch these topics, when it is known which of them it may. Does not wait."""
        self._wishes.add(client, names)

    def hold(self, watches: Iterable[Watch]) -> None:
        """Call this before anybody watches: from here on no change of what is stored is missed. Pair it with `release`.

        It may wait as `Stored.follow` does.
        """
        keys = self.stored.keys(watches)
        for key in keys:
            self._topic(key).holders += 1
        self.stored.follow(keys)

    def release(self, watches: Iterable[Watch]) -> None:
        """Who was to watch does, or never will."""
        for key in self.stored.keys(watches):
            topic = self._topics[key]
            topic.holders -= 1
            self._let_go(topic)

    def watch(self, client: ParkedClient, watches: Iterable[Watch], refused: Sequence[str] = ()) -> None:
        """From now on the client watches these, and no others; `refused` is kept for those who are told later."""
        named: dict[str, tuple[str, ...]] = {}
        for name, key in dict.fromkeys(watches):
            named[key] = (*named.get(key, ()), name)
        topics = {self._topic(key): names for key, names in named.items()}
        for topic in topics:
            topic.holders += 1  # what it watched before as well is not given up in between
        self.forget(client)
        if refused:
            self._refused[client] = refused
        if topics:
            self._watches[client] = tuple(topics)
        for topic, names in topics.items():
            topic.add(client, names)
            topic.holders -= 1

    def forget(self, client: ParkedClient) -> None:
        """The client watches nothing any more."""
        self._pace.forget(client)
        self._refused.pop(client, None)
        for topic in self._watches.pop(client, ()):
            topic.watchers.pop(client, None)
            self._let_go(topic)

    def is_asked_by(self, client: ParkedClient) -> bool:
        """Whether the client wanted to watch anything."""
        return client in self._watches or client in self._refused

    def refused_to(self, client: ParkedClient) -> Sequence[str]:
        """What it wanted to watch and may not."""
        return self._refused.get(client, ())

    def is_followed(self, topic: Topic) -> bool:
        """Whether it still is: one that nobody watches is dropped, and a new one made when somebody does."""
        return self._topics.get(topic.key) is topic

    def _topic(self, key: str) -> Topic:
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = Topic(key, self._current.is_stored(key))
            if topic.is_stored:
                self._pace.add(topic)
                self.followed(topic)
        return topic

    def _let_go(self, topic: Topic) -> None:
        if topic.watchers or topic.holders:
            return
        del self._topics[topic.key]
        self._pace.drop(topic)
        if topic.is_stored:
            self._bus.unsubscribe(topic.key)
        elif topic.version:
            self._current.remember(topic.key, topic.version, topic.data)

    # -- what changes

    def put(self, key: str, data: str) -> None:
        """This is current now of a topic that has a provider: every watcher gets it."""
        topic = self._topics.get(key)
        if topic is not None:
            topic.version, topic.data = self._current.next_version(), data
            self._pace.give(topic)

    def let_out(self) -> Iterator[None]:
        """Each turn of the sweep: changes whose time has come, a topic at each step."""
        return self._pace.turn()

    # -- what is current

    def give_all(self, client: ParkedClient) -> None:
        """Have the client get what is current of all that it watches, now or when there is room."""
        if client.is_behind:
            self._pace.missed(client, self._watches.get(client, ()))
        else:
            self.came(client)
            client.give_snapshots(self.of(client))

    def give_missed(self, client: ParkedClient) -> None:
        """The client has room again."""
        topics = self._pace.take_missed(client)
        if topics:
            self.came(client)
            client.give_snapshots(self._of(client, topics))

    def came(self, client: ParkedClient) -> None:
        """The client is given right now what is current of all that it watches."""
        if any(topic.is_stored for topic in self._watches.get(client, ())):
            self._pace.came(client)

    def of(self, client: ParkedClient) -> list[Snapshot]:
        """What is current of all that the client watches."""
        return self._of(client, self._watches.get(client, ()))

    def _of(self, client: ParkedClient, topics: Iterable[Topic]) -> list[Snapshot]:
        return self.current(Watch(name, topic.key) for topic in topics for name in topic.watchers.get(client, ()))

    def current(self, watches: Iterable[Watch]) -> list[Snapshot]:
        """What is current of these, without those of which nothing is known: what is stored must be held, or just read
        by `Stored.refresh`.
        """
        return self._current.of(watches)
