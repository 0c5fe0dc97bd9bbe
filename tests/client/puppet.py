"""The core with a clock of the test's, and a service that answers it, without any I/O."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from myapp_client import Cursor, Event, Pace, Reset
from myapp_client.following import Following
from myapp_client.steps import Ask, HangUp, Listen, Open, Say, Step, Wait

__all__ = ["Ask", "Following", "HangUp", "Listen", "Open", "Puppet", "Say", "Step", "Wait", "event", "events", "hello"]

JSON = {"content-type": "application/json"}


def event(seq: int) -> dict[str, Any]:
    return {"seq": seq, "kind": "message", "at": "2026-11-20T09:00:00.000Z", "data": {"body": str(seq)}}


def badges_at(latest: int, epoch: str) -> dict[str, int]:
    """Others at each place of each inbox."""
    return {"messages": latest, epoch: 1}


def hello(latest: int, epoch: str = "e1", **more: Any) -> str:
    said = {"type": "hello", "protocol": 1, "epoch": epoch, "seq": 0, "latest": latest, "heartbeat": 25}
    return json.dumps({**said, "badges": badges_at(latest, epoch), **more})


def events(*seqs: int, latest: int | None = None, epoch: str = "e1") -> str:
    last = seqs[-1] if seqs else 0
    latest = latest or last
    said = {"type": "events", "events": [event(seq) for seq in seqs], "seq": last, "latest": latest}
    return json.dumps({**said, "badges": badges_at(latest, epoch)})


def reset(latest: int, epoch: str) -> str:
    return json.dumps({"type": "reset", "epoch": epoch, "latest": latest})


def poll(
    *seqs: int, latest: int | None = None, epoch: str = "e1", is_reset: bool = False, wait: float = 0, seq: int = 0
) -> bytes:
    last = seqs[-1] if seqs else seq
    latest = latest or last
    said = {"epoch": epoch, "events": [event(seq) for seq in seqs], "seq": last, "latest": latest}
    more = {"badges": badges_at(latest, epoch), "snapshots": {}, "reset": is_reset, "next": wait}
    return json.dumps({**said, **more}).encode()


class Puppet:
    """Drives the core. `now` is its clock, which waits by being set forward."""

    def __init__(self, seq: int | None = 0, epoch: str = "", transport: Any = "auto", **pace: float) -> None:
        self.now = 1000.0
        self.core = Following(None if seq is None else Cursor(seq, epoch), transport, Pace(**pace), seed=1)
        self.taken: list[Event | Reset] = []
        #: where the cursor stood behind each of them, and the badges then
        self.cursors: list[Cursor] = []
        self.badges: list[dict[str, int]] = []

    def step(self) -> Step:
        """The next step that is none of Wait and HangUp."""
        while True:
            step = self.core.step(self.now)
            if isinstance(step, Wait):
                assert step.seconds > 0
                self.now += step.seconds
            elif not isinstance(step, HangUp):
                return step

    def rest(self) -> float:
        """How long it waits now."""
        step = self.core.step(self.now)
        if isinstance(step, HangUp):
            step = self.core.step(self.now)
        return step.seconds if isinstance(step, Wait) else 0.0

    def asks(self, kind: type[Ask] | type[Open]) -> dict[str, str]:
        """The next step, which must be of this kind; its query."""
        step = self.step()
        assert isinstance(step, kind), step
        return {name: values[0] for name, values in parse_qs(urlsplit(step.path).query).items()}

    def open(self, *frames: str) -> None:
        self.asks(Open)
        self.core.opened(self.now)
        for frame in frames:
            self.hear(frame)

    def hear(self, frame: str | bytes) -> None:
        self.core.heard(frame, self.now)
        self.take()

    def close(self, code: int | None, reason: str = "") -> None:
        self.core.closed(code, reason, self.now)

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.core.answered(status, {**JSON, **named}, body, self.now)
        self.take()

    def refuse(self, status: int, **headers: str) -> None:
        self.core.refused(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"", self.now)

    def fail(self, *, was_reached: bool = True) -> None:
        self.core.failed("failed", self.now, was_reached=was_reached)

    def take(self) -> None:
        while (item := self.core.take()) is not None:
            assert self.core.cursor is not None
            self.taken.append(item)
            self.cursors.append(self.core.cursor)
            self.badges.append(self.core.badges)

    @property
    def seqs(self) -> list[int]:
        return [item.seq for item in self.taken if isinstance(item, Event)]

    @property
    def resets(self) -> list[Reset]:
        return [item for item in self.taken if isinstance(item, Reset)]
