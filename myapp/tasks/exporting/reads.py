"""The statements of exports. Each reads at most a page, by an index and no row of others."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from ...auth.models import users
from ...messages.models import conversations, messages
from ...posts.models import posts, reactions
from ...statements import Statement, statement


def _id(name: str) -> Any:
    return sa.bindparam(name, type_=sa.BigInteger)


_me, _after, _upto, _most = _id("me"), _id("after"), _id("upto"), sa.bindparam("most", type_=sa.Integer)
CONVERSATIONS = statement(
    sa.select(conversations.c.last_id, conversations.c.with_id)
    .where(conversations.c.user_id == _me, conversations.c.last_id < _id("before"))
    .order_by(conversations.c.last_id.desc())
    .limit(_most)
)
READ_UPTO = statement(
    sa.select(conversations.c.read_upto).where(
        conversations.c.user_id == _id("user"), conversations.c.with_id == _id("other")
    )
)


class Order:
    """How one list is read: by the index in which the rows of one person or pair stand together, in order of their ids.

    On PostgreSQL as a range of that whole index: asked for one author's rows in order of id it may well walk along the
    ids of everybody's, and throw away most of what it sees. SQLite finds the start of such a range only by its first
    columns, and does as it is told where they are equal to something.
    """

    def __init__(self, number: sa.Column[int], **whose: sa.Column[int]) -> None:
        self._number = number
        self._whose = whose

    def page(self, select: sa.Select[Any]) -> Statement:
        """At most `most` rows behind `after`, up to `upto`."""
        return Statement(lambda insert: self._some(select, insert))

    def count(self) -> Statement:
        """How many there are of the same, and the last of them."""

        def build(insert: Any) -> Any:
            some = self._some(sa.select(self._number.label("id")), insert).subquery()
            return sa.select(sa.func.count(), sa.func.max(some.c.id))

        return Statement(build)

    def _some(self, select: sa.Select[Any], insert: Any) -> sa.Select[Any]:
        columns = (*self._whose.values(), self._number)
        if insert is sqlite.insert:
            of_whom = [column == _id(name) for name, column in self._whose.items()]
            within = [*of_whom, self._number > _after, self._number <= _upto]
        else:
            start = [_id(name) for name in self._whose]
            within = [sa.tuple_(*columns) > sa.tuple_(*start, _after), sa.tuple_(*columns) <= sa.tuple_(*start, _upto)]
        return select.where(*within).order_by(*columns).limit(_most)


_OF_PAIR = Order(messages.c.id, low=messages.c.low_id, high=messages.c.high_id)
_OF_AUTHOR = Order(posts.c.id, me=posts.c.author_id)
_OF_USER = Order(reactions.c.post_id, me=reactions.c.user_id)
MESSAGES = _OF_PAIR.page(
    sa.select(messages.c.id, messages.c.from_id, messages.c.body, messages.c.at, messages.c.deleted_at)
)
POSTS = _OF_AUTHOR.page(
    sa.select(
        posts.c.id,
        posts.c.thread_id,
        posts.c.body,
        posts.c.at,
        posts.c.likes,
        posts.c.dislikes,
        posts.c.replies,
        posts.c.deleted_at,
    )
)
_author = users.alias("author")
REACTIONS = _OF_USER.page(
    sa.select(reactions.c.post_id, _author.c.name, reactions.c.reaction, reactions.c.at)
    .join(posts, posts.c.id == reactions.c.post_id)
    .join(_author, _author.c.id == posts.c.author_id)
)
COUNT_MESSAGES, COUNT_POSTS, COUNT_REACTIONS = _OF_PAIR.count(), _OF_AUTHOR.count(), _OF_USER.count()
LAST_POST = statement(sa.select(sa.func.max(posts.c.id)))
