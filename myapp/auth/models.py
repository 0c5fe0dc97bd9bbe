"""Tables: people and their pictures, whom they block, the sessions of their browsers, the tokens of their programs."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

#: SQLite only numbers rows by itself where the type is exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),  # lower case, as in addresses
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("search_name", sa.Text, nullable=False, index=True),  # the display name, folded for search
    sa.Column("password_hash", sa.Text),  # none: cannot sign in with a password
    sa.Column("is_admin", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("picture", sa.Text),  # the version of the person's picture: the start of its SHA-256; none: initials
    sa.Column("language", sa.Text),  # a key of languages.LANGUAGES; none: what the browser asks for
    sa.Column("system_id", sa.BigInteger, index=True),  # the system whose user this is; none: a user of our own
)

#: Apart from `users`: what is read with every request stays small.
pictures = sa.Table(
    "pictures",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),  # WebP, as pictures.py makes them
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("key_hash", sa.Text, nullable=False, unique=True),  # SHA-256 of what the cookie carries
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
    sqlite_autoincrement=True,  # the number of an ended session is never another's
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),  # SHA-256; the token itself is not kept
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", sa.BigInteger),
    sqlite_autoincrement=True,
)

#: Of whom `user_id` wants to hear and see nothing.
blocks = sa.Table(
    "blocks",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("blocked_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
