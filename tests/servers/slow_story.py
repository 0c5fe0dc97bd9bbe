"""Slow ones on a real server, and a story: ten talk beside them and without them, and what all of it costs is noted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..support import AppServer, wait_for
from .checker import stored
from .conftest import Servers
from .someone import Someone, people_of
from .stream import EventStream
from .talk import Round, Talk, kept_for_slow_ones, probe, read_stream, read_websocket
from .wire import PING, WebSocket, fetch, frame_bytes

#: What a slow one misses at first: 8 MB, more than all buffers of the kernel take on the way.
MESSAGES, LONG, SHORT = 500, "😀" * 4000, "x" * 300
WINDOW = 4096
#: Rounds of so many messages, in turn with and without slow ones. The best ones are compared, since whatever else runs
#: on this machine only ever makes a round worse; where these rounds are not enough there are more. How long messages
#: take depends on what else runs: `python -m bench.slow` shows it.
PAIRS, MOST_PAIRS, EXCHANGES = 4, 25, 100
WITHIN = 1.2


def start_impatient(servers: Servers, comments: float) -> AppServer:
    """A server that says who is behind, and whose patience can be shortened; `comments` are the seconds between two."""
    server = servers.make(probed=True, DATABASE_POOL="1")  # its descriptors are counted
    if servers.kind == "uwsgi":
        ini = Path(server.command[-1])
        # its router's buffers bounded, or the kernel lets them grow, some times to more than there is for a slow reader
        own = "module = tests.servers.impatient:application\nsocket-sndbuf = 65536\n"
        ini.write_text(ini.read_text().replace("module = tests.servers.probed:application\n", own))
    else:
        server.command[-1] = "tests.servers.impatient"
    server.start()
    # uWSGI's router learns that a stream's client has gone when it writes to it twice
    fetch(server.port, "POST", f"/_comments/{comments}")
    return server


class Slow(NamedTuple):
    """A WebSocket and a stream of one person, with small windows, which have read nothing so far."""

    ws: WebSocket
    stream: EventStream

    @classmethod
    def connect(cls, who: Someone) -> Slow:
        slow = cls(slow_websocket(who), slow_stream(who))
        kept_for_both(who.server)
        wait_for(lambda: not moves(who.server), "the buffers on the way to be full")
        return slow

    def cut(self, server: AppServer, left: int) -> None:
        for wire in self:
            wire.cut()
        wait_for(lambda: probe(server)["clients"] == left, "them to be gone")


def kept_for_both(server: AppServer) -> list[int]:
    """What is kept for two who are behind: where one has just been given the rest of a frame, it soon is so again."""

    def kept() -> list[int]:
        found = kept_for_slow_ones(server)
        return found if len(found) == 2 else []

    return wait_for(kept, "both to be behind")


def moves(server: AppServer) -> bool:
    """Whether anything is read for those behind within 0.1 s: uWSGI's router goes on taking for a while."""
    before = probe(server)["counts"]["catch_ups"]
    time.sleep(0.1)
    return probe(server)["counts"]["catch_ups"] > before


def slow_websocket(who: Someone, seq: int = 0) -> WebSocket:
    return WebSocket.open(who.port, f"/ws?seq={seq}", who.headers, receive_buffer=WINDOW)


def slow_stream(who: Someone, seq: int = 0) -> EventStream:
    return EventStream.open(who, seq, receive_buffer=WINDOW)


class Story:
    """Ten talk while there are slow ones and while there are none, in turn; the last slow ones then read everything."""

    def __init__(self, server: AppServer) -> None:
        self.alone: list[Round] = []
        self.beside: list[Round] = []
        self.memory_alone: list[int] = []
        self.memory_beside: list[int] = []
        self.kept: list[int] = []
        self.server = server
        alice, self.bob, _ = people_of(server)
        self.talk = Talk(server, alice, self.bob)
        self.talk.post_many(MESSAGES, LONG)
        self._have_slow_ones().cut(server, len(self.talk.sockets))  # once, so that nothing below happens first
        while len(self.alone) < PAIRS or (self.ratio(cpu) > WITHIN and len(self.alone) < MOST_PAIRS):
            self._have_pair(LONG if len(self.alone) % 2 else SHORT)
        self._have_the_last_ones_read()
        self.talk.end()

    def _have_slow_ones(self) -> Slow:
        return Slow.connect(self.bob)

    def _have_pair(self, body: str) -> None:
        self.alone.append(self.talk.round(EXCHANGES, body))
        self.memory_alone.append(probe(self.server)["memory"])
        slow = Slow.connect(self.bob)
        self.beside.append(self.talk.round(EXCHANGES, body))
        self.memory_beside.append(probe(self.server)["memory"])
        self.kept += kept_for_both(self.server)
        slow.cut(self.server, len(self.talk.sockets))

    def _have_the_last_ones_read(self) -> None:
        slow = Slow.connect(self.bob)
        self.talk.post_many(300, SHORT)
        kept_for_both(self.server)
        for number in range(50):
            slow.ws.send(frame_bytes(PING, b"%d" % number))
        self.stored = stored(self.bob)
        self.by_websocket = read_websocket(slow.ws, len(self.stored), pings=50)
        self.by_stream = read_stream(slow.stream, len(self.stored))
        self.failures = probe(self.server)["counts"].get("callback_failures", 0)
        slow.cut(self.server, len(self.talk.sockets))

    def ratio(self, figure: Callable[[Round], float]) -> float:
        """How much worse the best round beside slow ones is than the best one without."""
        return min(map(figure, self.beside)) / min(map(figure, self.alone))


def p50(part: Round) -> float:
    return part.percentile(0.5)


def p99(part: Round) -> float:
    return part.percentile(0.99)


def cpu(part: Round) -> float:
    return part.cpu
