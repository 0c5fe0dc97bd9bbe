"""The tables of bench.peers.socketio_stack."""

from __future__ import annotations

import hashlib
import secrets

import psycopg

TABLES = """
CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE tokens (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    token_hash text NOT NULL UNIQUE
);
CREATE TABLE messages (
    id bigserial PRIMARY KEY,
    from_id bigint NOT NULL REFERENCES users,
    to_id bigint NOT NULL REFERENCES users,
    body text NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX ON messages (from_id, to_id, id);
CREATE INDEX ON messages (to_id, from_id, id);
"""


def make(url: str, count: int) -> list[str]:
    """The tables, and users u1, u2, ...; gives their tokens, u1's first."""
    tokens = [secrets.token_urlsafe(30) for _ in range(count)]
    digests = [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute(
            "INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, %s) n ORDER BY n", (count,)
        )
        connection.execute(
            "INSERT INTO tokens (user_id, token_hash) SELECT users.id, digest"
            " FROM unnest(%s::text[]) WITH ORDINALITY given(digest, n) JOIN users ON users.name = 'u' || n",
            (digests,),
        )
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return tokens
