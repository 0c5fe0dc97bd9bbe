"""Opening a thread: all that one was told about it is seen."""

from __future__ import annotations

import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Transaction
from ..statements import statement
from .models import post_events, posts

_thread = sa.bindparam("thread", type_=sa.BigInteger)
_user = sa.bindparam("user", type_=sa.BigInteger)
_after = sa.bindparam("after", type_=sa.BigInteger)
_events = inbox.events


def _number(*names: str) -> inbox.NumberIn:
    return inbox.NumberIn(_events.c.data, *names)


def _is(kind: str) -> sa.ColumnElement[bool]:
    return _events.c.kind == sa.literal_column(f"'{kind}'")


def _is_in_thread(number: sa.ColumnElement[int]) -> sa.Exists:
    return sa.exists().where(posts.c.id == number, sa.or_(posts.c.id == _thread, posts.c.thread_id == _thread))


#: Others have numbers called so too: what another system tells of its own post 7 is none of ours.
_is_mention = sa.exists().where(
    post_events.c.post_id == sa.func.coalesce(_number("data", "reply"), _number("data", "post")),
    post_events.c.user_id == _user,
    post_events.c.seq == _events.c.seq,
    _is_in_thread(post_events.c.post_id),
)
_UNSEEN = statement(
    sa.select(_events.c.seq)
    .with_hint(_events, "INDEXED BY ix_events_unseen", "sqlite")
    .where(
        _events.c.user_id == _user,
        _events.c.seen == sa.false(),
        _events.c.seq > _after,
        # there may be 10,000 that are not seen: the data of each is looked into once
        sa.or_(
            sa.and_(sa.or_(_is("like"), _is("dislike")), _is_in_thread(_number("post"))),
            sa.and_(_is("reply"), _is_in_thread(_number("reply"))),
            sa.and_(_is("notification"), _is_mention),
        ),
    )
    .order_by(_events.c.seq)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


_UNSEEN_REACTIONS = statement(
    sa.select(_events.c.seq)
    .with_hint(_events, "INDEXED BY ix_events_unseen", "sqlite")
    .where(
        _events.c.user_id == _user,
        _events.c.seen == sa.false(),
        _events.c.seq > _after,
        sa.or_(_is("like"), _is("dislike")),
        _number("post") == sa.bindparam("post", type_=sa.BigInteger),
    )
    .order_by(_events.c.seq)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def mark_reactions_seen(transaction: Transaction, user: int, post: int, after: int = 0) -> inbox.Marked:
    """As `mark_seen`, but only what people think of this one post."""
    return inbox.mark_next_seen(transaction, user, _UNSEEN_REACTIONS, post=post, after=after)


def mark_seen(transaction: Transaction, user: int, thread: int, after: int = 0) -> inbox.Marked:
    """What the user was told about a post and the replies to it is seen: reactions, replies, mentions; where it is very
    much the next piece behind seq `after` (see `inbox.mark_in_pieces`), so what is of other posts is looked at once.
    """
    return inbox.mark_next_seen(transaction, user, _UNSEEN, thread=thread, after=after)


def has_unseen(connection: Connection, user: int, thread: int) -> bool:
    """Whether there is any of it."""
    return connection.one(_UNSEEN, user=user, thread=thread, after=0, most=1) is not None
