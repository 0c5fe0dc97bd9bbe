"""Tables: notifications by number and key, and what users do not want to hear of."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

#: What a notification says is in its event.
notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id")),  # none: everyone, see announcements
    # of the event in the user's inbox; below 0: there is none, as the user has muted the system, and this is a digest
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("source_id", sa.BigInteger, nullable=False, index=True),  # the system; 0: the application
    sa.Column("key", sa.Text),  # the source's, against telling the same user twice
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("user_id", "source_id", "key"),
    sqlite_autoincrement=True,
)

mutes = sa.Table(
    "mutes",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("what", sa.Text, primary_key=True),  # a kind of events, or `system:7`
    sqlite_with_rowid=False,
)
