"""Ten people who exchange messages over WebSockets, and how long each message takes, while others are slow or not."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..support import AppServer
from .someone import Someone, people_of
from .stream import EventStream
from .wire import PING, PONG, WebSocket, Wire, fetch, request_bytes

TALKERS = 10


class Round(NamedTuple):
    """One round's figures: seconds from sending to receiving, ascending; the worker's CPU seconds for each message."""

    latencies: list[float]
    cpu: float

    def percentile(self, share: float) -> float:
        return self.latencies[math.ceil(share * len(self.latencies)) - 1]


class Talk:
    """Ten who talk; with each of their messages another one goes to `to`, whether anybody waits there or not."""

    def __init__(self, server: AppServer, sender: Someone, to: Someone) -> None:
        self.server = server
        self.sender, self.to = sender, to
        self.people = [person for _ in range(TALKERS // 2) for person in people_of(server)[:2]]
        self.sockets = [person.websocket() for person in self.people]
        for ws in self.sockets:
            ws.hello()
        self.wires = Wire(server.port), Wire(server.port)
        self.sent = 0

    def post(self, wire: Wire, sender: Someone, to: Someone, body: str) -> None:
        """Ask, without waiting for the answer."""
        data = json.dumps({"to": to.name, "body": body}, ensure_ascii=False).encode()
        wire.send(request_bytes("POST", "/messages", {**sender.headers, "Content-Type": "application/json"}, data))

    def post_many(self, count: int, body: str) -> None:
        """To the one who may be slow."""
        for _ in range(count):
            self.post(self.wires[0], self.sender, self.to, body)
            assert self.wires[0].read_answer().status == 201

    def exchange(self, body: str) -> float:
        """One message to a talker, and `body` to the one who may be slow, both under way at once."""
        self.sent += 1
        sender, receiver = self.sent % TALKERS, (self.sent + 3) % TALKERS
        began = time.perf_counter()
        self.post(self.wires[0], self.sender, self.to, body)
        self.post(self.wires[1], self.people[sender], self.people[receiver], f"hi {self.sent}")
        assert [event["data"]["body"] for event in self.sockets[receiver].events(1)] == [f"hi {self.sent}"]
        taken = time.perf_counter() - began
        assert len(list(self.sockets[sender].events(1))) == 1
        for wire in self.wires:
            assert wire.read_answer().status == 201
        return taken

    def end(self) -> None:
        for wire in (*self.sockets, *self.wires):
            wire.close()

    def show_life(self) -> None:
        """Who only listens for 75 s would be taken for silent, and rounds are as slow as the machine is busy."""
        for ws in self.sockets:
            ws.say('{"type": "ping"}')
            assert ws.next()["type"] == "pong"

    def round(self, count: int, body: str) -> Round:
        self.show_life()
        before = cpu_seconds(self.server.worker_pid)
        latencies = sorted(self.exchange(body) for _ in range(count))
        return Round(latencies, (cpu_seconds(self.server.worker_pid) - before) / count)


def cpu_seconds(pid: int) -> float:
    """Of all threads of a process, to the nanosecond, which /proc/<pid>/stat is not."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def kept_for_slow_ones(server: AppServer) -> list[int]:
    """Bytes that the server keeps for each client that is behind."""
    kept: list[int] = fetch(server.port, "GET", "/_behind").json()["kept"]
    return kept


def probe(server: AppServer) -> Any:
    return fetch(server.port, "GET", "/_probe").json()


def read_websocket(ws: WebSocket, count: int, pings: int = 0) -> list[Any]:
    """All events up to the `count`th, and the pongs to so many pings between them, in order; every frame is whole."""
    assert ws.hello()["seq"] == 0
    events: list[Any] = []
    pongs: list[bytes] = []
    while len(events) < count or len(pongs) < pings:
        frame = ws.read_frame()
        if frame.opcode == PONG:
            pongs.append(frame.payload)
        if frame.opcode in (PING, PONG):
            continue
        said = frame.json()
        events += said["events"]
        assert said["seq"] == len(events)
    assert pongs == [b"%d" % number for number in range(pings)]
    return events


def read_stream(stream: EventStream, count: int) -> list[Any]:
    """The same of a stream."""
    events: list[Any] = []
    while len(events) < count:
        block = stream.next()
        if block.event != "badges":
            events.append(block.json())
            assert block.id == str(len(events))
    return events
