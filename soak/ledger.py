"""What was sent and acknowledged, what readers were told, and which epochs the database has gone through."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .checker import Broken


class Ack(NamedTuple):
    """A send that was answered with 201 or 200: the message's id, and when the request began and was answered."""

    id: int
    began: float
    answered: float


@dataclass
class Sent:
    """One message that somebody sends until it is acknowledged."""

    key: str
    sender: str
    to: str
    body: str
    ack: Ack | None = None


class Restore(NamedTuple):
    """The database was put back: what was acknowledged after `copied` is lost.

    Between `cut` and `back` a commit may have gone to either database.
    """

    copied: float
    cut: float
    back: float


@dataclass
class Inbox:
    """One user's events as stored in one epoch, in order; `seq` and `badges` are the inbox's row's."""

    seq: int
    badges: dict[str, int]
    events: list[dict[str, Any]]


@dataclass
class Stored:
    """What the tables of one epoch hold, as they were at its end.

    `messages` are by key: (id, from, to, body); `unread` is a fresh count by user.
    """

    inboxes: dict[str, Inbox] = field(default_factory=dict)
    messages: dict[str, tuple[int, str, str, str]] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    #: the keys of all messages of an inbox, where somebody has looked for them
    keys: dict[str, set[str]] = field(default_factory=dict)


class Ledger:
    """Shared by all threads of a run. Times are those of the run's record."""

    def __init__(self, epoch: str) -> None:
        #: in order; the last one is the database's, or will be in a moment
        self.epochs = [epoch]
        self.restores: list[Restore] = []
        #: of the epochs that are over
        self.archive: list[Stored] = []
        self.sent: dict[str, Sent] = {}
        self._events: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
        self._badges: dict[tuple[str, str, int], dict[str, int]] = {}
        #: the newest message from one to the other that was given to a reader, by (epoch, reader, writer)
        self.given: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    @property
    def epoch(self) -> str:
        return self.epochs[-1]

    @property
    def settled(self) -> int:
        """How many epochs there have been; 0 while a restore is under way, and nobody knows which one counts."""
        return len(self.epochs) if len(self.epochs) == len(self.restores) + 1 else 0

    def begin(self, epoch: str) -> None:
        """From now on readers may be told of this epoch."""
        with self._lock:
            self.epochs.append(epoch)

    def restored(self, copied: float, cut: float, back: float) -> None:
        """The epoch that was begun last has a copy's data; see Restore."""
        self.restores.append(Restore(copied, cut, back))

    def send(self, sent: Sent) -> None:
        """From now on it may be there."""
        with self._lock:
            self.sent[sent.key] = sent

    def same_event(self, epoch: str, user: str, event: dict[str, Any]) -> dict[str, Any]:
        """The event as it was given first. Raises Broken when another reader was given another one under its seq."""
        with self._lock:
            known = self._events.setdefault((epoch, user), {}).setdefault(event["seq"], event)
            if known is event and event["kind"] == "message" and event["data"]["to"] == user:
                self.given[epoch, user, event["data"]["from"]] = event["data"]["id"]
        if known != event:
            raise Broken(f"{user}'s event {event['seq']} was given as {known} and as {event}")
        return known

    def same_badges(self, epoch: str, user: str, latest: int, badges: dict[str, int]) -> None:
        """Raises Broken when another reader was given others at the same seq."""
        with self._lock:
            known = self._badges.setdefault((epoch, user, latest), badges)
        if known != badges:
            raise Broken(f"{user}'s badges at {latest} were given as {known} and as {badges}")

    def must_be_in(self, ack: Ack, number: int) -> bool:
        """Whether an acknowledged message has to be stored in the epoch of this number."""
        begins = self.restores[number - 1].back if number > 0 else float("-inf")
        ends = self.restores[number].cut if number < len(self.restores) else float("inf")
        if ack.began >= begins:
            return ack.answered <= ends
        # put back with the copy
        return number > 0 and ack.answered <= self.restores[number - 1].copied and self.must_be_in(ack, number - 1)

    def homes(self, ack: Ack) -> list[int]:
        """The epochs of which one has to have it: where it was committed depends on the moment of a restore."""
        return [
            number
            for number in range(len(self.epochs))
            if (number == 0 or ack.answered >= self.restores[number - 1].cut)
            and (number == len(self.restores) or ack.began <= self.restores[number].back)
        ]
