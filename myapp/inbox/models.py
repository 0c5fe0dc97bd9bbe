"""Tables: one row for each inbox, one for each event, and what is true of the whole database."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

inboxes = sa.Table(
    "inboxes",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    # the last seq that was given out; locked from then until COMMIT, so order of seq is order of commit
    sa.Column("seq", sa.BigInteger, nullable=False),
    # events at or before this seq are no longer kept
    sa.Column("trimmed", sa.BigInteger, nullable=False, server_default="0"),
    # counts by name, a JSON object; they change only together with seq
    sa.Column("badges", sa.Text, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Column("data", sa.Text, nullable=False),  # a JSON object
    # whether the user has seen it; none: there is nothing to see, it is no notice
    sa.Column("seen", sa.Boolean),
    # the badges that count it until it is seen: that of its kind, and one of its own
    sa.Column("badge", sa.Text),
    sa.Column("own_badge", sa.Text),
    # an inbox is read in order of seq: the table is its own index
    sqlite_with_rowid=False,
)

#: The notices of an inbox, those not seen and those seen: few among many events.
_is_notice = events.c.seen.is_not(None)
_is_unseen = events.c.seen == sa.false()
_is_seen = events.c.seen == sa.true()
sa.Index("ix_events_notices", events.c.user_id, events.c.seq, sqlite_where=_is_notice, postgresql_where=_is_notice)
sa.Index("ix_events_unseen", events.c.user_id, events.c.seq, sqlite_where=_is_unseen, postgresql_where=_is_unseen)
sa.Index("ix_events_seen", events.c.user_id, events.c.seq, sqlite_where=_is_seen, postgresql_where=_is_seen)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
