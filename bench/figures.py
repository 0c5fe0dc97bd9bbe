"""What is measured, one function for each kind of server process; each gives figures by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import requests
from .generator import Generator
from .load import Result
from .process import cpu_seconds, memory_bytes
from .servers import Server, World

#: Requests that are under way at a time, and handshakes.
CONNECTIONS, HANDSHAKES = 8, 20
HELLO = b'"type":"hello"'
LOGINS = 50


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each."""

    parked: int
    messages: int
    polls: int
    handshakes: int
    memory: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure of one run. `worker` is what it is about; the rest says how far to trust it."""

    worker: float
    router: float | None = None
    idle: float | None = None  # the generator's idle share
    p50: float | None = None
    p99: float | None = None


Figures = dict[str, Figure]


class Bench:
    """One server and the load on it; the CPU that each spends."""

    def __init__(self, world: World, server: Server, generator: Generator) -> None:
        self.world = world
        self.server = server
        self.load = generator

    def cost(self, count: int, name: str, *args: Any) -> tuple[Figure, Result]:
        """Have the generator do something and say the CPU in ms for each of `count`."""
        processes = [self.server.worker, *([self.server.router] if self.server.router else [])]
        before = [cpu_seconds(pid) for pid in processes]
        result: Result = self.load.call(name, *args)
        spent = [1000 * (cpu_seconds(pid) - used) / count for pid, used in zip(processes, before, strict=True)]
        latencies = (result.latency(0.5), result.latency(0.99)) if result.latencies else (None, None)
        router = spent[1] if len(spent) > 1 else None
        return Figure(spent[0], router, result.idle, *latencies), result

    def asked(self, count: int, status: int, requests_made: list[bytes]) -> Figure:
        """The cost of requests that all must be answered with `status`; some before them warm it up."""
        warm = min(200, len(requests_made) // 4)
        self.load.call("exchange", requests_made[:warm], CONNECTIONS)
        figure, result = self.cost(count - warm, "exchange", requests_made[warm:], CONNECTIONS)
        if result.statuses != {status: count - warm}:
            raise RuntimeError(f"answered with {dict(result.statuses)}, not {status}")
        return figure

    def park(self, first: int, count: int) -> None:
        """WebSockets of the users from number `first` on."""
        made = [requests.handshake(self.server.port, token=token) for token in self.world.tokens[first - 1 :][:count]]
        self.load.call("park", made, HANDSHAKES, HELLO)

    def park_polls(self, first: int, count: int) -> None:
        """Long polls of the users from number `first` on; they are parked on return."""
        tokens = self.world.tokens[first - 1 :][:count]
        before = self.server.parked("long-poll")
        for start in range(0, count, 100):
            some = tokens[start : start + 100]
            path = "/messages/long-poll?seq=0&timeout=50"
            self.load.call("park", [requests.get(self.server.port, path, token) for token in some], 0, b"")
            self.server.wait_parked("long-poll", before + start + len(some))

    def drop(self) -> None:
        """Close all parked clients; the server knows on return."""
        self.load.call("drop")
        for transport in ("websocket", "long-poll"):
            self.server.wait_parked(transport, 0)


@contextmanager
def bench(world: World, kind: str, *, probed: bool):  # type: ignore[no-untyped-def]  # contextmanager says it
    with Server(world, kind, probed=probed) as server, Generator(server.port) as generator:
        yield Bench(world, server, generator)


def memory(world: World, kind: str, counts: Counts, transport: str) -> Figures:
    """Kilobytes by which the worker grows for each parked client of a user of its own, after some to warm up."""
    warm = max(200, counts.memory // 10)
    with bench(world, kind, probed=False) as it:
        park: Callable[[int, int], None] = it.park if transport == "websocket" else it.park_polls
        park(1, warm)
        time.sleep(1)  # what connecting needed for a moment is given back
        before = memory_bytes(it.server.worker)
        park(warm + 1, counts.memory)
        time.sleep(1)  # as above
        after = memory_bytes(it.server.worker)
        it.server.wait_parked(transport, warm + counts.memory)
    rss, pss = ((now - then) / counts.memory / 1024 for now, then in zip(after, before, strict=True))
    return {f"memory {transport}": Figure(rss), f"memory {transport} PSS": Figure(pss)}


def requests_and_news(world: World, kind: str, counts: Counts) -> Figures:
    """CPU: polls, an empty view, handshakes, messages; with `counts.parked` WebSockets parked."""
    found: Figures = {}
    with bench(world, kind, probed=True) as it:
        port, tokens = it.server.port, world.tokens
        it.park_polls(1, counts.parked)
        wake = requests.get(port, f"/bench/wake?from=1&upto={counts.parked}")
        found["wake"], answers = it.cost(counts.parked, "wake", wake)
        if answers.statuses != {200: counts.parked + 1}:  # its own, too
            raise RuntimeError(f"the woken long polls were answered with {dict(answers.statuses)}")
        it.park(1, counts.parked)
        number = range(counts.polls)
        # of users to whom nothing has happened
        last = [requests.get(port, "/messages/poll?seq=0", tokens[-1 - n % 50]) for n in number]
        found["poll"] = it.asked(counts.polls, 200, last)
        found["empty"] = it.asked(counts.polls, 200, [requests.get(port, "/bench/empty")] * counts.polls)
        cookies = [requests.sign_in(port, f"u{len(tokens) - n}", f"127.0.2.{n + 1}") for n in range(20)]
        headers = [f"Cookie: {cookie}\r\n{requests.BROWSER}" for cookie in cookies]
        by_cookie = [requests.get(port, "/messages/poll?seq=0", headers=headers[n % 20]) for n in number]
        found["poll, cookie"] = it.asked(counts.polls, 200, by_cookie)
        found["message"] = _messages(it, counts)
        found["handshake"] = _handshakes(it, counts, cookies)
    return found


def _messages(it: Bench, counts: Counts) -> Figure:
    """From each parked user to the next one: each message is two events and two frames."""
    port, count = it.server.port, counts.parked
    # a token's use is noted once in ten minutes, by a transaction of its own
    it.load.call("exchange", [requests.get(port, "/auth/me", token) for token in it.world.tokens[:count]], CONNECTIONS)
    warm = [requests.message(port, it.world.tokens[n % count], f"u{(n + 1) % count + 1}", n) for n in range(200)]
    it.load.call("messages", warm, CONNECTIONS, 2)
    made = [
        requests.message(port, it.world.tokens[n % count], f"u{(n + 1) % count + 1}", n) for n in range(counts.messages)
    ]
    figure, result = it.cost(counts.messages, "messages", made, CONNECTIONS, 2)
    if result.statuses != {201: counts.messages} or result.frames != 2 * counts.messages:
        raise RuntimeError(f"messages: {dict(result.statuses)}, {result.frames} frames")
    return figure


def _handshakes(it: Bench, counts: Counts, cookies: list[str]) -> Figure:
    made = [requests.handshake(it.server.port, cookie=cookies[n % len(cookies)]) for n in range(counts.handshakes)]
    warm = min(200, counts.handshakes // 4)
    it.load.call("park", made[:warm], HANDSHAKES, HELLO)
    figure, _result = it.cost(counts.handshakes - warm, "park", made[warm:], HANDSHAKES, HELLO)
    return figure


def logins(world: World, kind: str, counts: Counts) -> Figures:
    """The longest turn of the event loop while fifty people sign in at once."""
    with bench(world, kind, probed=True) as it:
        forms = []
        for number in range(LOGINS):
            form, connection = requests.login(it.server.port, f"u{number + 1}", f"127.0.3.{number + 1}")
            connection.close()
            forms.append(form)
        it.server.turns()
        figure, result = it.cost(LOGINS, "exchange", forms, LOGINS)
        longest, working = it.server.turns()
        if result.statuses != {303: LOGINS}:
            raise RuntimeError(f"logins: {dict(result.statuses)}")
    return {"login": figure, "turn": Figure(longest), "turn CPU": Figure(working)}
