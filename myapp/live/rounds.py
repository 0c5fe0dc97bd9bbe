"""When things are compared with the database: each within a round, a share of them in each turn of the sweep."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

log = logging.getLogger(__name__)

#: The most things in one comparison: with more, query and comparison take longer than a slice.
MOST = 500
#: Seconds until a comparison that failed is tried again: after the first failure, and at most.
RETRY, MOST_RETRY = 0.2, 1.0


class Compared(Protocol):
    """What is compared; when that was done last, in monotonic seconds, is kept here."""

    compared_at: float


Thing = TypeVar("Thing", bound=Compared)


class Rounds(Generic[Thing]):
    """Owned by the sweep, which calls `turn`.

    `read(things)` reads what stands in the database of at most MOST of them, and gives what is to be done with that; it
    may raise. `is_in_use` says whether a thing is still to be compared; `now` and `clock` give monotonic seconds, of
    this turn and of this moment; `seconds` is how long a round is now.
    """

    def __init__(
        self,
        read: Callable[[list[Thing]], Callable[[], None]],
        is_in_use: Callable[[Thing], bool],
        *,
        now: Callable[[], float],
        clock: Callable[[], float],
        seconds: Callable[[], float],
    ) -> None:
        self._read = read
        self._is_in_use = is_in_use
        self._now, self._clock, self._seconds = now, clock, seconds
        #: in the order of their turn to be compared; what is no longer in use is dropped at its turn
        self._rotation: deque[Thing] = deque()
        self._owed = 0.0
        self._turned_at = now()
        #: after a failure: how long the database is left alone, and until when
        self._pause = 0.0
        self._paused_until = clock()

    def __len__(self) -> int:
        return len(self._rotation)

    def add(self, thing: Thing) -> None:
        """Compare it from now on, as long as it is in use."""
        thing.compared_at = self._now()
        self._rotation.append(thing)

    def start(self) -> None:
        """Nothing was owed before now."""
        self._turned_at = self._now()

    def compare_all(self) -> None:
        """Have all compared in the next turn."""
        self._owed = float(len(self._rotation))

    def turn(self, go_on: Callable[[], bool]) -> None:
        """A share of all, the one whose last turn is longest ago first: the turn of each comes within a round.

        Whose comparison fails keeps its turn, and has it again after a pause. `go_on` lets others have theirs between
        two comparisons; this ends when it is false. Raises what comparing does, but not what reading does.
        """
        everything = len(self._rotation)
        # never more than everything once, however long the loop was held up
        share = everything * (self._now() - self._turned_at) / self._seconds()
        self._owed = min(self._owed + share, float(everything))
        self._turned_at = self._now()
        if self._clock() < self._paused_until:
            return
        while some := self._whose_turn():
            self._owed = max(0.0, self._owed - len(some))
            asked_at = self._now()
            try:
                compare = self._read(some)
            except Exception as error:  # safety net: the database may be away
                log.warning("comparing what waits here with the database failed: %s", error)
                self._owed += len(some)
                self._pause = min(max(RETRY, 2 * self._pause), MOST_RETRY)
                self._paused_until = self._clock() + self._pause
                return
            self._pause = 0.0
            self._end_turn(some, asked_at)
            compare()
            if len(some) < MOST or not go_on():
                return

    def _whose_turn(self) -> list[Thing]:
        """Those whose turn it is: as many as are owed, and all whose round is over. What has left takes no turn.

        The share alone is not enough: it shrinks while others leave, and the last of many would wait several rounds.
        They stay in front until `_end_turn`: what was not compared is the next one again.
        """
        some: list[Thing] = []
        while self._rotation and len(some) < MOST:
            thing = self._rotation[0]
            if self._is_in_use(thing):
                if len(some) + 1 > self._owed and self._now() - thing.compared_at < self._seconds():
                    break
                some.append(thing)
            self._rotation.popleft()
        self._rotation.extendleft(reversed(some))
        return some

    def _end_turn(self, some: list[Thing], asked_at: float) -> None:
        """They were compared with what was read then."""
        for thing in some:
            thing.compared_at = asked_at
        self._rotation.rotate(-len(some))  # whatever came meanwhile is behind all others
