"""Users by the ten thousand, as `flask seed` makes them, but in a few statements; PostgreSQL only."""

from __future__ import annotations

import hashlib
import json
import secrets
import time

import psycopg

from myapp.auth.passwords import hash_password
from myapp.inbox.badges import BADGES, NONE

from ..requests import PASSWORD


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """To the database of this URL, as the application is given it."""
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)


def make(url: str, count: int, *, noted: bool) -> list[str]:
    """Make u1, u2, ... in an empty database and give their tokens; tokens[0] is u1's.

    A token's use is noted once in ten minutes, in a transaction of its own: with `noted` that has just been done.
    """
    now = time.time_ns() // 1_000_000
    tokens = ["myapp_" + secrets.token_urlsafe(30) for _ in range(count)]
    with connect(url) as connection, connection.transaction():
        connection.execute(
            "INSERT INTO users (name, display_name, search_name, password_hash, is_admin, created_at)"
            " SELECT 'u' || n, 'u' || n, 'u' || n, %s, false, %s FROM generate_series(1, %s) n ORDER BY n",
            (hash_password(PASSWORD), now, count),
        )
        connection.execute(
            "INSERT INTO inboxes (user_id, seq, badges, trimmed) SELECT id, 0, %s, 0 FROM users", (NONE,)
        )
        connection.execute(
            "INSERT INTO tokens (user_id, token_hash, label, created_at, last_used_at)"
            " SELECT users.id, digest, 'bench', %s, %s"
            " FROM unnest(%s::text[]) WITH ORDINALITY given(digest, n) JOIN users ON users.name = 'u' || n",
            (now, now if noted else None, [hashlib.sha256(token.encode()).hexdigest() for token in tokens]),
        )
    settle(url)
    return tokens


def fill(url: str, users: int, events: int) -> None:
    """So many events in the inboxes of u1, u2, ..., messages by their text."""
    data = {"id": 1, "from": "u1", "from_name": "u1", "avatar": "", "to": "u2", "body": "what was missed"}
    badges = json.dumps({**dict.fromkeys(BADGES, 0), "messages": events}, separators=(",", ":"))
    with connect(url) as connection, connection.transaction():
        connection.execute(
            "CREATE TEMPORARY TABLE filled AS SELECT id FROM users WHERE substr(name, 2)::int <= %s", (users,)
        )
        connection.execute(
            "INSERT INTO events (user_id, seq, kind, at, data)"
            " SELECT id, seq, 'message', %s, %s FROM filled, generate_series(1, %s) seq",
            (time.time_ns() // 1_000_000, json.dumps(data, separators=(",", ":")), events),
        )
        connection.execute(
            "UPDATE inboxes SET seq = %s, badges = %s FROM filled WHERE user_id = filled.id", (events, badges)
        )
    settle(url)


def settle(url: str) -> None:
    """What a database does by itself when it has had the time: statistics, and all on disk."""
    with connect(url) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
