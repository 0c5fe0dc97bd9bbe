"""Table: tasks, one row for each, ours and those of other systems."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("source_id", sa.BigInteger, nullable=False),  # the system that works on it; 0: this application
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),  # a JSON object
    sa.Column("key", sa.Text),  # of whoever asked, against asking twice
    sa.Column("state", sa.Text, nullable=False),  # queued, running, done, failed, cancelled
    sa.Column("progress", sa.BigInteger, nullable=False),  # 0 to 100
    # the time of the last change, and always later than the one before
    sa.Column("version", sa.BigInteger, nullable=False),
    # counts the runs, over all retries: who was overtaken by another run can change nothing any more
    sa.Column("attempt", sa.BigInteger, nullable=False),
    sa.Column("deaths", sa.BigInteger, nullable=False),  # runs, since it was asked for, that just broke off
    sa.Column("patience", sa.BigInteger, nullable=False),  # ms without a sign of life, then it counts as broken off
    sa.Column("claimed_until", sa.BigInteger, nullable=False),  # of a running one; by the database's clock
    sa.Column("worker", sa.Text),  # the process that runs it, or ran it last
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("queued_at", sa.BigInteger, nullable=False),  # by the database's clock
    sa.Column("started_at", sa.BigInteger),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("error", sa.Text),
    sa.Column("result_url", sa.Text),  # a system's
    sa.Column("result_file", sa.Text),  # ours, within the folder of results
    sa.Column("result_name", sa.Text),
    sa.Column("result_size", sa.BigInteger),
    sa.Column("seq", sa.BigInteger),  # of the last event about it in the owner's inbox
    sa.UniqueConstraint("owner_id", "source_id", "key"),
    sa.Index("ix_tasks_owner", "owner_id", "id"),
    sqlite_autoincrement=True,  # an id is never given out twice
)

_is_unfinished = tasks.c.finished_at.is_(None)
#: Those that wait or run.
sa.Index(
    "ix_tasks_unfinished",
    tasks.c.owner_id,
    tasks.c.id,
    sqlite_where=_is_unfinished,
    postgresql_where=_is_unfinished,
)

#: What is old enough to be deleted: tasks, and what they gave.
_is_over = sa.and_(tasks.c.finished_at.is_not(None), tasks.c.result_file.is_(None))
sa.Index("ix_tasks_finished", tasks.c.finished_at, sqlite_where=_is_over, postgresql_where=_is_over)
_is_kept = tasks.c.result_file.is_not(None)
sa.Index("ix_tasks_kept", tasks.c.finished_at, sqlite_where=_is_kept, postgresql_where=_is_kept)
sa.Index("ix_tasks_result", tasks.c.result_file, unique=True, sqlite_where=_is_kept, postgresql_where=_is_kept)
