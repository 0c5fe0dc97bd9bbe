"""People, their sessions and tokens; inboxes with their events; messages"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _user(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.BigInteger, sa.ForeignKey("users.id"), nullable=False, **options)


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.execute(f"INSERT INTO facts (name, value) VALUES ('epoch', '{secrets.token_hex(4)}')")
    op.create_table(
        "users",
        sa.Column("id", Id, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("search_name", sa.Text, nullable=False, index=True),
        sa.Column("password_hash", sa.Text),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", Id, primary_key=True),
        _user("user_id", index=True),
        sa.Column("key_hash", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tokens",
        sa.Column("id", Id, primary_key=True),
        _user("user_id", index=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "inboxes",
        _user("user_id", primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("trimmed", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("badges", sa.Text, nullable=False),
    )
    op.create_table(
        "events",
        _user("user_id", primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "messages",
        sa.Column("id", Id, primary_key=True),
        _user("from_id"),
        _user("to_id"),
        sa.Column("low_id", sa.BigInteger, nullable=False),
        sa.Column("high_id", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text),
        sa.UniqueConstraint("from_id", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_messages_pair", "messages", ["low_id", "high_id", "id"])
    op.create_table(
        "conversations",
        _user("user_id", primary_key=True, autoincrement=False),
        _user("with_id", primary_key=True, autoincrement=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("read_upto", sa.BigInteger, nullable=False),
        sa.Column("unread", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conversations_newest", "conversations", ["user_id", "last_id"])


def downgrade() -> None:
    for table in ("conversations", "messages", "events", "inboxes", "tokens", "sessions", "users", "facts"):
        op.drop_table(table)
