"""Reading posts: the feed, one post, the replies to it; as the user who reads sees them."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from ..auth.models import blocks, users
from ..auth.people import COLUMNS as PERSON
from ..auth.people import Person
from ..db import Connection, Row, rfc3339
from ..statements import statement
from . import counts
from .models import posts, reactions
from .reacting import no_such_post

#: Of so many whom one has blocked a page knows the names.
MOST_BLOCKED = 200


class Part(NamedTuple):
    """Some of many posts, and whether there are more of them."""

    posts: list[dict[str, Any]]
    more: bool


_me = sa.bindparam("me", type_=sa.BigInteger)
_is_blocked = sa.exists().where(blocks.c.user_id == _me, blocks.c.blocked_id == posts.c.author_id)
_POST = (
    sa.select(
        posts.c.id,
        posts.c.thread_id,
        posts.c.body,
        posts.c.at,
        reactions.c.reaction,
        _is_blocked,
        *counts.COLUMNS,
        *PERSON,
    )
    .join(users, users.c.id == posts.c.author_id)
    .outerjoin(reactions, sa.and_(reactions.c.post_id == posts.c.id, reactions.c.user_id == _me))
)
_most = sa.bindparam("most", type_=sa.Integer)
_FEED = statement(
    _POST.where(
        posts.c.thread_id.is_(None),
        posts.c.deleted_at.is_(None),
        posts.c.id < sa.bindparam("before", type_=sa.BigInteger),
        ~_is_blocked,
    )
    .order_by(posts.c.id.desc())
    .limit(_most)
)
_REPLIES = statement(
    _POST.where(
        posts.c.thread_id == sa.bindparam("thread", type_=sa.BigInteger),
        posts.c.id > sa.bindparam("after", type_=sa.BigInteger),
        ~_is_blocked,
    )
    .order_by(posts.c.id)
    .limit(_most)
)
_REPLY_BEFORE = statement(
    sa.select(posts.c.id)
    .where(
        posts.c.thread_id == sa.bindparam("thread", type_=sa.BigInteger),
        posts.c.id < sa.bindparam("before", type_=sa.BigInteger),
        ~_is_blocked,
    )
    .order_by(posts.c.id.desc())
    .limit(1)
    .offset(sa.bindparam("others", type_=sa.Integer))
)
_BLOCKED_NAMES = statement(
    sa.select(users.c.name)
    .join(blocks, blocks.c.blocked_id == users.c.id)
    .where(blocks.c.user_id == _me)
    .order_by(users.c.name)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_ONE = statement(_POST.where(posts.c.id == sa.bindparam("post", type_=sa.BigInteger)))


def feed(connection: Connection, me: int, before: int, limit: int) -> Part:
    """At most `limit` posts with an id below `before`, newest first: not the deleted ones, and of nobody whom one has
    blocked. Call it on a snapshot to show it beside a cursor.
    """
    return _part(connection.all(_FEED, me=me, before=before, most=limit + 1), limit)


def replies(connection: Connection, me: int, thread: int, after: int, limit: int) -> Part:
    """At most `limit` replies with an id above `after`, oldest first; deleted ones without their content."""
    return _part(connection.all(_REPLIES, me=me, thread=thread, after=after, most=limit + 1), limit)


def reply_before(connection: Connection, me: int, thread: int, reply: int, steps: int) -> int:
    """The id of the reply that one sees so many places before this one; 0 where there are not so many."""
    row = connection.one(_REPLY_BEFORE, me=me, thread=thread, before=reply, others=steps - 1)
    number: int = row[0] if row else 0
    return number


def blocked_names(connection: Connection, me: int) -> list[str]:
    """Whose posts one does not see, by name; MOST_BLOCKED of them where they are more."""
    return [row[0] for row in connection.all(_BLOCKED_NAMES, me=me, most=MOST_BLOCKED)]


def one(connection: Connection, me: int, post: int) -> dict[str, Any]:
    """A post or reply, as it is also where it was deleted, or where one has blocked its author. Raises NotFound."""
    row = connection.one(_ONE, me=me, post=post)
    if row is None:
        raise no_such_post(post)
    return _as_json(row)


def _part(rows: list[Row], limit: int) -> Part:
    return Part([_as_json(row) for row in rows[:limit]], len(rows) > limit)


def _as_json(row: Row) -> dict[str, Any]:
    number, thread, body, at, reaction, is_blocked, *others = row
    stand, author = counts.Counts(*others[:5]), Person(*others[5:])
    return {
        "id": number,
        "thread": thread,
        "by": author.name,
        "by_name": author.display_name,
        "avatar": author.avatar,
        "body": body,
        "at": rfc3339(at),
        "deleted": stand.is_deleted,
        "blocked": bool(is_blocked),
        "counts": stand.as_json(),
        "version": stand.version,
        "reaction": reaction,
    }
