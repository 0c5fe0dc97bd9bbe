"""Search over one's messages, and over everybody's posts and replies; and what is said to the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from ..auth.models import blocks, users
from ..auth.people import Person
from ..db import Connection, Row, Transaction, rfc3339
from ..messages.models import messages
from ..posts.models import posts
from ..statements import statement
from .index import MESSAGES, POSTS, Index
from .query import Query, marks, matches, near_first, needed
from .snippets import WIDTH, snippet
from .words import places_of, words_of

#: Above all ids.
NEWEST = 2**62
#: What the index says is read in portions: the second and those behind it are for what has the words, and not in order.
PORTION = 200
#: Behind so many characters of texts, of those that the index has named or of those that are not in it yet, a search
#: ends with what it has, to be gone on with: within some 10 ms, in which a worker does nothing else. EACH is what a
#: text that the index has named counts for beside.
MOST_READ, EACH = 100_000, 50
#: Of the texts of one answer's hits together, in characters, or words where there are more of them: to find what is to
#: be marked in 1,000 takes up to 0.6 ms.
MOST_SHOWN = 16_000


class Found(NamedTuple):
    """Hits as JSON, newest first, and the id below which to go on (none: that was all).

    Not all was looked through where it `is_complete` not: of what was there before the index, it has not all yet.
    """

    hits: list[dict[str, Any]]
    before: int | None
    is_complete: bool


def index_message(transaction: Transaction, number: int, from_id: int, to_id: int, body: str) -> None:
    """Within the transaction that stores a message: it is found from its commit on."""
    MESSAGES.add(transaction, number, body, from_id, to_id)


def forget_message(transaction: Transaction, number: int, from_id: int, to_id: int, body: str) -> None:
    """Within the transaction that deletes a message, behind the update that says so, once: it leaves the index.

    `body` as it was, or the index keeps it (and nobody is shown it).
    """
    MESSAGES.remove(transaction, number, body, from_id, to_id)


def index_post(transaction: Transaction, number: int, author_id: int, body: str) -> None:
    """As `index_message`, of a post or a reply."""
    POSTS.add(transaction, number, body)


def forget_post(transaction: Transaction, number: int, author_id: int, body: str) -> None:
    """As `forget_message`, of a post or a reply."""
    POSTS.remove(transaction, number, body)


_sender, _receiver = users.alias("sender"), users.alias("receiver")
_SENDER = (_sender.c.id, _sender.c.name, _sender.c.display_name, _sender.c.picture)
_me = sa.bindparam("me", type_=sa.BigInteger)
_MESSAGES = (
    sa.select(messages.c.id, messages.c.body, messages.c.at, *_SENDER, _receiver.c.name, _receiver.c.display_name)
    .join(_sender, _sender.c.id == messages.c.from_id)
    .join(_receiver, _receiver.c.id == messages.c.to_id)
    .where(messages.c.deleted_at.is_(None), sa.or_(messages.c.from_id == _me, messages.c.to_id == _me))
)
_POSTS = (
    sa.select(posts.c.id, posts.c.body, posts.c.at, *_SENDER, posts.c.thread_id)
    .join(_sender, _sender.c.id == posts.c.author_id)
    .where(
        posts.c.deleted_at.is_(None),
        posts.c.author_id.not_in(sa.select(blocks.c.blocked_id).where(blocks.c.user_id == _me)),
    )
)


def search_messages(connection: Connection, me: Person, query: Query, before: int, limit: int) -> Found:
    """Of the messages that one sent or received, with an id below `before`. Call it on a snapshot."""

    def shape(number: int, sender: Person, to: str, to_name: str) -> dict[str, Any]:
        other, other_name = (to, to_name) if sender.id == me.id else (sender.name, sender.display_name)
        return {
            "id": number,
            "from": sender.name,
            "from_name": sender.display_name,
            "avatar": sender.avatar,
            "to": to,
            "with": other,
            "with_name": other_name,
            "url": f"/chats/{other}?before={number + 1}#message-{number}",
        }

    return _Search(connection, me, query, limit, _OF_MESSAGES, shape).run(before, me.id)


def search_posts(connection: Connection, me: Person, query: Query, before: int, limit: int) -> Found:
    """Of everybody's posts and replies, but for those whom one has blocked. Call it on a snapshot."""

    def shape(number: int, author: Person, thread: int | None) -> dict[str, Any]:
        return {
            "id": number,
            "thread": thread,
            "by": author.name,
            "by_name": author.display_name,
            "avatar": author.avatar,
            "url": f"/posts/{number}",  # leads to the part of the thread where a reply stands
        }

    return _Search(connection, me, query, limit, _OF_POSTS, shape).run(before, None)


