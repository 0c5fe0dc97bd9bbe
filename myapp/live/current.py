"""What is current of a topic: what a provider in this process says, or what was read from the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from .topic import Snapshot, Topic, Watch

#: Of so many topics that nobody watches any more it is remembered what was said last: long polls come back to them.
MOST_REMEMBERED = 20_000

#: What is current of the topics of one kind, by what follows `<kind>:` in their keys. It does not wait.
Provider = Callable[[str], str]


def now_ms() -> int:
    """Milliseconds since 1970, as versions are."""
    return time.time_ns() // 1_000_000


class Current:
    """Owned by Topics, whose `topics` are those that are watched here. Nothing here waits.

    What a provider said and has not changed keeps its version, also while nobody watches, for as long as it is
    remembered. What is remembered of a stored topic is only what was read last: somebody has read it just now.
    """

    def __init__(self, topics: Mapping[str, Topic]) -> None:
        self.providers: dict[str, Provider] = {}
        self._topics = topics
        #: what was said last of topics that nobody watches now; the one left longest ago first
        self._remembered: dict[str, tuple[int, str]] = {}
        self._version = 0
        #: smaller versions were given by an earlier process
        self._began = self.next_version()

    def is_stored(self, key: str) -> bool:
        """Whether the topic stands in the database: all kinds that have no provider."""
        return key.partition(":")[0] not in self.providers

    def next_version(self) -> int:
        """For what a provider says. Grows over restarts too: milliseconds since 1970, or one more than the last."""
        self._version = max(self._version + 1, now_ms())
        return self._version

    def of(self, watches: Iterable[Watch]) -> list[Snapshot]:
        """Without those of which nothing is known."""
        found = ((name, self._look(key)) for name, key in watches)
        return [Snapshot(name, *said) for name, said in found if said is not None]

    def newer(self, watches: Sequence[Watch], have: Sequence[int]) -> dict[str, int]:
        """Keys of which there is something newer than the version in `have`, which has one for each; and that version.

        What is not remembered of a provider, to a client that has been here, counts as old: where more is watched than
        can be remembered, changes between two long polls come late, and nobody asks in a circle.
        """
        found: dict[str, int] = {}
        for (_name, key), version in zip(watches, have, strict=True):
            is_known = version < self._began or self.is_stored(key) or self._is_known(key)
            said = self._look(key)
            if said is not None and said[0] > version and is_known:
                found[key] = version
        return found

    def age(self, version: int) -> float:
        """Seconds since it was given, by the clock of this host, which may not be the one that gave it."""
        return (now_ms() - version) / 1000

    def remember(self, key: str, version: int, data: str) -> None:
        """This was said last of a topic that nobody watches."""
        self._remembered.pop(key, None)  # it comes last now
        self._remembered[key] = version, data
        if len(self._remembered) > MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _is_known(self, key: str) -> bool:
        topic = self._topics.get(key)
        return key in self._remembered or (topic is not None and topic.version > 0)

    def _look(self, key: str) -> tuple[int, str] | None:
        topic = self._topics.get(key)
        if topic is not None and topic.version:
            return topic.version, topic.data
        if self.is_stored(key):
            return self._remembered.get(key) if topic is None else None
        kind, _, name = key.partition(":")
        data = self.providers[kind](name)
        said = self._remembered.pop(key, None)
        if said is None or said[1] != data:
            said = self.next_version(), data
        if topic is not None:
            topic.version, topic.data = said
        else:
            self.remember(key, *said)
        return said
