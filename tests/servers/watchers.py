"""What somebody who watches a topic is given of it, one state after the other, over each of the four ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .someone import Someone
from .stream import EventStream


class State(NamedTuple):
    version: int
    data: Any


States = Iterator[State]


def by_websocket(who: Someone, topic: str) -> States:
    ws = who.websocket(who.latest)
    ws.hello()
    ws.say(f'{{"type": "watch", "topics": ["{topic}"]}}')
    while True:
        said = ws.next()
        if said["type"] == "snapshot":
            assert said["topic"] == topic
            yield State(said["version"], said["data"])


def by_stream(who: Someone, topic: str) -> States:
    stream = EventStream.open(who, watch=topic).began()
    while True:
        block = stream.next()
        if block.event == "snapshot":
            said = block.json()
            yield State(said["version"], said["data"])


def by_long_poll(who: Someone, topic: str) -> States:
    seq = have = version = 0
    while True:
        said = who.long_poll(seq, timeout=20, watch=topic, have=have).read_answer().json()
        seq, snapshot = said["seq"], said["snapshots"][topic]
        have = snapshot["version"]
        if have > version:
            version = have
            yield State(version, snapshot["data"])


def by_short_poll(who: Someone, topic: str) -> States:
    version = 0
    while True:
        snapshot = who.poll(watch=topic)["snapshots"][topic]
        if snapshot["version"] > version:
            version = snapshot["version"]
            yield State(version, snapshot["data"])
        time.sleep(0.1)


#: How one begins to watch: the first state is what is current then.
Way = Callable[[Someone, str], States]
PUSHED: list[Way] = [by_websocket, by_stream, by_long_poll]
WAYS: list[Way] = [*PUSHED, by_short_poll]
