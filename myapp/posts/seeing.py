"""Opening a thread: all that one was told about it is seen."""

from __future__ import annotations

import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Transaction
from ..statements import statement
from .models import posts

_thread = sa.bindparam("thread", type_=sa.BigInteger)
_of_thread = sa.union_all(sa.select(_thread), sa.select(posts.c.id).where(posts.c.thread_id == _thread))
_events = inbox.events
_UNSEEN = statement(
    sa.select(_events.c.seq)
    .with_hint(_events, "INDEXED BY ix_events_unseen", "sqlite")
    .where(
        _events.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        _events.c.seen == sa.false(),
        inbox.NumberIn(_events.c.data, "post").in_(_of_thread),
    )
    .order_by(_events.c.seq)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def mark_seen(transaction: Transaction, user: int, thread: int) -> inbox.Marked:
    """What the user was told about a post and the replies to it is seen: reactions, replies, mentions; a piece of it
    where it is very much (see `inbox.mark_in_pieces`).
    """
    return inbox.mark_next_seen(transaction, user, _UNSEEN, thread=thread)


def has_unseen(connection: Connection, user: int, thread: int) -> bool:
    """Whether there is any of it."""
    return connection.one(_UNSEEN, user=user, thread=thread, most=1) is not None
