"""Deleting a post or reply: out of the feed, out of the events that have its text, and out of what is found."""

from __future__ import annotations

import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Transaction, now_ms
from ..errors import Forbidden, Text
from ..search import service as search
from ..statements import statement
from . import counts
from .models import post_events, posts
from .reacting import no_such_post

#: Of so many notices of its author, not more, one transaction can look which are about the post.
MOST_UNSEEN = 1000

_EVENTS = statement(
    sa.select(post_events.c.user_id, post_events.c.seq).where(post_events.c.post_id == sa.bindparam("post"))
)
_WRITTEN = statement(sa.select(posts.c.author_id, posts.c.body).where(posts.c.id == sa.bindparam("post")))
_DELETE = statement(
    sa.update(posts)
    .where(posts.c.id == sa.bindparam("post"), posts.c.deleted_at.is_(None))
    .values(body="", deleted_at=sa.bindparam("now"))
    .returning(posts.c.thread_id)
)


def check(connection: Connection, me: int, post: int, *, is_admin: bool = False) -> int:
    """The author of a post that may be deleted, or was. Raises NotFound, Forbidden."""
    return _written(connection, me, post, is_admin)[0]


def delete(transaction: Transaction, me: int, post: int, *, is_admin: bool = False) -> None:
    """One's own post or reply is no more: nothing of its content is left, in events neither. Replies to it stay.

    Whoever was told of it is told of that. Deleting it twice changes nothing. Raises NotFound, Forbidden.
    """
    author, body = _written(transaction, me, post, is_admin)
    told: dict[int, int] = {user: seq for user, seq in transaction.all(_EVENTS, post=post)}
    inbox.lock(transaction, {author, *told})
    deleted = transaction.one(_DELETE, post=post, now=now_ms())
    if deleted is None:
        return
    thread: int | None = deleted[0]
    search.forget_post(transaction, post, author, body)
    for user, seq in told.items():
        inbox.withdraw(transaction, user, (seq,))
        inbox.blank(transaction, user, seq)
    inbox.withdraw_unseen_about(transaction, author, ("likes", "dislikes"), "post", post)
    what = {"kind": "post" if thread is None else "reply", "id": post, "post": thread or post}
    for user in sorted({author, *told}):
        inbox.append(transaction, user, "deleted", what)
    counts.change(transaction, post)
    if thread is None:
        counts.change_feed(transaction)
    else:
        counts.change(transaction, thread, replies=-1)


def _written(connection: Connection, me: int, post: int, is_admin: bool) -> tuple[int, str]:
    """Author and body."""
    row = connection.one(_WRITTEN, post=post)
    if row is None:
        raise no_such_post(post)
    if row[0] != me and not is_admin:
        raise Forbidden(Text("This is somebody else's post: delete your own ones."))
    return row[0], row[1]
