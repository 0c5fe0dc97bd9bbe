"""Posts, replies and what people think of them; blocking and reporting people; deleting messages"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("messages", sa.Column("to_seq", sa.BigInteger))
    op.add_column("messages", sa.Column("deleted_at", sa.BigInteger))
    op.create_table(
        "posts",
        sa.Column("id", Id, primary_key=True),
        sa.Column("author_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("thread_id", sa.BigInteger, sa.ForeignKey("posts.id")),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("likes", sa.BigInteger, nullable=False),
        sa.Column("dislikes", sa.BigInteger, nullable=False),
        sa.Column("replies", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("deleted_at", sa.BigInteger),
        sa.UniqueConstraint("author_id", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_posts_thread", "posts", ["thread_id", "id"])
    in_feed = sa.text("thread_id IS NULL AND deleted_at IS NULL")
    op.create_index("ix_posts_feed", "posts", ["id"], sqlite_where=in_feed, postgresql_where=in_feed)
    op.create_table(
        "reactions",
        sa.Column("post_id", sa.BigInteger, sa.ForeignKey("posts.id"), primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("reaction", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "post_events",
        sa.Column("post_id", sa.BigInteger, sa.ForeignKey("posts.id"), primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blocks",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("blocked_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reports",
        sa.Column("id", Id, primary_key=True),
        sa.Column("by_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("about_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("post_id", sa.BigInteger, sa.ForeignKey("posts.id")),
        sa.Column("message_id", sa.BigInteger, sa.ForeignKey("messages.id")),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("closed_by", sa.BigInteger, sa.ForeignKey("users.id")),
        sqlite_autoincrement=True,
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index("ix_reports_open", "reports", ["id"], sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    for table in ("reports", "blocks", "post_events", "reactions", "posts"):
        op.drop_table(table)
    for column in ("deleted_at", "to_seq"):
        op.drop_column("messages", column)
