"""Table: what people report to those who look after the site."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("by_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("about_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),  # whose behaviour it is about
    sa.Column("post_id", sa.BigInteger, sa.ForeignKey("posts.id")),  # or a reply
    sa.Column("message_id", sa.BigInteger, sa.ForeignKey("messages.id")),
    # what was reported, as it stood then: it may be deleted before anybody looks
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("closed_at", sa.BigInteger),
    sa.Column("closed_by", sa.BigInteger, sa.ForeignKey("users.id")),
    sqlite_autoincrement=True,
)

_is_open = reports.c.closed_at.is_(None)
sa.Index("ix_reports_open", reports.c.id, sqlite_where=_is_open, postgresql_where=_is_open)
