"""Snapshots: what is only ever current (who is online, how far a task is), by topic, and who watches which.

Unlike events they are not in the inbox and never replayed: who was away or slow gets the newest one. A client that
watches nothing costs nothing here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import gevent

from .clients import ParkedClient, failed

if TYPE_CHECKING:
    from .websocket import WebSocketClient

log = logging.getLogger(__name__)

#: The most topics that one client may watch.
MOST_TOPICS = 50
#: Of so many topics that nobody watches any more it is remembered what was said last: long polls come back to them.
MOST_REMEMBERED = 20_000


class Watch(NamedTuple):
    """A topic as the client names it, and what it is here: `typing:bob` is another thing for each who watches it."""

    topic: str
    key: str


class Snapshot(NamedTuple):
    """What is current. `version` only ever grows; `data` is a JSON object's text."""

    topic: str
    version: int
    data: str


def state_data(state: str) -> str:
    """The data of a topic that is in one of some states."""
    return f'{{"state":"{state}"}}'


#: What is current of the topics of one kind, by what follows `<kind>:` in their keys. It does not wait.
Provider = Callable[[str], str]
#: Those of the topics that the user (an id) may watch. It reads: it may switch greenlets, and may raise.
Resolve = Callable[[int, Sequence[str]], list[Watch]]


class Topics:
    """Who watches what in this worker. `providers`, filled by the owner, are asked for what nobody has watched so far.

    What has not changed keeps its version, also while nobody watches, for as long as it is remembered.
    """

    def __init__(self, resolve: Resolve) -> None:
        self.resolve = resolve
        self.providers: dict[str, Provider] = {}
        #: who asked by its WebSocket to watch, and what; the latest wish counts
        self._wishes: dict[WebSocketClient, Sequence[str]] = {}
        self._watches: dict[ParkedClient, tuple[Watch, ...]] = {}
        self._watchers: dict[str, dict[ParkedClient, str]] = {}
        self._current: dict[str, tuple[int, str]] = {}
        #: what was said last of topics that nobody watches now; the one left longest ago first
        self._remembered: dict[str, tuple[int, str]] = {}
        self._missed: set[ParkedClient] = set()
        self._refused: dict[ParkedClient, Sequence[str]] = {}
        self._version = 0
        #: smaller versions were given by an earlier process
        self._began = self._next_version()

    def watch(self, client: ParkedClient, watches: Iterable[Watch], refused: Sequence[str] = ()) -> None:
        """From now on the client watches these, and no others; `refused` is kept for those who are told later."""
        self.forget(client)
        if refused:
            self._refused[client] = refused
        kept = tuple(dict.fromkeys(watches))
        if not kept:
            return
        self._watches[client] = kept
        for topic, key in kept:
            self._watchers.setdefault(key, {})[client] = topic

    def forget(self, client: ParkedClient) -> None:
        """The client watches nothing any more."""
        self._missed.discard(client)
        self._refused.pop(client, None)
        for _topic, key in self._watches.pop(client, ()):
            watchers = self._watchers.get(key, {})
            watchers.pop(client, None)
            if not watchers:
                self._watchers.pop(key, None)
                self._remember(key, self._current.pop(key, None))

    def put(self, key: str, data: str) -> None:
        """This is current now: every watcher gets it, who is behind gets the newest when there is room."""
        if key not in self._watchers:
            return
        self._current[key] = self._next_version(), data
        for client, topic in tuple(self._watchers[key].items()):
            if client.is_behind:
                self._missed.add(client)
                continue
            try:
                client.give_snapshots([Snapshot(topic, *self._current[key])])
            except Exception as error:  # safety net: the others must get theirs
                failed(client, error)

    def give_missed(self, client: ParkedClient) -> None:
        """The client has room again."""
        if client in self._missed:
            self._missed.discard(client)
            client.give_snapshots(self.of(client))

    def of(self, client: ParkedClient) -> list[Snapshot]:
        """What is current of all that the client watches."""
        return self.current(self._watches.get(client, ()))

    def is_asked_by(self, client: ParkedClient) -> bool:
        """Whether the client wanted to watch anything."""
        return client in self._watches or client in self._refused

    def refused_to(self, client: ParkedClient) -> Sequence[str]:
        """What it wanted to watch and may not."""
        return self._refused.get(client, ())

    def current(self, watches: Iterable[Watch]) -> list[Snapshot]:
        """What is current of these."""
        return [Snapshot(topic, *self._look(key)) for topic, key in watches]

    def is_newer(self, watches: Iterable[Watch], have: int) -> bool:
        """Whether any of these is newer than what has been given up to the version `have`.

        What is not remembered, of a client that has been here, counts as old: where more is watched than can be
        remembered, changes between two long polls come late, and nobody asks in a circle.
        """
        for _topic, key in watches:
            is_known = key in self._current or key in self._remembered or have < self._began
            if self._look(key)[0] > have and is_known:
                return True
        return False

    def _look(self, key: str) -> tuple[int, str]:
        current = self._current.get(key)
        if current is not None:
            return current
        kind, _, name = key.partition(":")
        data = self.providers[kind](name)
        current = self._remembered.pop(key, None)
        if current is None or current[1] != data:
            current = self._next_version(), data
        if key in self._watchers:
            self._current[key] = current
        else:
            self._remember(key, current)
        return current

    def _remember(self, key: str, said: tuple[int, str] | None) -> None:
        if said is None:
            return
        self._remembered[key] = said
        if len(self._remembered) > MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def watch_later(self, client: WebSocketClient, topics: Sequence[str]) -> None:
        """Have the client watch these topics, when it is known which of them it may. Does not wait."""
        is_idle = not self._wishes
        self._wishes[client] = topics
        if is_idle:
            gevent.spawn(self._grant_wishes)

    def _grant_wishes(self) -> None:
        while self._wishes:
            client, topics = next(iter(self._wishes.items()))
            watches: list[Watch] = []
            try:
                if client.place is not None:
                    watches = self.resolve(client.place.user, topics)  # may switch: it can be gone now
            except Exception as error:  # safety net: the database may be away; the client is told, and may ask again
                log.warning("looking for topics to watch failed: %s", error)
            if self._wishes.get(client) is not topics:
                continue  # by now it wishes for others
            del self._wishes[client]
            if client.place is not None:
                self._grant(client, topics, watches)

    def _grant(self, client: WebSocketClient, topics: Sequence[str], watches: list[Watch]) -> None:
        self.watch(client, watches)
        known = {watch.topic for watch in watches}
        try:
            if client.is_behind:
                self._missed.add(client)
            else:
                client.give_snapshots(self.of(client))
            client.refuse_topics([topic for topic in dict.fromkeys(topics) if topic not in known])
        except Exception as error:  # safety net: the others must get theirs
            failed(client, error)

    def _next_version(self) -> int:
        """Grows over restarts too: milliseconds since 1970, or one more than the last."""
        self._version = max(self._version + 1, time.time_ns() // 1_000_000)
        return self._version
