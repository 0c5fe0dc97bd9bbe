"""Topics that stand in the database, with versions that are the same in all workers: what is known of them here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from .bus import Bus
from .current import Current
from .pace import Pace
from .topic import Topic, Watch

log = logging.getLogger(__name__)

#: Version and data of those of the keys of which there is something. It reads: it may switch greenlets, and may raise.
ReadStored = Callable[[Sequence[str]], Mapping[str, tuple[int, str]]]


class Stored:
    """Owned by Topics, whose `topics` are those that are watched here.

    An older version never takes the place of a newer one, in whatever order they come; but when a backup was put back,
    what stood in the database before is forgotten, and read anew for all watchers.
    """

    def __init__(
        self, topics: Mapping[str, Topic], current: Current, pace: Pace, bus: Bus, read_stored: ReadStored
    ) -> None:
        #: called where some could not be read, or are to be read anew
        self.compare_soon: Callable[[], None] = lambda: None
        self._topics = topics
        self._current = current
        self._pace = pace
        self._bus = bus
        self._read_stored = read_stored
        self._epoch = ""
        #: those before; what is said of them comes late
        self._past_epochs: set[str] = set()

    def keys(self, watches: Iterable[Watch]) -> list[str]:
        """Those of these that are stored, each once."""
        return [key for key in dict.fromkeys(key for _name, key in watches) if self._current.is_stored(key)]

    # -- what changes

    def learn(self, key: str, version: int, data: str) -> None:
        """This stands in the database, or did: watchers get what is newer than all before, as Pace lets it out."""
        topic = self._topics.get(key)
        if topic is not None and topic.is_stored and version > topic.version:
            topic.version, topic.data = version, data
            self._pace.changed(topic)

    def compare(self, read: Mapping[str, tuple[int, str]]) -> None:
        """What was read."""
        for key, (version, data) in read.items():
            self.learn(key, version, data)

    def in_epoch(self, epoch: str) -> None:
        """The database was seen in this epoch. Call it before anybody is told of a reset: who then asks for what they
        watch gets what stands in the database that was put back, also where the versions are smaller.
        """
        if epoch == self._epoch or epoch in self._past_epochs:
            return
        before, self._epoch = self._epoch, epoch
        if not before:
            return
        self._past_epochs.add(before)
        for topic in self._topics.values():
            if topic.is_stored:
                topic.version, topic.data = 0, ""
                self._pace.forget_changes(topic)
        self.compare_soon()

    # -- reading

    def read(self, keys: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """What stands in the database. It may switch greenlets, and may raise."""
        while True:
            epochs = len(self._past_epochs)
            read = self._read_stored(keys)
            if epochs == len(self._past_epochs):  # or else it may be of the database before
                return read

    def follow(self, keys: Iterable[str]) -> None:
        """Have what is current of these be known here from now on, which are watched, or about to be.

        What is not known yet is subscribed to, and then read: it may wait a second for the bus, and for the database.
        What cannot be read now is read by the sweep.
        """
        unknown = [key for key in keys if not self._topics[key].version]
        if not unknown:
            return
        self._bus.subscribe(*unknown)  # also where another has asked for it: that may not be confirmed yet
        try:
            self.compare(self.read(unknown))
        except Exception as error:  # safety net: the database may be away
            log.warning("reading what is watched failed: %s", error)
            self.compare_soon()

    def refresh(self, watches: Iterable[Watch]) -> None:
        """Have what is current of these be known once, where nobody follows it. It may switch, and may raise."""
        unknown = [key for key in self.keys(watches) if (topic := self._topics.get(key)) is None or not topic.version]
        if not unknown:
            return
        read = self.read(unknown)
        self.compare(read)
        for key, said in read.items():
            if key not in self._topics:
                self._current.remember(key, *said)
