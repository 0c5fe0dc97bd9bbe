"""Readers that try hard to make the server break its promise; the rule that finds each breach is soak/checker.py."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

from soak.checker import Broken, Checker

from ..support import PATIENCE
from .someone import Someone
from .stream import EventStream
from .wire import Ended


class Reader:
    """Reads an inbox until it has `count` events, by transports that it draws by lot, and cuts them at any time.

    Equal seeds draw equal lots. `used` counts the events by transport.
    """

    def __init__(self, who: Someone, count: int, seed: int) -> None:
        self.who = who
        self.count = count
        self.lots = random.Random(seed)
        self.checker = Checker()
        self.used: dict[str, int] = {}

    def run(self) -> Reader:
        """Raises Broken."""
        ways: dict[str, Callable[[], None]] = {
            "short-poll": self.by_short_poll,
            "long-poll": self.by_long_poll,
            "sse": self.by_stream,
            "websocket": self.by_websocket,
            "push-new": self.by_push_new,
        }
        deadline = time.monotonic() + 2 * PATIENCE
        while self.checker.cursor < self.count:
            if time.monotonic() > deadline:
                raise Broken(f"only {self.checker.cursor} of {self.count} events arrived")
            way = self.lots.choice(list(ways))
            before = self.checker.cursor
            ways[way]()
            self.used[way] = self.used.get(way, 0) + self.checker.cursor - before
        return self

    def by_short_poll(self) -> None:
        self.checker.take(self.who.poll(self.checker.cursor, limit=self.lots.randint(1, 20)))

    def by_long_poll(self) -> None:
        wire = self.who.long_poll(self.checker.cursor, timeout=1)
        if self.lots.random() < 0.3:  # cut while it waits, or while the answer is on its way
            wire.sock.settimeout(self.lots.uniform(0.001, 0.05))
            with contextlib.suppress(TimeoutError):
                wire.read(self.lots.randint(1, 200))
            wire.cut()
            return
        self.checker.take(wire.read_answer().json())
        wire.close()

    def by_stream(self) -> None:
        stream = EventStream.open(self.who, self.checker.cursor).began()
        stream.sock.settimeout(0.2)
        batch: list[dict[str, Any]] = []
        try:
            for _ in range(self.lots.randint(0, 15)):
                if self.checker.cursor + len(batch) >= self.count:
                    break
                block = stream.next()
                if block.event != "badges":
                    batch.append(block.json())
                    if block.id != str(batch[-1]["seq"]):
                        raise Broken(f"{batch[-1]['seq']} has the id {block.id}")
            if self.lots.random() < 0.5:  # in mid-block
                stream.read(self.lots.randint(1, 40))
        except TimeoutError:
            pass  # nothing new for a while: try another way
        if batch:
            last = batch[-1]["seq"]
            self.checker.take({"events": batch, "seq": last, "latest": last})
        self.lots.choice([stream.cut, stream.close])()

    def by_websocket(self) -> None:
        ws = self.who.websocket(self.checker.cursor)
        ws.hello()
        ws.sock.settimeout(0.2)
        try:
            for _ in range(self.lots.randint(0, 15)):
                if self.checker.cursor >= self.count:
                    break
                self.checker.take(ws.next())
            if self.lots.random() < 0.5:  # in mid-frame
                ws.read(self.lots.randint(1, 40))
        except TimeoutError:
            pass  # nothing new for a while: try another way
        self.lots.choice([ws.cut, ws.close, ws.say_close])()
        ws.close()

    def by_push_new(self) -> None:
        ws = self.who.websocket(self.checker.cursor, push="new")
        ws.hello()
        ws.sock.settimeout(0.2)
        try:
            while self.checker.cursor < self.count and self.lots.random() < 0.8:
                if ws.next()["seq"] > self.checker.cursor:
                    self.by_short_poll()
        except (TimeoutError, Ended):
            pass
        ws.cut()


def write(who: Someone, to: Someone, count: int, seed: int) -> None:
    """Send so many messages, a few ms apart."""
    lots = random.Random(seed)
    for number in range(count):
        who.send(to, f"{who.name} {number} " + "x" * lots.randint(0, 300))
        time.sleep(lots.uniform(0, 0.015))


def stored(who: Someone) -> list[dict[str, Any]]:
    """The whole inbox, page by page."""
    events: list[dict[str, Any]] = []
    while True:
        said = who.poll(len(events), limit=500)
        events += said["events"]
        if said["seq"] == said["latest"]:
            return events
