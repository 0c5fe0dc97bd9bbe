"""The promise to one reader, as a rule that finds every breach of it."""

from __future__ import annotations

from typing import Any


class Broken(AssertionError):
    """The promise is broken: an event is missing, came twice, out of order, or is not the one that is stored."""


class Checker:
    """What one reader is given, over whatever transport, must follow `base` without hole, in order, each once."""

    def __init__(self, base: int = 0) -> None:
        self.base = base
        self.events: list[dict[str, Any]] = []

    @property
    def cursor(self) -> int:
        return self.base + len(self.events)

    def take(self, said: dict[str, Any]) -> None:
        """An answer of a poll, or a frame of events. Raises Broken."""
        if said.get("reset"):
            raise Broken(f"told to start anew at {self.cursor}")
        for event in said["events"]:
            if event["seq"] != self.cursor + 1:
                raise Broken(f"{event['seq']} came after {self.cursor}")
            self.events.append(event)
        if said["seq"] != self.cursor:
            raise Broken(f"{said['seq']} was said to be reached; {self.cursor} was")
        if said["latest"] < said["seq"]:
            raise Broken(f"the inbox ends at {said['latest']}, before {said['seq']}")

    def finish(self, stored: list[dict[str, Any]]) -> None:
        """It was given exactly what is `stored` after `base`. Raises Broken."""
        if self.events != stored:
            raise Broken(f"{len(self.events)} events given, {len(stored)} stored, or not the same ones")
