"""When watchers are given what has changed: at once, and of what is stored at most once in PACE seconds, the newest.

A change costs nothing that grows with the watchers, until it is let out; then its frame is made once for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .clients import ParkedClient, failed

if TYPE_CHECKING:
    from .topic import Snapshot, Topic

#: Seconds between two states of one stored topic that a client is given: two a second at most, and not three where the
#: first takes 80 ms longer on its way than the third.
PACE = 0.54


class Pace:
    """Owned by Topics. `clock` gives monotonic seconds; the sweep goes through `turn` again and again.

    Whoever was given all that is current (it came, or has room again) counts as given everything at that moment.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: counts changes: what had changed when
        self._changes = 0
        #: topics that changed too soon after they were let out, and those of which somebody is owed a state
        self._due: dict[Topic, None] = {}
        #: who was given all within PACE seconds before the last turn: when, and up to which change; the earliest first
        self._came: dict[ParkedClient, tuple[float, int]] = {}
        #: what those who are behind have missed
        self._missed: dict[ParkedClient, dict[Topic, None]] = {}
        #: what was let out when of topics that were dropped less than PACE seconds after: long polls come back to them
        self._left: dict[str, tuple[float, int]] = {}

    @property
    def size(self) -> int:
        """How much is kept at the moment."""
        return len(self._due) + len(self._came) + len(self._missed) + len(self._left)

    # -- who is given what

    def give(self, topic: Topic) -> None:
        """All watchers are given what is current, at once; who is behind gets the newest when there is room."""
        self._give(topic, topic.watchers)

    def changed(self, topic: Topic) -> None:
        """The same of what is stored: at once, or when its time has come."""
        self._changes += 1
        topic.changed = self._changes
        if not topic.watchers:
            topic.let_out = topic.changed  # nobody lacks it
        elif topic not in self._due:
            now = self._clock()
            if now - topic.let_out_at >= PACE:
                self._let_out(topic, now)
            else:
                self._due[topic] = None

    def turn(self) -> Iterator[None]:
        """Let out what is due, a topic at each step."""
        began = self._clock()
        for topic in tuple(self._due):
            now = self._clock()
            if now - topic.let_out_at >= PACE and topic in self._due:
                self._let_out(topic, now)
                yield
        # only now, and as of then: who came after the last change of what was due has it, however late this turn is
        self._expire(began)

    def _let_out(self, topic: Topic, now: float) -> None:
        """To all watchers, or, when nothing has changed since, to those who are owed; but not to those who were given
        something less than PACE seconds ago: they are owed it the next time.
        """
        whom: Iterable[ParkedClient] = topic.owed if topic.let_out == topic.changed else topic.watchers
        topic.let_out = topic.changed
        topic.owed = []
        if self._came:
            whom = self._without_those_who_came(topic, whom, now)
        if topic.owed:
            self._due[topic] = None
        else:
            self._due.pop(topic, None)
        if whom:
            topic.let_out_at, topic.let_out_version = now, topic.version
            self._give(topic, whom)

    def _without_those_who_came(self, topic: Topic, whom: Iterable[ParkedClient], now: float) -> list[ParkedClient]:
        kept: list[ParkedClient] = []
        owed: list[ParkedClient] = []
        for client in whom:
            at, change = self._came.get(client, (-math.inf, 0))
            if change < topic.changed:  # or else it has that already
                (owed if now - at < PACE else kept).append(client)
        topic.owed = owed
        return kept

    def _give(self, topic: Topic, whom: Iterable[ParkedClient]) -> None:
        shared: dict[str, tuple[Snapshot, dict[Any, bytes]]] = {}
        for client in tuple(whom):
            if client.is_behind:
                if client in topic.watchers:
                    self._missed.setdefault(client, {})[topic] = None
                continue
            try:
                for name in topic.watchers.get(client, ()):  # none: it has left meanwhile
                    if name not in shared:
                        shared[name] = topic.snapshot(name), {}
                    client.give_change(*shared[name])
            except Exception as error:  # safety net: the others must get theirs
                failed(client, error)

    # -- who came

    def came(self, client: ParkedClient, age: float = 0.0, *, has_all: bool = True) -> None:
        """The client was given its topics so many seconds ago; `has_all`: nothing has changed since."""
        if age < PACE:
            self._came.pop(client, None)  # it comes last now
            self._came[client] = self._clock() - age, self._changes if has_all else 0

    def owe(self, client: ParkedClient, topics: Iterable[Topic]) -> None:
        """The client came without the newest of these: it is given it with those who wait, when its time has come."""
        for topic in topics:
            topic.owed.append(client)
            self._due[topic] = None

    def age(self, topic: Topic) -> float:
        """Seconds since something of it was let out here."""
        return self._clock() - topic.let_out_at

    def missed(self, client: ParkedClient, topics: Iterable[Topic]) -> None:
        """The client is behind: it is to be given these when it has room."""
        self._missed[client] = dict.fromkeys(topics)

    def take_missed(self, client: ParkedClient) -> Iterable[Topic]:
        """The client has room again: it is to be given these."""
        return self._missed.pop(client, ())

    def forget(self, client: ParkedClient) -> None:
        """The client watches nothing any more."""
        self._came.pop(client, None)
        self._missed.pop(client, None)

    def forget_changes(self, topic: Topic) -> None:
        """Nothing is known of it any more: what is due comes with the next change."""
        topic.owed = []
        self._due.pop(topic, None)

    def add(self, topic: Topic) -> None:
        """It is watched from now on."""
        if topic.key in self._left:
            topic.let_out_at, topic.let_out_version = self._left.pop(topic.key)

    def drop(self, topic: Topic) -> None:
        """Nobody watches it any more."""
        self._due.pop(topic, None)
        if self._clock() - topic.let_out_at < PACE:
            self._left[topic.key] = topic.let_out_at, topic.let_out_version

    def _expire(self, now: float) -> None:
        while self._left:
            key, (at, _version) = next(iter(self._left.items()))
            if now - at < PACE:
                break
            del self._left[key]
        while self._came:
            client, (at, _change) = next(iter(self._came.items()))
            if now - at < PACE:
                return
            del self._came[client]
