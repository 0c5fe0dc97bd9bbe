"""One server under load: what is done to it, and what it spends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .exchange import Result
from .generator import Generator
from .process import cpu_seconds, waiting_seconds
from .servers import AppServer, PeerServer, Server, World

APP_KINDS = ("uwsgi-socket", "uwsgi", "pywsgi")
PEER_KINDS = ("flask-sock", "flask-socketio", "bare")
#: Requests that are under way at a time, and handshakes.
CONNECTIONS, HANDSHAKES = 8, 20


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each. `memory` is for the application, `peers` for the peers, who need much more of it a client."""

    parked: int
    messages: int
    polls: int
    handshakes: int
    memory: int
    peers: int
    frames: int
    crowd: int
    burst: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure of one run. `value` is what it is about; the rest says how far to trust it.

    `router` is uWSGI's HTTP router's CPU beside it; `idle` the share of the time in which the generator had nothing to
    do, `busy` that in which the worker ran, `waiting` that in which it would have run but others had the cores; `p50`
    and `p99` are latencies in ms.
    """

    value: float
    router: float | None = None
    idle: float | None = None
    busy: float | None = None
    waiting: float | None = None
    p50: float | None = None
    p99: float | None = None


Figures = dict[str, Figure]


class Bench:
    """One server and the load on it; the CPU that each spends."""

    def __init__(self, world: World, server: Server, generator: Generator) -> None:
        self.world = world
        self.server = server
        self.dialect = server.dialect
        self.load = generator

    def cost(self, count: int, name: str, *args: Any) -> tuple[Figure, Result]:
        """Have the generator do something and say the CPU in ms for each of `count`."""
        processes = [self.server.worker, *([self.server.router] if self.server.router else [])]
        waited = waiting_seconds(self.server.worker)
        before = [cpu_seconds(pid) for pid in processes]
        result: Result = self.load.call(name, *args)
        spent = [cpu_seconds(pid) - used for pid, used in zip(processes, before, strict=True)]
        waited = waiting_seconds(self.server.worker) - waited
        p50, p99 = (result.latency(0.5), result.latency(0.99)) if result.latencies else (None, None)
        router = 1000 * spent[1] / count if len(spent) > 1 else None
        shares = result.idle, spent[0] / result.wall, waited / result.wall
        return Figure(1000 * spent[0] / count, router, *shares, p50, p99), result

    def asked(self, status: int, made: list[bytes]) -> Figure:
        """The cost of requests that all must be answered with `status`; some before them warm it up."""
        warm = min(200, len(made) // 4)
        self.load.call("exchange", made[:warm], CONNECTIONS)
        figure, result = self.cost(len(made) - warm, "exchange", made[warm:], CONNECTIONS)
        if result.statuses != {status: len(made) - warm}:
            raise RuntimeError(f"answered with {dict(result.statuses)}, not {status}")
        return figure

    def connect(self, made: list[bytes]) -> Figure:
        """WebSockets that all must be accepted; the cost of one."""
        figure, result = self.cost(len(made), "connect", made, HANDSHAKES, self.dialect.greeting)
        if result.statuses != {101: len(made)}:
            raise RuntimeError(f"handshakes were answered with {dict(result.statuses)}")
        return figure

    def park(self, users: Sequence[int], *, deflate: bool = False) -> None:
        """A WebSocket for each of these users; they are parked on return: flask-sock greets before its view begins."""
        before = self.server.parked("websocket")
        self.connect([self.dialect.handshake(user, deflate=deflate) for user in users])
        self.server.wait_parked("websocket", before + len(users))

    def park_polls(self, users: Sequence[int]) -> None:
        """A long poll for each of these users; they are parked on return. Of the application only."""
        assert isinstance(self.server, AppServer)
        dialect, before = self.server.dialect, self.server.parked("long-poll")
        path = "/messages/long-poll?seq=0&timeout=50"
        for start in range(0, len(users), 100):
            some = users[start : start + 100]
            self.load.call("leave", [dialect.get(path, dialect.bearer(user)) for user in some])
            self.server.wait_parked("long-poll", before + start + len(some))

    def deliver(
        self, first: int, last: int, clients: int, *, times: int = 1, frames: int = 1, pause: int = 1
    ) -> Figure:
        """`times` requests for `frames` frames to the users `first` to `last`, who have so many clients together.

        There is a frame every `pause` ms. The CPU is in ms a client and frame.
        """
        request = self.dialect.deliver(first, last, frames, pause)
        figure, result = self.cost(times * frames * clients, "deliver", request, times, frames * clients)
        if result.statuses != {200: times}:
            raise RuntimeError(f"deliveries were answered with {dict(result.statuses)}")
        return figure

    def drop(self) -> None:
        """Close all parked clients; the server knows on return."""
        self.load.call("drop")
        for transport in ("websocket", "long-poll"):
            self.server.wait_parked(transport, 0)


@contextmanager
def bench(world: World, kind: str, *, probed: bool = False) -> Iterator[Bench]:
    """`probed` is for the application; the peers always have their probes."""
    made = AppServer(world, kind, probed=probed) if kind in APP_KINDS else PeerServer(world, kind)
    with made as server, Generator(server.load_port, server.is_kept) as generator:
        yield Bench(world, server, generator)
