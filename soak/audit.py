"""The demand of the end: stored is what was acknowledged, and what readers were given is what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .checker import Broken, Checker
from .ledger import Ledger, Sent, Stored


class Segment(NamedTuple):
    """What one reader was given in one epoch."""

    epoch: str
    checker: Checker


class Heard(NamedTuple):
    """What one reader was given in all: one segment for each epoch that it was told of, in order.

    `badges` are the last that it was given, empty where it was given none since the last reset.
    """

    name: str
    user: str
    segments: list[Segment]
    badges: dict[str, int]


def audit(ledger: Ledger, last: Stored, heard: Iterable[Heard]) -> list[str]:
    """All breaches; `last` are the tables at the end, of the last epoch."""
    stored = [*ledger.archive, last]
    breaches: list[str] = []
    for number, tables in enumerate(stored):
        breaches += (f"epoch {number}: {text}" for text in _of_tables(ledger, tables, number))
    breaches += _of_acknowledged(ledger, stored)
    for one in heard:
        breaches += (f"{one.name} of {one.user}: {text}" for text in _of_reader(ledger, stored, one))
    return breaches


def _of_tables(ledger: Ledger, tables: Stored, number: int) -> Iterator[str]:
    """Each inbox is 1, 2, 3, ... and stands at its last event; badges equal a fresh count; nothing foreign is there."""
    for user, inbox in tables.inboxes.items():
        seqs = [event["seq"] for event in inbox.events]
        if seqs != list(range(1, inbox.seq + 1)):
            yield f"{user}'s inbox stands at {inbox.seq} and has {len(seqs)} events: {_first_hole(seqs)}"
        fresh = {**dict.fromkeys(inbox.badges, 0), "messages": tables.unread.get(user, 0)}
        if inbox.badges != fresh:
            yield f"{user}'s badges are {inbox.badges}, a fresh count is {fresh}"
        told = Counter(_key(event) for event in inbox.events if event["kind"] == "message")
        yield from (f"{user}'s inbox has {key} {count} times" for key, count in told.items() if count > 1)
        for event in inbox.events:
            if event["kind"] == "message" and (text := _is_foreign(ledger, tables, user, event)):
                yield f"{user}'s event {event['seq']} {text}"
    for key, message in tables.messages.items():
        if (sent := ledger.sent.get(key)) is None or message[1:] != (sent.sender, sent.to, sent.body):
            yield f"message {message[0]} with the key {key} was not sent so"
        elif sent.ack is not None and ledger.must_be_in(sent.ack, number) and message[0] != sent.ack.id:
            yield f"{key} is message {message[0]}; {sent.ack.id} was acknowledged"


def _is_foreign(ledger: Ledger, tables: Stored, user: str, event: dict[str, Any]) -> str:
    """Why this event of a message may not be here; empty when it may."""
    data = event["data"]
    sent = ledger.sent.get(_key(event))
    if sent is None or (data["from"], data["to"], data["body"]) != (sent.sender, sent.to, sent.body):
        return f"has a message that was not sent: {data}"
    if user not in (sent.sender, sent.to):
        return f"has a message of others: {data}"
    if tables.messages.get(sent.key, (None,))[0] != data["id"]:
        return f"tells of message {data['id']}, which is not stored"
    return ""


def _of_acknowledged(ledger: Ledger, stored: list[Stored]) -> Iterator[str]:
    """Each acknowledged message is stored, and in both inboxes, in every epoch that has to have it."""
    for sent in list(ledger.sent.values()):
        if sent.ack is None:
            continue
        homes = ledger.homes(sent.ack)
        if not any(_has(stored[number], sent) for number in homes):
            yield f"{sent.key} was acknowledged as {sent.ack.id}, and is not in the epochs {homes}"
        for number, tables in enumerate(stored):
            if ledger.must_be_in(sent.ack, number) and not _has(tables, sent):
                yield f"epoch {number}: {sent.key} was acknowledged as {sent.ack.id}, and is not there"


def _has(tables: Stored, sent: Sent) -> bool:
    return sent.key in tables.messages and all(sent.key in _keys(tables, user) for user in (sent.sender, sent.to))


def _keys(tables: Stored, user: str) -> set[str]:
    """The keys of all messages of one inbox, looked for once."""
    found = tables.keys.get(user)
    if found is None:
        inbox = tables.inboxes.get(user)
        events = inbox.events if inbox is not None else []
        found = tables.keys[user] = {_key(event) for event in events if event["kind"] == "message"}
    return found


def _of_reader(ledger: Ledger, stored: list[Stored], heard: Heard) -> Iterator[str]:
    """Each epoch once and in order, the last one to its end; in each exactly what is stored there."""
    numbers = [ledger.epochs.index(segment.epoch) for segment in heard.segments]
    if not numbers or numbers[0] != 0 or numbers[-1] != len(stored) - 1 or numbers != sorted(set(numbers)):
        yield f"went through the epochs {numbers} of {len(stored)}"
        return
    for number, segment in zip(numbers, heard.segments, strict=True):
        inbox = stored[number].inboxes[heard.user]
        upto = inbox.seq if number == len(stored) - 1 else segment.checker.cursor
        try:
            segment.checker.finish(inbox.events[segment.checker.base : upto])
        except Broken as broken:
            yield f"epoch {number}: {broken}"
    if heard.badges and heard.badges != stored[-1].inboxes[heard.user].badges:
        yield f"was given the badges {heard.badges}; stored are {stored[-1].inboxes[heard.user].badges}"


def _key(event: dict[str, Any]) -> str:
    """Bodies of the run begin with the message's key."""
    return str(event["data"]["body"]).partition(" ")[0]


def _first_hole(seqs: list[int]) -> str:
    for should, seq in enumerate(seqs, 1):
        if seq != should:
            return f"{seq} where {should} should be"
    return "the end is not there"
