"""One loop that looks after all parked clients, in slices of about a millisecond.

It calls each client when its deadline has come (heartbeats, ends of long polls, overdue answers to Close), and it
compares, always and not only in trouble, where clients stand with where their inboxes are, and what is known of stored
topics that are watched with what stands in the database. That is what makes a lost notification cost latency and never
an event, nor a number.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from .bus import OK
from .clients import failed
from .rounds import Rounds

if TYPE_CHECKING:
    from .clients import ParkedClient
    from .dispatcher import Dispatcher
    from .places import Place
    from .topic import Topic

log = logging.getLogger(__name__)

#: Seconds between two turns; deadlines are met with this precision.
TICK = 0.1
#: Every user is compared within this many seconds; with the read it stays below the promised 5.
ROUND = 4.0
#: The same while the bus carries nothing, and the comparison is all that there is.
ROUND_ALONE = 2.0
#: Seconds that a turn waits for the database; what takes longer goes on beside it.
READ_PATIENCE = 0.05
#: Seconds that one slice may take before others get their turn.
SLICE = 0.001


def give_way() -> None:
    """Let sockets, timers and other greenlets have their turn.

    `gevent.sleep(0)` is for greenlets alone: gevent lets 50 of them run, and then what they left, before it looks at
    a socket.
    """
    gevent.sleep(1e-9)


class Sweep:
    """Owned by the dispatcher, which starts and closes it. `clock` gives monotonic seconds."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        read_heads: Callable[[Sequence[int]], tuple[str, dict[int, int]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = clock()
        self.lag = 0.0
        self._clock = clock
        self._dispatcher = dispatcher
        self._read_heads = read_heads
        #: clients by the tick at which to call them; one that was closed is skipped when its tick comes
        self._wheel: dict[int, list[ParkedClient]] = {}
        self._tick = int(self.now / TICK)
        self._places: Rounds[Place] = Rounds(
            self._read_places,
            dispatcher.is_in_use,
            now=lambda: self.now,
            clock=clock,
            seconds=lambda: self.round,
        )
        self._topics: Rounds[Topic] = Rounds(
            self._read_topics,
            dispatcher.topics.is_followed,
            now=lambda: self.now,
            clock=clock,
            seconds=lambda: self.round,
        )
        dispatcher.topics.followed = self._topics.add
        dispatcher.topics.stored.compare_soon = self._topics.compare_all
        self._slice_began = self.now
        self._greenlet: Any = None
        self._reading: Any = None
        self._stop = Event()

    @property
    def is_running(self) -> bool:
        return self._greenlet is not None

    @property
    def round(self) -> float:
        """Within how many seconds every user and topic is compared."""
        return ROUND if self._dispatcher.bus_state == OK else ROUND_ALONE

    def compare_all(self) -> None:
        """Have everything compared in the next turn: whatever was said meanwhile has passed this worker by."""
        self._places.compare_all()
        self._topics.compare_all()

    def start(self) -> None:
        self.now = self._clock()
        self._tick = int(self.now / TICK)
        self._places.start()
        self._topics.start()
        self._greenlet = gevent.spawn(self._run)

    def close(self) -> None:
        """Stop. Calling it again, or without `start`, does nothing."""
        self._stop.set()

    def add(self, place: Place) -> None:
        """Compare this place from now on, until the dispatcher no longer uses it."""
        self._places.add(place)

    def check_at(self, client: ParkedClient, at: float) -> None:
        """Call `client.check` at `at`, not before, and at most a tick or two later."""
        self._wheel.setdefault(max(int(at / TICK), self._tick) + 1, []).append(client)

    def _run(self) -> None:
        due = self._clock() + TICK
        while not self._stop.wait(max(0.0, due - self._clock())):
            late = max(0.0, self._clock() - due)
            self.lag += (late - self.lag) / 16
            due = self._clock() + TICK
            try:
                self.turn()
            except Exception:  # safety net: without the sweep nobody would ever be closed or caught up again
                log.exception("a turn of the sweep failed")

    def turn(self) -> None:
        """One turn: deadlines up to now, then a share of the comparison. It ends early when the sweep is closed."""
        self.now = self._slice_began = self._clock()
        self._call_due()
        if not self._go_on():
            return
        self._dispatcher.look_at_clock()
        for _topic in self._dispatcher.topics.let_out():
            if self._clock() - self._slice_began >= SLICE and not self._go_on():
                return
        if not self._go_on():
            return
        if self._reading is None or self._reading.ready():
            self._reading = gevent.spawn(self._look_into_database)
        # a database that stands still must not hold up deadlines and heartbeats: it is waited for elsewhere
        self._reading.join(READ_PATIENCE)

    def _look_into_database(self) -> None:
        for look in (self._places.turn, self._topics.turn, self._check_grants):
            try:
                look(self._go_on)
            except Exception:  # safety net: what was read may not be what is expected; the next turn reads again
                log.exception("a comparison of the sweep failed")
            if not self._go_on():
                return

    def _call_due(self) -> None:
        until = int(self.now / TICK)
        while self._tick < until:
            self._tick += 1
            for client in self._wheel.pop(self._tick, ()):
                self._call(client)
                if self._clock() - self._slice_began >= SLICE and not self._go_on():
                    return

    def _go_on(self) -> bool:
        """The slice is over: let others have their turn. False when the sweep was closed meanwhile."""
        give_way()
        self._slice_began = self._clock()
        return not self._stop.is_set()

    def _call(self, client: ParkedClient) -> None:
        if client.fd < 0:
            return
        try:
            again = client.check(self.now)
        except Exception as error:  # safety net: one client must not end the others' deadlines
            failed(client, error)
            return
        if again is not None and client.fd >= 0:
            self.check_at(client, again)

    def _read_places(self, some: list[Place]) -> Callable[[], None]:
        wanted = [place.wanted for place in some]
        epoch, heads = self._read_heads([place.user for place in some])
        for place, before in zip(some, wanted, strict=True):
            if place.wanted > before:  # news came during the query: who was given it stands beyond what was read
                heads[place.user] = max(heads.get(place.user, 0), place.wanted)
        return lambda: self._dispatcher.delivery.compare(epoch, heads)

    def _read_topics(self, some: list[Topic]) -> Callable[[], None]:
        stored = self._dispatcher.topics.stored
        read = stored.read([topic.key for topic in some])
        return lambda: stored.compare(read)

    def _check_grants(self, go_on: Callable[[], bool]) -> None:
        try:
            self._dispatcher.grants.check()
        except Exception as error:  # safety net: the database may be away; the next heartbeat doubts again
            log.warning("looking after the sessions of parked clients failed: %s", error)
