"""Tables: other systems, and their tokens."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

systems = sa.Table(
    "systems",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),  # by the rule for people's; a person may have the same
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("most_per_minute", sa.BigInteger, nullable=False),  # notifications; 0: no limit
    sa.Column("suspended_at", sa.BigInteger),  # none: its tokens count
    sqlite_autoincrement=True,
)

system_tokens = sa.Table(
    "system_tokens",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("system_id", sa.BigInteger, sa.ForeignKey("systems.id"), nullable=False, index=True),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),  # SHA-256; the token itself is not kept
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),  # names separated by blanks
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),  # none: never
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("rotated_at", sa.BigInteger),  # none: it has no successor
    sqlite_autoincrement=True,
)
