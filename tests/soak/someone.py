"""A small world of a run, without any program: what was sent, what is stored, and what readers were given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from soak.asking import Asker
from soak.audit import Heard, Segment, audit
from soak.checker import Checker
from soak.ledger import Ack, Inbox, Ledger, Sent, Stored
from soak.readers import Reader
from soak.record import Record

NAMES = ("messages", "likes")


def event(seq: int, number: int, sender: str, to: str, body: str, kind: str = "message") -> dict[str, Any]:
    data = {"id": number, "from": sender, "to": to, "body": body}
    return {"seq": seq, "kind": kind, "at": "2026-11-20T09:00:00.000Z", "data": data}


def stored(messages: list[tuple[str, str, str]]) -> Stored:
    """The tables after these messages (key, from, to), each with an id of its own, none of them read."""
    tables = Stored()
    for user in ("alice", "bob"):
        tables.inboxes[user] = Inbox(0, dict.fromkeys(NAMES, 0), [])
    for number, (key, sender, to) in enumerate(messages, 1):
        body = f"{key} hi"
        tables.messages[key] = (number, sender, to, body)
        for user in (sender, to):
            inbox = tables.inboxes[user]
            inbox.seq += 1
            inbox.events.append(event(inbox.seq, number, sender, to, body))
        tables.inboxes[to].badges["messages"] += 1
        tables.unread[to] = tables.unread.get(to, 0) + 1
    return tables


@dataclass
class Story:
    """Alice has sent three messages to bob, one second each, and a reader of bob was given all of them."""

    ledger: Ledger = field(default_factory=lambda: Ledger("e0"))
    tables: Stored = field(default_factory=lambda: stored([(f"k{n}", "alice", "bob") for n in (1, 2, 3)]))

    def __post_init__(self) -> None:
        for number in (1, 2, 3):
            ack = Ack(number, number, number + 0.5)
            self.ledger.send(Sent(f"k{number}", "alice", "bob", f"k{number} hi", ack))
        checker = Checker()
        checker.events = list(self.tables.inboxes["bob"].events)
        self.heard = Heard("reader 0", "bob", [Segment("e0", checker)], dict(self.tables.inboxes["bob"].badges))

    def breaches(self) -> list[str]:
        return audit(self.ledger, self.tables, [self.heard])


def a_reader(ledger: Ledger, number: int = 0) -> Reader:
    """One of bob's, who is handed what it hears."""
    record = Record()
    return Reader(number, "bob", Asker(0, "", record), ledger, record, way="websocket", seed=0)
