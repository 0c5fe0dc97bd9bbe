"""Opening a thread: all that one was told about it is seen."""

from __future__ import annotations

import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Transaction
from ..statements import statement
from .models import post_events, posts

_thread = sa.bindparam("thread", type_=sa.BigInteger)
_events = inbox.events
#: The post or reply that was written, or reacted to.
_post = sa.func.coalesce(inbox.NumberIn(_events.c.data, "reply"), inbox.NumberIn(_events.c.data, "post"))
_is_in_thread = sa.exists().where(posts.c.id == _post, sa.or_(posts.c.id == _thread, posts.c.thread_id == _thread))
#: Others have numbers called so too: what another system tells of its own post 7 is none of ours.
_tells_of_it = sa.exists().where(
    post_events.c.post_id == _post,
    post_events.c.user_id == _events.c.user_id,
    post_events.c.seq == _events.c.seq,
)
_UNSEEN = statement(
    sa.select(_events.c.seq)
    .with_hint(_events, "INDEXED BY ix_events_unseen", "sqlite")
    .where(
        _events.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        _events.c.seen == sa.false(),
        sa.or_(_events.c.kind.in_(sa.literal_column(kind) for kind in ("'like'", "'dislike'")), _tells_of_it),
        _is_in_thread,
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
