"""What people think of a post, as numbers; and what is told to those who have it on screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from .. import inbox
from ..auth.models import users
from ..changed import Changed
from ..db import Connection, Transaction, now_ms
from ..statements import statement
from .models import posts

#: The topic of the feed, and what begins those of single posts.
FEED = "posts"
POST = "post:"
#: So many of the newest posts are named in the feed's topic.
RECENT = 20


class Counts(NamedTuple):
    """Of one post; `version` is the time of their last change in ms since 1970, later than any before."""

    likes: int
    dislikes: int
    replies: int
    version: int
    deleted_at: int | None

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    def as_json(self) -> dict[str, int]:
        return {"likes": self.likes, "dislikes": self.dislikes, "replies": self.replies}


#: What makes Counts, in order. Of the last the value: in RETURNING, SQLite 3.40 says of NULL that it IS NOT NULL.
COLUMNS = (posts.c.likes, posts.c.dislikes, posts.c.replies, posts.c.version, posts.c.deleted_at)

_CHANGE = statement(
    sa.update(posts)
    .where(posts.c.id == sa.bindparam("post"))
    .values(
        likes=posts.c.likes + sa.bindparam("more_likes", type_=sa.BigInteger),
        dislikes=posts.c.dislikes + sa.bindparam("more_dislikes", type_=sa.BigInteger),
        replies=posts.c.replies + sa.bindparam("more_replies", type_=sa.BigInteger),
        version=sa.case(
            (posts.c.version < sa.bindparam("now", type_=sa.BigInteger), sa.bindparam("now", type_=sa.BigInteger)),
            else_=posts.c.version + 1,
        ),
    )
    .returning(*COLUMNS)
)
_recent = (
    sa.select(posts.c.id, users.c.name)
    .join(users, users.c.id == posts.c.author_id)
    .where(posts.c.thread_id.is_(None), posts.c.deleted_at.is_(None))
    .order_by(posts.c.id.desc())
    .limit(RECENT)
    .subquery()
)
_version = sa.select(inbox.last_time(FEED).label("version")).subquery()
#: In one statement, so that version and posts belong together; one row without a post where there is none.
_RECENT = statement(
    sa.select(_version.c.version, _recent.c.id, _recent.c.name)
    .select_from(_version.outerjoin(_recent, sa.true()))
    .order_by(_recent.c.id.desc())
)


def change(transaction: Transaction, post: int, likes: int = 0, dislikes: int = 0, replies: int = 0) -> Counts:
    """Add these to the counts of a post; whoever has it on screen is told after the commit. Raises LookupError."""
    more = {"more_likes": likes, "more_dislikes": dislikes, "more_replies": replies}
    row = transaction.one(_CHANGE, post=post, now=now_ms(), **more)
    if row is None:
        raise LookupError(f"no post {post}")
    counts = Counts(*row)
    transaction.news.append(Changed(f"{POST}{post}", counts.version, data_of(counts)))
    return counts


def change_feed(transaction: Transaction) -> None:
    """A post is about to come or go: the feed is locked from here to the commit, so what is written to it now is in
    order of commit; whoever has it open is told then. Lock all inboxes before.
    """
    inbox.next_time(transaction, FEED)
    transaction.before_commit.append(
        lambda: transaction.news.append(Changed(FEED, *_feed(transaction)))  # with all that was written
    )


def data_of(counts: Counts) -> str:
    """The data of the topic of a post."""
    return msgspec.json.encode({**counts.as_json(), "deleted": counts.is_deleted}).decode()


def _feed(connection: Connection) -> tuple[int, str]:
    """Version and data of the feed's topic."""
    rows = connection.all(_RECENT)
    recent = [{"id": number, "by": name} for _, number, name in rows if number is not None]
    data: dict[str, Any] = {"newest": recent[0]["id"] if recent else 0, "recent": recent}
    return int(rows[0][0] or 1), msgspec.json.encode(data).decode()


def current(connection: Connection, topics: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Version and data of those of these topics that there are; at most 1,000 of single posts."""
    found: dict[str, tuple[int, str]] = {}
    numbers = []
    for topic in topics:
        if topic == FEED:
            found[FEED] = _feed(connection)
        else:
            numbers.append(int(topic.removeprefix(POST)))
    if numbers:
        sql = (
            "SELECT id, likes, dislikes, replies, version, deleted_at FROM posts "
            f"WHERE id IN ({','.join(map(str, numbers))})"  # whole numbers only
        )
        for number, *columns in connection.driver.execute(sql).fetchall():
            counts = Counts(*columns)
            found[f"{POST}{number}"] = counts.version, data_of(counts)
    return found
