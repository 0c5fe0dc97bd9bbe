"""What the workers' memory does: while clients come and go by the thousand, and with as many parked as they take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import linear_regression

from ..exchange import Result
from ..generator import Generator
from ..measuring import HANDSHAKES
from ..process import memory_bytes
from .running import Ours, ours

#: Clients of each of the four transports in one cycle of coming and going.
EACH = 100
#: Users of their own, in turn.
USERS = 40_000
#: Sockets that one process of the generator may hold.
MOST_SOCKETS = 19_500
#: Seconds until a long poll that was sent is surely parked; nothing tells.
SETTLING = 0.2
#: Times that a client comes again which was refused.
TRIES = 20


@dataclass(frozen=True, slots=True)
class Step:
    """After so many connections in so many seconds: each worker's resident memory, in KB."""

    connections: int
    seconds: float
    workers: list[float]


@dataclass(frozen=True, slots=True)
class Churn:
    """`left` is what waits in the workers at the end, when all have gone."""

    steps: list[Step]
    left: int

    @property
    def warm(self) -> list[Step]:
        """The second half."""
        return self.steps[len(self.steps) // 2 :]

    @property
    def slopes(self) -> list[float]:
        """Of each worker: KB by which it grew for 1,000 connections that it had, once it was warm."""
        steps = self.warm
        share = 1000 * len(steps[0].workers)  # each has its part of the connections
        return [
            linear_regression([step.connections / share for step in steps], [step.workers[n] for step in steps]).slope
            for n in range(len(steps[0].workers))
        ]


def churn(cycles: int, steps: int) -> Churn:
    """In each cycle clients of all four transports come, most get a message, and all go without a word."""
    found: list[Step] = []
    with ours(USERS, noted=False) as it, it.generator() as load, it.generator() as others:
        began = time.monotonic()
        for cycle in range(1, cycles + 1):
            _cycle(it, load, others, cycle)
            if cycle % max(1, cycles // steps) == 0:
                it.wait_parked(0)
                found.append(Step(4 * EACH * cycle, time.monotonic() - began, _memory(it)))
        return Churn(found, sum(it.parked()))


def _cycle(it: Ours, load: Generator, others: Generator, cycle: int) -> None:
    dialect = it.app_dialect()
    first = 4 * EACH * (cycle - 1)
    users = [(first + n) % USERS + 1 for n in range(4 * EACH)]
    sockets, polls, streams, askers = (users[n * EACH : (n + 1) * EACH] for n in range(4))
    came = load.call("connect", [dialect.handshake(user) for user in sockets], HANDSHAKES, dialect.greeting)
    _all(came, 101)
    for path, waiting in (("/messages/long-poll?seq=0&timeout=50", polls), ("/messages/stream?seq=0", streams)):
        others.call("leave", [dialect.get(path, dialect.bearer(user)) for user in waiting])
    asked = [dialect.get("/messages/poll?seq=0", dialect.bearer(user)) for user in askers]
    _all(load.call("exchange", asked, 4), 200)
    time.sleep(SETTLING)
    # to half of all long polls and streams; the others are cut off without having got anything
    receivers = polls[::2] + streams[::2]
    messages = [dialect.message(a, b, n) for n, (a, b) in enumerate(zip(sockets, receivers, strict=True))]
    _all(load.call("messages", messages, 4, 1, 0.0), 201)
    others.call("drop")
    load.call("drop")


def _all(result: Result, status: int) -> None:
    if set(result.statuses) != {status}:
        raise RuntimeError(f"answered with {dict(result.statuses)}, not {status}")


def _memory(it: Ours) -> list[float]:
    return [memory_bytes(pid) / 1024 for pid in it.stack.uwsgi.worker_pids()]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Clients parked on the workers' own socket: how many in each worker, KB each by resident memory, how many
    handshakes were refused on the way, and how many of `asked` messages to some of them came."""

    clients: list[int]
    each: list[float]
    seconds: float
    refused: int
    asked: int
    message: Result
    idle: float


def crowd(clients: int, workers: int) -> Crowd:
    """WebSockets of users of their own, without nginx: from as many processes as their descriptors need."""
    with ours(clients + 200, workers=workers, settings={"MYAPP_DRAIN_SECONDS": "0"}) as it, ExitStack() as ends:
        dialect = it.app_dialect(is_uwsgi=True)
        count = -(-clients // MOST_SOCKETS)
        loads = [ends.enter_context(Generator(it.stack.uwsgi.port, False)) for _ in range(max(count, workers))]
        warm = loads[0].call(
            "connect", _handshakes(it, range(clients + 1, clients + 201)), HANDSHAKES, dialect.greeting
        )
        _all(warm, 101)
        before = _parked_memory(it, 200)
        loads[0].call("drop")
        it.wait_parked(0)
        parts = list(_parts(clients, len(loads)))
        for load, users in zip(loads, parts, strict=True):
            load.begin("connect", _handshakes(it, users), HANDSHAKES, dialect.greeting, TRIES)
        came = [load.finish() for load in loads]
        waiting = it.wait_parked(clients)
        after = _parked_memory(it, clients)
        messages = [dialect.message(user, user + 1, n) for n, user in enumerate(parts[0][:200:2])]
        sent = loads[0].call("messages", messages, 4, 2, 0.0)
        _all(sent, 201)
        return Crowd(
            waiting,
            [(now - then) / here for now, then, here in zip(after, before, waiting, strict=True)],
            max(result.wall for result in came),
            sum(result.statuses.total() - result.statuses[101] for result in came),
            len(messages),
            sent,
            min(result.idle for result in came),
        )


def _handshakes(it: Ours, users: range) -> list[bytes]:
    dialect = it.app_dialect(is_uwsgi=True)
    return [dialect.handshake(user) for user in users]


def _parts(clients: int, count: int) -> Iterator[range]:
    size = -(-clients // count)
    for start in range(1, clients + 1, size):
        yield range(start, min(start + size, clients + 1))


def _parked_memory(it: Ours, count: int) -> list[float]:
    it.wait_parked(count)
    time.sleep(0.5)  # what connecting needed for a moment is given back
    return _memory(it)
