"""Tasks: work that takes a while, ours and that of other systems, and how far it is"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "tasks",
        sa.Column("id", number, primary_key=True),
        sa.Column("owner_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("source_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("progress", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("deaths", sa.BigInteger, nullable=False),
        sa.Column("patience", sa.BigInteger, nullable=False),
        sa.Column("claimed_until", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("result_url", sa.Text),
        sa.Column("result_file", sa.Text),
        sa.Column("result_name", sa.Text),
        sa.Column("result_size", sa.BigInteger),
        sa.Column("seq", sa.BigInteger),
        sa.UniqueConstraint("owner_id", "source_id", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tasks_owner", "tasks", ["owner_id", "id"])
    kept = sa.text("result_file IS NOT NULL")
    op.create_index("ix_tasks_result", "tasks", ["result_file"], unique=True, sqlite_where=kept, postgresql_where=kept)
    unfinished = sa.text("finished_at IS NULL")
    op.create_index(
        "ix_tasks_unfinished",
        "tasks",
        ["owner_id", "id"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_index("ix_tasks_kept", "tasks", ["finished_at"], sqlite_where=kept, postgresql_where=kept)
    over = sa.text("finished_at IS NOT NULL AND result_file IS NULL")  # or SQLite would look for all else by it too
    op.create_index("ix_tasks_finished", "tasks", ["finished_at"], sqlite_where=over, postgresql_where=over)
    # what somebody wrote and thinks, for exports
    op.create_index("ix_posts_author", "posts", ["author_id", "id"])
    op.create_index("ix_reactions_user", "reactions", ["user_id", "post_id"])


def downgrade() -> None:
    op.drop_index("ix_reactions_user", "reactions")
    op.drop_index("ix_posts_author", "posts")
    op.drop_table("tasks")
