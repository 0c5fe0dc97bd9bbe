"""Tables: what is told to everyone, and how far that is."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

announcements = sa.Table(
    "announcements",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # of its events: announcement, or notification
    sa.Column("source_id", sa.BigInteger, nullable=False),  # the system that made it; 0: an administrator
    sa.Column("by_id", sa.BigInteger, sa.ForeignKey("users.id")),  # that administrator; none: a command
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),  # of its events, a JSON object
    sa.Column("own_badge", sa.Text),
    sa.Column("key", sa.Text),  # the source's, against announcing twice
    sa.Column("at", sa.BigInteger, nullable=False),
    # it has reached the users with an id up to here, and goes up to `last`: who comes later reads it on its page
    sa.Column("upto", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("reached", sa.BigInteger, nullable=False),  # how many got it
    sa.Column("total", sa.BigInteger, nullable=False),  # how many there were
    # somebody is at it until then, ms since 1970; who takes longer has died, and another goes on
    sa.Column("claimed_until", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.UniqueConstraint("source_id", "key"),
    sqlite_autoincrement=True,
)

_is_unfinished = announcements.c.finished_at.is_(None)
sa.Index(
    "ix_announcements_unfinished", announcements.c.id, sqlite_where=_is_unfinished, postgresql_where=_is_unfinished
)
