"""What the tables of the run's database hold, read past the application."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg

from .ledger import Inbox, Stored

_MESSAGES = """
SELECT m.key, m.id, s.name, r.name, m.body
FROM messages m JOIN users s ON s.id = m.from_id JOIN users r ON r.id = m.to_id
"""
#: Without the counter that conversations carry: each message is looked at.
_UNREAD = """
SELECT r.name, count(*)
FROM messages m JOIN users r ON r.id = m.to_id
JOIN conversations c ON c.user_id = m.to_id AND c.with_id = m.from_id
WHERE m.id > c.read_upto AND m.deleted_at IS NULL GROUP BY r.name
"""
_INBOXES = "SELECT u.name, i.seq, i.badges FROM inboxes i JOIN users u ON u.id = i.user_id"
_EVENTS = """
SELECT u.name, e.seq, e.kind, e.at, e.data
FROM events e JOIN users u ON u.id = e.user_id ORDER BY e.user_id, e.seq
"""


def read_tables(dsn: str) -> Stored:
    """Everything, of one snapshot."""
    found = Stored()
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for name, seq, badges in connection.execute(_INBOXES):
            found.inboxes[name] = Inbox(seq, json.loads(badges), [])
        for name, seq, kind, at, data in connection.execute(_EVENTS):
            event = {"seq": seq, "kind": kind, "at": as_time(at), "data": json.loads(data)}
            found.inboxes[name].events.append(event)
        for key, number, sender, to, body in connection.execute(_MESSAGES):
            found.messages[key] = (number, sender, to, body)
        found.unread.update(connection.execute(_UNREAD).fetchall())
    return found


def read_heads(dsn: str) -> dict[str, int]:
    """The last seq of each inbox by user."""
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(_INBOXES).fetchall()
        return {name: seq for name, seq, _badges in rows}


def read_epoch(dsn: str) -> str:
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        row = connection.execute("SELECT value FROM facts WHERE name = 'epoch'").fetchone()
    assert row is not None, "the database has no epoch"
    return str(row[0])


def as_time(ms: int) -> str:
    """RFC 3339 with milliseconds, as events carry it."""
    seconds, millis = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"
