"""Messages a second through the whole stack, with clients who wait: how late they come, and what each part spends."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import mean

from ..exchange import Result
from ..generator import Generator
from ..measuring import HANDSHAKES
from ..process import pace
from .running import Ours, Running, ours, running
from .spending import Spent, spent

#: Seconds of load before anything is measured, and between the fall of Redis and the load's begin.
WARM = 3.0


@dataclass(frozen=True, slots=True)
class Sending:
    """Messages in the time of `result`, what each part spent on them, by name, and the machine's pace around them."""

    result: Result
    parts: dict[str, Spent]
    pace: float = 0.0

    @property
    def count(self) -> int:
        return len(self.result.latencies)

    def cpu(self, name: str = "") -> float:
        """Milliseconds a message, of one part or of all."""
        found = [self.parts[name]] if name else list(self.parts.values())
        return 1000 * sum(part.cpu for part in found) / self.count

    @property
    def waited(self) -> float:
        """Milliseconds a message in which some process would have run, but others had the cores."""
        return 1000 * sum(part.waited for part in self.parts.values()) / self.count


@dataclass(frozen=True, slots=True)
class Outage:
    """Messages while Redis was away, its fall included, and from the moment of its return on."""

    away: Sending
    back: Sending


def sending(kind: str, clients: int, rate: float, seconds: float) -> Sending:
    """`rate` messages a second for so long, with a client of each user parked."""
    with running(kind, clients) as it, it.generator() as load:
        _park(it, load, clients)
        _send(it, load, clients, rate, WARM)
        return _send(it, load, clients, rate, seconds)


def outage(clients: int, rate: float, seconds: float) -> Outage:
    """The same while Redis is killed soon after the load has begun; and again, begun when it has been started again."""
    with ours(clients) as it, it.generator() as load:
        _park(it, load, clients)
        _send(it, load, clients, rate, WARM)
        load.begin("messages", _messages(it, clients, int(rate * seconds)), 1, 2, rate)
        time.sleep(1)  # so that some messages go as always before it falls
        it.redis.kill()
        away = _checked(load.finish(), int(rate * seconds))
        it.redis.start()
        back = _checked(
            load.call("messages", _messages(it, clients, int(rate * seconds)), 1, 2, rate), int(rate * seconds)
        )
    return Outage(Sending(away, {}), Sending(back, {}))


def _park(it: Running, load: Generator, clients: int) -> None:
    made = [it.dialect.handshake(user) for user in range(1, clients + 1)]
    result = load.call("connect", made, HANDSHAKES, it.dialect.greeting)
    if result.statuses != {101: clients}:
        raise RuntimeError(f"handshakes were answered with {dict(result.statuses)}")
    if isinstance(it, Ours):
        it.wait_parked(clients)


def _messages(it: Running, clients: int, count: int) -> list[bytes]:
    """From each to the next one: each message is two frames."""
    return [it.dialect.message(n % clients + 1, (n + 1) % clients + 1, n) for n in range(count)]


def _send(it: Running, load: Generator, clients: int, rate: float, seconds: float) -> Sending:
    count = int(rate * seconds)
    made = _messages(it, clients, count)
    paces = [pace()]
    before = spent(it.parts)
    result = load.call("messages", made, 1, 2, rate)
    after = spent(it.parts)
    paces.append(pace())
    used = {name: total.since(before[name]) for name, total in after.items()}
    return Sending(_checked(result, count), used, mean(paces))


def _checked(result: Result, count: int) -> Result:
    if result.statuses != {201: count}:  # that all arrived, the generator has seen
        raise RuntimeError(f"messages were answered with {dict(result.statuses)}")
    return result
