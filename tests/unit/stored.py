"""Stored topics, in a world whose clocks only pass when a test says so, and what its watchers were given when."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

import gevent
from gevent.event import Event as Gate

from myapp.live import current
from myapp.live.bus import TopicNews

from .parking import USER, Peer, World

BEGAN_MS = 1_790_000_000_000
STEP = 0.05


class StoredWorld(World):
    """A World with facts: numbers by name, with the time of their last change as their version."""

    def __init__(self) -> None:
        super().__init__()
        self._began_at = self.clock.now
        #: seconds by which the clock of this host is ahead of those that give versions
        self.ahead = 0.0
        self.facts: dict[str, tuple[int, str]] = {}
        #: keys of each read
        self.stored_reads: list[list[str]] = []
        self.failing_stored_reads = 0
        #: a read of facts waits here before it looks, and before it answers
        self.before_read, self.after_read = Gate(), Gate()
        self.before_read.set()
        self.after_read.set()

    @property
    def now_ms(self) -> int:
        return BEGAN_MS + round((self.clock.now - self._began_at) * 1000)

    def _read_stored(self, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
        self.stored_reads.append(list(keys))
        self.before_read.wait()
        if self.failing_stored_reads:
            self.failing_stored_reads -= 1
            raise ConnectionError("the database is away")
        found = {key: self.facts[key] for key in keys if key in self.facts}
        self.after_read.wait()
        return found

    def change(self, name: str, number: int, *, is_told: bool = True) -> TopicNews:
        """The fact is stored, and told of after that."""
        key = f"fact:{name}"
        before = self.facts.get(key, (0, ""))[0]
        self.facts[key] = max(before + 1, self.now_ms), f'{{"n":{number}}}'
        news = TopicNews(key, *self.facts[key])
        if is_told:
            self.bus.put(news)
        return news

    # -- who watches

    def watch(self, peer: Peer, *topics: str) -> Peer:
        """As the views do it for all but WebSockets."""
        kept = self.dispatcher.topics
        watches = kept.resolve(USER, topics)
        kept.hold(watches)
        kept.watch(peer.client, watches)
        kept.release(watches)
        return peer

    def websocket_on(self, *topics: str, **options: Any) -> Peer:
        peer = self.connect(**options)
        self.dispatcher.topics.watch_later(peer.client, topics)
        gevent.sleep(0.002)
        return peer

    def stream_on(self, *topics: str, **options: Any) -> Peer:
        peer = self.watch(self.stream(**options), *topics)
        self.dispatcher.topics.give_all(peer.client)
        return peer

    def poll_on(self, have: Sequence[int], *topics: str, timeout: float = 25.0) -> Peer:
        """A long poll that comes back with these versions."""
        peer = self.watch(self.long_poll(timeout), *topics)
        kept = self.dispatcher.topics
        kept.returns.come_back(peer.client, kept.resolve(USER, topics), have)
        return peer

    # -- time

    def pass_time(self, seconds: float, step: float = STEP) -> None:
        """The sweep turns meanwhile, every `step` seconds."""
        for _ in range(round(seconds / step)):
            self.clock.now = round(self.clock.now + step, 6)
            self.dispatcher._sweep.turn()
            gevent.sleep(0)

    def open_gates(self) -> None:
        self.before_read.set()
        self.after_read.set()


def numbers(peer: Peer) -> list[int]:
    """What a WebSocket, stream or long poll was given so far of one fact."""
    return [said["data"]["n"] for said in snapshots(peer) if "n" in said["data"]]


def snapshots(peer: Peer) -> list[Any]:
    """The same with topics and versions."""
    if peer.client.transport == "websocket":
        return [said for said in peer.said() if said["type"] == "snapshot"]
    if peer.client.transport == "long-poll":
        answer = peer.answer()
        given = answer["snapshots"] if answer is not None else {}
        return [{"topic": topic, **snapshot} for topic, snapshot in given.items()]
    peer.receive()
    lines = peer.raw.decode().splitlines()
    return [json.loads(data[6:]) for kind, data in zip(lines, lines[1:], strict=False) if kind == "event: snapshot"]


@contextlib.contextmanager
def a_world() -> Iterator[StoredWorld]:
    """Nothing of what was watched is left behind."""
    with mock.patch.object(current, "now_ms", lambda: BEGAN_MS):
        world = StoredWorld()
    with mock.patch.object(current, "now_ms", lambda: world.now_ms + round(world.ahead * 1000)):
        try:
            yield world
        finally:
            world.open_gates()
            for peer in world.peers:
                peer.client.drop()
            world.pass_time(1)
            world.close()
    assert world.dispatcher.counts["callback_failures"] == 0
    assert world.dispatcher.topics.size == 0
    assert world.bus.channels == set()
