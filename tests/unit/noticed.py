"""Notices in a store's inboxes: adding some, and whether inbox, events and badges agree."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from myapp import inbox
from myapp.db import Connection
from myapp.notifications import service
from myapp.notifications.content import Content

from .conftest import Store


def badges(store: Store, user: int) -> dict[str, int]:
    """The badges that count anything."""
    return {name: count for name, count in json.loads(store.head(user).badges).items() if count}


def events(store: Store, user: int, after: int = 0) -> list[dict[str, Any]]:
    """The whole inbox after a cursor."""
    found: list[dict[str, Any]] = []
    while True:
        page = store.after(user, after)
        found += [json.loads(event.text) for event in page.events]
        if page.seq == after:
            return found
        after = page.seq


def add(store: Store, user: int, badge: str | None = "likes", own_badge: str | None = None, count: int = 1) -> int:
    """`count` notices in one transaction; the seq of the last."""
    seq = 0
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        for number in range(count):
            data = {"number": number}
            seq = inbox.append(transaction, user, "like", data, notice=inbox.CountedBy(badge, own_badge))
    return seq


def tell(store: Store, user: int, title: str, badge: str | None = None, **options: Any) -> None:
    """A notification in a transaction of its own."""
    with store.database.transaction() as transaction:
        service.notify(transaction, user, Content(title, badge=badge), **options)


def count_unseen(connection: Connection, user: int) -> dict[str, int]:
    """The badges that count notices, counted anew; what an inbox keeps must equal it (but for those at 0)."""
    counts = {name: 0 for name in inbox.BADGES if name != "messages"}
    rows = connection.driver.execute(f"SELECT badge, own_badge FROM events WHERE user_id = {user} AND seen = false")
    for row in rows.fetchall():
        for name in set(row) - {None}:
            counts[name] = counts.get(name, 0) + 1
    return counts


def check(store: Store, users: Sequence[int]) -> None:
    """Seqs are without holes, and the badges equal a fresh count."""
    for user in users:
        head = store.head(user)
        with store.database.read() as connection:
            kept = connection.driver.execute(f"SELECT seq FROM events WHERE user_id = {user} ORDER BY seq").fetchall()
            counted = count_unseen(connection, user)
        assert [row[0] for row in kept] == list(range(1, head.seq + 1))
        found = json.loads(head.badges)
        assert {name: count for name, count in found.items() if count and name != "messages"} == {
            name: count for name, count in counted.items() if count
        }
        assert set(inbox.BADGES) <= set(found)


def is_waiting(store: Store) -> bool:
    """Whether some transaction of PostgreSQL's waits for a lock."""
    with store.database.read() as connection:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(connection.driver.execute(sql).fetchone()[0])
