"""Long polls that come back: when they are answered, by what they say they have of the topics that they watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .current import Current
from .pace import PACE, Pace
from .topic import Topic, Watch

if TYPE_CHECKING:
    from .long_poll import LongPollClient

#: Seconds by which a version can seem older than it is: it was given by the clock of the host that wrote it, and is
#: compared with the clock of this one.
SKEW = 10.0


class Returns:
    """Owned by Topics, whose `topics` are those that are watched here. Nothing here waits.

    `have` has a version for each of `watches`, 0 for none. Who has nothing of a topic, or an old state of what is not
    stored, is answered at once. Of what is stored nobody may ask in a circle while it changes all the time, whatever
    the clocks of the hosts say: at once is answered only whose newest version is old for sure; the others PACE seconds
    after they were given that, which is known if it was let out here, or else PACE seconds from now.
    """

    def __init__(self, topics: Mapping[str, Topic], current: Current, pace: Pace) -> None:
        self._topics = topics
        self._current = current
        self._pace = pace

    def answer_in(self, watches: Sequence[Watch], have: Sequence[int]) -> float | None:
        """After how many seconds a long poll is to be answered; None: when something changes."""
        newer = self._current.newer(watches, have)
        if not newer:
            return None
        if any(version == 0 or not self._current.is_stored(key) for key, version in newer.items()):
            return 0.0
        return max(0.0, PACE - self._age(watches, have))

    def come_back(self, client: LongPollClient, watches: Sequence[Watch], have: Sequence[int]) -> None:
        """A long poll waits that watches these: it is answered if something changed since it was given what it has."""
        wait = self.answer_in(watches, have)
        if wait == 0:
            client.answer_empty()  # with all that is current
            return
        self._pace.came(client, self._age(watches, have), has_all=wait is None)
        if wait is not None:
            self._pace.owe(client, [self._topics[key] for key in self._current.newer(watches, have)])

    def _age(self, watches: Sequence[Watch], have: Sequence[int]) -> float:
        """Since so many seconds at least the client has the newest of these versions of what is stored."""
        stored = {key: version for (_, key), version in zip(watches, have, strict=True) if self._current.is_stored(key)}
        newest = max(stored.values(), default=0)
        if (age := self._current.age(newest)) >= SKEW:
            return age
        followed = (topic for key in stored if (topic := self._topics.get(key)) is not None)
        return max((self._pace.age(topic) for topic in followed if topic.let_out_version == newest), default=0.0)