class _Source:
    """An index and the rows that it is of, as hits need them; some by their ids, or those between two ids."""

    def __init__(self, index: Index, rows: sa.Select[Any]) -> None:
        self.index = index
        number = index.table.c.id
        newest_first = rows.order_by(number.desc())
        after, upto = (sa.bindparam(name, type_=sa.BigInteger) for name in ("after", "upto"))
        most = sa.bindparam("most", type_=sa.Integer)
        self.between = statement(newest_first.where(number > after, number <= upto).limit(most))
        some = {
            "sqlite": "SELECT value FROM json_each('[' || :ids || ']')",
            "postgresql": "SELECT unnest(CAST('{' || CAST(:ids AS text) || '}' AS bigint[]))",
        }
        self.some = {
            dialect: statement(newest_first.where(number.in_(sa.text(numbers)))) for dialect, numbers in some.items()
        }


_OF_MESSAGES, _OF_POSTS = _Source(MESSAGES, _MESSAGES), _Source(POSTS, _POSTS)


class _Search:
    """One search in one table."""

    def __init__(
        self,
        connection: Connection,
        me: Person,
        query: Query,
        limit: int,
        source: _Source,
        shape: Callable[..., dict[str, Any]],
    ) -> None:
        self._connection = connection
        self._me = me
        self._query = query
        self._limit = limit
        self._source = source
        self._shape = shape

    def run(self, before: int, owner: int | None) -> Found:
        beside = self._source.index.not_indexed(self._connection)
        found: dict[int, Row] = {}
        end = self._find_beside(found, beside.after, min(beside.upto, before - 1))
        end = max(end, self._find_indexed(found, before, owner))
        newest = sorted((number for number in found if number >= end), reverse=True)
        shown = self._to_show([found[number] for number in newest])
        if len(newest) > shown:
            newest = newest[:shown]
            end = newest[-1]
        return Found([self._hit(found[number]) for number in newest], end or None, beside.is_whole)

    def _to_show(self, rows: list[Row]) -> int:
        """How many of them are hits of this answer: as many as were asked for, or MOST_SHOWN; one always is."""
        size = 0
        for at, row in enumerate(rows[: self._limit]):
            size += max(len(row[1]), len(words_of(row[1])))  # a character can be six words: a square of kana
            if at and size > MOST_SHOWN:
                return at
        return min(len(rows), self._limit)

    def _find_beside(self, found: dict[int, Row], after: int, upto: int) -> int:
        """Add what is not in the index yet, newest first, as `_find_indexed` does what is."""
        read = 0
        while True:
            rows = self._connection.all(self._source.between, me=self._me.id, after=after, upto=upto, most=PORTION)
            for row in rows:
                if matches(self._query, words_of(row[1])):
                    found[row[0]] = row
                read += len(row[1])
                if len(found) > self._limit or read > MOST_READ:
                    return int(row[0])
            if len(rows) < PORTION:
                return 0
            upto = rows[-1][0] - 1

    def _find_indexed(self, found: dict[int, Row], before: int, owner: int | None) -> int:
        """Add what the index has, newest first, until there is one too many; and the id that was looked at last, or 0
        where that was all.
        """
        terms, count, read = needed(self._query), 0, 0
        most = self._limit + 1
        while True:
            numbers = self._source.index.find(self._connection, terms, before, most, owner)
            some = self._source.some[self._connection.dialect]
            rows = self._connection.all(some, me=self._me.id, ids=",".join(map(str, numbers))) if numbers else []
            for row in rows:
                if matches(self._query, words_of(row[1])):
                    found[row[0]] = row
                    count += 1
                read += len(row[1])
                if count > self._limit or read > MOST_READ:
                    return int(row[0])
            if len(numbers) < most:
                return 0
            before, most, read = numbers[-1], PORTION, read + EACH * len(numbers)
            if read > MOST_READ:  # also where nothing of the portion may be shown
                return before

    def _hit(self, row: Row) -> dict[str, Any]:
        number, body, at, *others = row
        places = near_first(self._query, places_of(body), WIDTH)
        marked = snippet(body, marks(self._query, places))
        shaped = self._shape(number, Person(*others[:4]), *others[4:])
        return {**shaped, "at": rfc3339(at), "snippet": str(marked)}
