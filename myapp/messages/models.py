"""Tables: messages between two people, and each side's view of their conversation."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

messages = sa.Table(
    "messages",
    metadata,
    # given out while both inboxes are locked: within a conversation, order of id is order of commit
    sa.Column("id", Id, primary_key=True),
    sa.Column("from_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("to_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
    # the pair, the same from both sides
    sa.Column("low_id", sa.BigInteger, nullable=False),
    sa.Column("high_id", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),  # of the event in the sender's inbox
    sa.Column("to_seq", sa.BigInteger),  # of that in the receiver's; none: from before it was kept
    sa.Column("key", sa.Text),  # the sender's, against sending twice
    sa.Column("deleted_at", sa.BigInteger),
    sa.UniqueConstraint("from_id", "key"),
    sa.Index("ix_messages_pair", "low_id", "high_id", "id"),
    sqlite_autoincrement=True,  # an id is never given out twice
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("with_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("last_id", sa.BigInteger, nullable=False),  # the newest message
    sa.Column("read_upto", sa.BigInteger, nullable=False),  # messages to `user_id` with an id up to this are read
    sa.Column("unread", sa.BigInteger, nullable=False),
    sa.Index("ix_conversations_newest", "user_id", "last_id"),
    sqlite_with_rowid=False,
)
