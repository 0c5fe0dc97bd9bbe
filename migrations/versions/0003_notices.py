"""What in an inbox is to be seen; notifications with keys; mutes; other systems; announcements"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("events", sa.Column("seen", sa.Boolean))
    op.add_column("events", sa.Column("badge", sa.Text))
    op.add_column("events", sa.Column("own_badge", sa.Text))
    for name, condition in (("notices", "seen IS NOT NULL"), ("unseen", "seen = false")):
        where = sa.text(condition)
        op.create_index(f"ix_events_{name}", "events", ["user_id", "seq"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "notifications",
        sa.Column("id", Id, primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id")),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("source_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("key", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("user_id", "source_id", "key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mutes",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("what", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "systems",
        sa.Column("id", Id, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("most_per_minute", sa.BigInteger, nullable=False),
        sa.Column("suspended_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "system_tokens",
        sa.Column("id", Id, primary_key=True),
        sa.Column("system_id", sa.BigInteger, sa.ForeignKey("systems.id"), nullable=False, index=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.add_column("users", sa.Column("system_id", sa.BigInteger))
    op.create_index("ix_users_system_id", "users", ["system_id"])
    op.create_table(
        "announcements",
        sa.Column("id", Id, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source_id", sa.BigInteger, nullable=False),
        sa.Column("by_id", sa.BigInteger, sa.ForeignKey("users.id")),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("own_badge", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("upto", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("reached", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("claimed_until", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.UniqueConstraint("source_id", "key"),
        sqlite_autoincrement=True,
    )
    unfinished = sa.text("finished_at IS NULL")
    op.create_index(
        "ix_announcements_unfinished", "announcements", ["id"], sqlite_where=unfinished, postgresql_where=unfinished
    )


def downgrade() -> None:
    for table in ("announcements", "system_tokens", "systems", "mutes", "notifications"):
        op.drop_table(table)
    op.drop_index("ix_users_system_id", "users")
    op.drop_column("users", "system_id")
    for name in ("notices", "unseen"):
        op.drop_index(f"ix_events_{name}", "events")
    for column in ("own_badge", "badge", "seen"):
        op.drop_column("events", column)
