"""Ten thousand parked clients of all kinds, a clock that only passes by work and by the test's word, and a sweep."""

from __future__ import annotations

import resource
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

from myapp.live import sweep as sweep_module
from myapp.live.clients import ParkedClient
from myapp.live.long_poll import LongPollClient
from myapp.live.stream import COMMENT_EVERY, StreamClient
from myapp.live.sweep import TICK, give_way
from myapp.live.websocket import QUIET, WebSocketClient

from .far_ends import ANSWERING, SILENT, Arrived, FarEnds
from .followed import turn
from .parking import HEAD, ReadPage, World, badges

#: What it costs by the clock to call one client, and to ask the database about one user or session, in seconds.
CALL, ASKED = 20e-6, 1e-6


def _work(client: ParkedClient) -> None:
    world: Any = client.dispatcher
    world.crowd.clock.now += CALL


class WorkingSocket(WebSocketClient):
    __slots__ = ()

    def check(self, now: float) -> float | None:
        _work(self)
        return super().check(now)


class WorkingPoll(LongPollClient):
    __slots__ = ()

    def check(self, now: float) -> float | None:
        _work(self)
        return super().check(now)


class WorkingStream(StreamClient):
    __slots__ = ()

    def check(self, now: float) -> float | None:
        _work(self)
        return super().check(now)


class Crowd(World):
    """Each client is its user's only one, by a session of its own. What the sweep asks and how long it takes is kept.

    `queries` and `looks` are (time, how many) of the comparisons and of the looks at sessions; `compared` and
    `looked_at` are the times by user and by session; `slices` is how long the sweep worked each time before it gave
    way.
    """

    def __init__(self) -> None:
        super().__init__(max_clients=0)
        self.began = self.clock.now
        self.queries: list[tuple[float, int]] = []
        self.looks: list[tuple[float, int]] = []
        self.compared: dict[int, list[float]] = defaultdict(list)
        self.looked_at: dict[str, list[float]] = defaultdict(list)
        self.slices: list[float] = []
        self.clients: list[ParkedClient] = []
        self.arrived: list[list[Arrived]] = []
        self.on_give_way: Callable[[], None] = lambda: None
        self.dispatcher.grants._read_ended = self._read_ended
        own: Any = self.dispatcher
        own.crowd = self
        own._sweep.start = lambda: None  # it turns when the test says so
        self._slice_began = self._turned_at = self.clock.now
        self._patch = mock.patch.object(sweep_module, "give_way", self._give_way)
        self._patch.start()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._soft = soft
        self.ends = FarEnds()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self.clock.now - self.began

    # -- what the sweep asks for

    def _read_heads(self, users: Sequence[int]) -> tuple[str, dict[int, int]]:
        self.queries.append((self.seconds, len(users)))
        for user in users:
            self.compared[user].append(self.seconds)
        self.clock.now += ASKED * len(users)
        return super()._read_heads(users)

    def _read_ended(self, grants: set[str]) -> set[str]:
        self.looks.append((self.seconds, len(grants)))
        for grant in grants:
            self.looked_at[grant].append(self.seconds)
        self.clock.now += ASKED * len(grants)
        return grants & self.ended

    def _give_way(self) -> None:
        self.slices.append(self.clock.now - self._slice_began)
        self.on_give_way()
        give_way()
        self._slice_began = self.clock.now

    # -- its clients

    def add(self, kind: type[ParkedClient], count: int, due: float, *, flags: int = SILENT) -> range:
        """So many clients that are called in `due` seconds; their numbers, which are their users' too."""
        first = len(self.clients)
        page = ReadPage(self.epoch, [], 0, 0, badges(0), False)
        at = self.clock.now + due
        for user in range(first, first + count):
            options: dict[str, Any] = {}
            if issubclass(kind, LongPollClient):
                options = {
                    "head": HEAD,
                    "deadline": at,
                    "address": "127.0.0.1",
                    "started": 1.0,
                    "request_id": "request-1",
                }
            place = self.dispatcher.enter(user)
            client = kind(self.dispatcher, place, self.ends.new(flags), f"session:{user}", 0, self.epoch, **options)
            self.dispatcher.park(client, page, at)
            self.dispatcher.exit(user)
            self.clients.append(client)
        return range(first, first + count)

    def add_all(self, sockets: float = QUIET, polls: float = QUIET, streams: float = COMMENT_EVERY) -> None:
        """4,000 WebSockets, of which half answer pings, 3,000 long polls and 3,000 streams."""
        self.silent = self.add(WorkingSocket, 2_000, sockets)
        self.answering = self.add(WorkingSocket, 2_000, sockets, flags=ANSWERING)
        self.polls = self.add(WorkingPoll, 3_000, polls)
        self.streams = self.add(WorkingStream, 3_000, streams)

    # -- time

    def turn(self) -> None:
        """One turn of the sweep, TICK after the last one began, or later when that one took longer."""
        self.clock.now = max(self.clock.now, self._turned_at + TICK)
        self._turned_at = self.clock.now
        self._slice_began = self.clock.now
        sweep = self.dispatcher._sweep
        sweep.turn()
        if sweep._reading is not None:
            sweep._reading.join(30)  # the turn itself waits for READ_PATIENCE by the real clock
        self.slices.append(self.clock.now - self._slice_began)
        turn(3)

    def pass_until(self, seconds: float) -> None:
        """Turns, until so many seconds since the beginning."""
        while self.seconds < seconds:
            self.turn()

    def ask(self) -> list[Arrived]:
        """What has arrived at each client's far end since it was asked last; then Pings are answered."""
        arrived = self.ends.ask()
        turn(200)
        return arrived

    def close(self) -> None:
        super().close()
        self.ends.close()
        self._patch.stop()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._soft, hard))
