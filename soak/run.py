"""One run: people start, the faults of the plan come one after the other, all becomes quiet, and is audited."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .audit import audit
from .faults import FAULTS
from .injecting import Done, carry_out
from .latency import latencies
from .ledger import Stored
from .plan import Planned
from .readers import Reader
from .record import QUIET
from .tables import read_tables
from .transports import WAYS
from .wire import bearer, fetch
from .world import World
from .writers import Writer

#: Events that each transport must have carried, for each second of a run: 500 in ten minutes.
EVENTS_A_SECOND = 500 / 600
#: Seconds of peace between two faults, also where the one before took longer than planned.
PAUSE = 8.0
#: Seconds for the last messages to be acknowledged, and then for everybody to be given everything.
ENDING = 60.0
#: Seconds that a delivery may take in quiet times: the promise is 5, the rest is for a machine that does other things.
LATEST = 10.0


@dataclass
class Result:
    """What a run found. It has failed when there is any problem."""

    seconds: float
    problems: list[str]
    done: list[Done]
    events: Counter[str]
    connects: Counter[str]
    #: seconds by (fault or QUIET, way)
    latencies: dict[tuple[str, str], list[float]]
    acknowledged: int


class Run:
    """One run in a world that has been started and populated."""

    def __init__(
        self, world: World, plan: Sequence[Planned], seconds: float, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        self.world = world
        self.record = world.record
        self.plan = plan
        self.seconds = seconds
        self._tell = tell
        self._began = 0.0

    def run(self) -> Result:
        """Everything, from the first message to the audit."""
        for planned in self.plan:
            self.record.say("plan", at=planned.at, fault=planned.kind, params=planned.params)
        began = self._began = self.record.now
        for person in (*self.world.readers, *self.world.writers):
            person.start()
        done: list[Done] = []
        for planned in self.plan:
            rested = self.record.now + (PAUSE if done and self.seconds >= 60 else 0.0)
            done.append(self._do(planned, max(began + planned.at, rested)))
        self._sleep_until(began + self.seconds)
        seconds = self.record.now - began
        problems = [f"{one.planned.kind} {one.problem}" for one in done if one.problem]
        problems += self._end()
        return self._result(seconds, problems, done)

    def _sleep_until(self, at: float) -> None:
        time.sleep(max(0.0, at - self.record.now))

    def _do(self, planned: Planned, at: float) -> Done:
        self._sleep_until(at)
        done = carry_out(FAULTS[planned.kind](self.world, planned.params), planned, self.record)
        taken = self.record.now - done.began
        done.began -= self._began
        self._tell(f"{done.began:7.1f} s  {planned.kind}: {done} ({taken:.1f} s)")
        return done

    def _end(self) -> list[str]:
        """Writers finish, everybody is given everything; then the audit. What could not be ended."""
        problems = []
        for writer in self.world.writers:
            writer.finish()
        if late := _living(self.world.writers, ENDING):
            problems.append(f"{late} did not end: their last messages were not acknowledged")
        seqs = self.world.seqs()
        for reader in self.world.readers:
            reader.finish(seqs[reader.user])
        if late := _living(self.world.readers, ENDING):
            problems.append(f"{late} were not given everything within {ENDING:g} s")
            for reader in self.world.readers:
                reader.end()
            _living(self.world.readers, ENDING)
        tables = read_tables(self.world.dsn)
        heard = [reader.heard for reader in self.world.readers if not reader.is_broken]  # what broke is said already
        for text in [*audit(self.world.ledger, tables, heard), *self._wrong_badges(tables)]:
            self.record.breach(text)
        return problems

    def _wrong_badges(self, tables: Stored) -> list[str]:
        """Where GET /badges differs from the tables."""
        wrong = []
        for user, token in self.world.tokens.items():
            asked = fetch(self.world.port, "GET", "/badges", bearer(token)).json()["badges"]
            if asked != tables.inboxes[user].badges:
                wrong.append(f"{user} was answered the badges {asked}; stored are {tables.inboxes[user].badges}")
        return wrong

    def _result(self, seconds: float, problems: list[str], done: list[Done]) -> Result:
        ledger, readers = self.world.ledger, self.world.readers
        result = Result(
            seconds,
            problems,
            done,
            sum((reader.events for reader in readers), Counter()),
            sum((reader.connects for reader in readers), Counter()),
            latencies(ledger, self.record, (delivery for reader in readers for delivery in reader.deliveries)),
            sum(sent.ack is not None for sent in ledger.sent.values()),
        )
        problems += self.record.breaches
        problems += too_few(result.events, seconds)
        problems += too_late(result.latencies)
        self.record.say("result", problems=problems, events=dict(result.events), seconds=seconds)
        return result


def too_few(events: Mapping[str, int], seconds: float) -> list[str]:
    """Transports that carried so few events that the run says nothing about them."""
    least = int(EVENTS_A_SECOND * seconds)
    few = [(way, events.get(way, 0)) for way in WAYS]
    return [f"{way} carried {count} events, less than {least}" for way, count in few if count < least]


def too_late(found: Mapping[tuple[str, str], Sequence[float]]) -> list[str]:
    """Ways on which a message took longer than LATEST in quiet times."""
    return [
        f"a message took {max(seconds):.1f} s over {way} while nothing was broken"
        for (period, way), seconds in found.items()
        if period == QUIET and max(seconds) > LATEST
    ]


def _living(people: Sequence[Reader] | Sequence[Writer], patience: float) -> str:
    """Wait for them to end, and name those who have not."""
    deadline = time.monotonic() + patience
    for person in people:
        person.join(max(0.0, deadline - time.monotonic()))
    return ", ".join(person.name for person in people if person.is_alive())
