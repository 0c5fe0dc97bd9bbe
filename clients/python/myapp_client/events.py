"""What following gives: events, resets, and the cursor where one stands. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a program stands in an inbox: it has everything up to `seq`, of the epoch (\"\" where it knows none)."""

    seq: int
    epoch: str = ""


def start_at(seq: int | None, epoch: str) -> Cursor | None:
    """Where to begin; None for now. Raises ValueError."""
    if seq is None:
        if epoch:
            raise ValueError("epoch: give it with the seq that belongs to it, or leave out both to begin now")
        return None
    if type(seq) is not int or not 0 <= seq < 2**53:
        raise ValueError(f"seq: give a whole number from 0 to 2**53 - 1, not {seq!r}")
    return Cursor(seq, epoch)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to the user. `data` depends on `kind`; kinds and fields may be added at any time."""

    seq: int
    kind: str
    at: datetime
    data: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As it came over the wire."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return {"seq": self.seq, "kind": self.kind, "at": at, "data": self.data}


@dataclass(frozen=True, slots=True)
class Reset:
    """The inbox is not the one that `before` was a place in: a backup was put back, or events are no longer kept.

    What the program made of earlier events may not hold any more: it loads anew what it needs. Following goes on
    behind `cursor`.
    """

    cursor: Cursor
    before: Cursor


def event_of(said: Any) -> Event:
    """An event as it comes over the wire. Raises ValueError."""
    try:
        seq, kind, at, data = said["seq"], said["kind"], said["at"], said["data"]
        if not (type(seq) is int and isinstance(kind, str) and isinstance(data, dict)):
            raise ValueError("wrong types")
        return Event(seq, kind, time_of(at), data)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not an event: {str(said)[:200]}") from error


def time_of(text: str) -> datetime:
    """RFC 3339, in UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone: {text}")
    return at.astimezone(UTC)
