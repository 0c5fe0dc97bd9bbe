"""Reading what somebody has written, in pages: each is a read of its own, so nothing is locked or held in between."""

from __future__ import annotations

import logging
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from ...auth.people import Person, by_ids
from ...db import NOT_NOW, Connection, Database, Row
from ...statements import Statement
from . import reads

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Rows of one read: a millisecond or two, with what is made of them.
PAGE = 200
#: So many ids are counted at once, from an index alone.
COUNTED = 5_000
#: Seconds for which the database may be away in the middle, and between two tries.
PATIENCE, WAIT = 120.0, 0.5


class Message(NamedTuple):
    """`at` is in ms; `read` by whom it was for. A deleted one has no body."""

    id: int
    sender: Person
    receiver: Person
    body: str
    at: int
    read: bool
    deleted: bool


class Post(NamedTuple):
    """A post or, with the `thread` that it is in, a reply."""

    id: int
    thread: int | None
    body: str
    at: int
    likes: int
    dislikes: int
    replies: int
    deleted: bool


class Reaction(NamedTuple):
    """To the post of somebody who is called so."""

    post: int
    by: str
    reaction: str
    at: int


class Conversation(NamedTuple):
    """With whom, how many messages there were at the start, and the newest of those."""

    other: Person
    size: int
    last: int


#: Beyond every id.
_NO_ID = 2**62


class Rows:
    """What there is of `me` at the time this is made; what comes later is not in it, and what is deleted later may be.

    `done(n)` is called between reads, n rows further on: others have their turn there. In memory are a page of rows,
    and of each conversation three numbers. All raise what is in NOT_NOW where the database is away for PATIENCE.
    """

    def __init__(self, database: Database, me: Person, done: Callable[[int], None]) -> None:
        self.me = me
        self._database = database
        self._done = done
        self._lasts, self._others = self._patiently(self._find_conversations)
        [last] = self._one(reads.LAST_POST)
        self._last_post: int = last or 0
        pairs = zip(self._lasts, self._others, strict=True)
        self._counts = array(
            "q", (self._count(reads.COUNT_MESSAGES, upto=last, **self._pair(other)) for last, other in pairs)
        )
        self.messages_count = sum(self._counts)
        self.posts_count = self._count(reads.COUNT_POSTS, me=me.id, upto=self._last_post)
        self.reactions_count = self._count(reads.COUNT_REACTIONS, me=me.id, upto=self._last_post)

    def read(self, read: Callable[[Connection], T]) -> T:
        """What the function reads."""

        def reading() -> T:
            with self._database.read() as connection:
                return read(connection)

        return self._patiently(reading)

    def conversations(self) -> Iterator[Conversation]:
        """The one with the newest message first."""
        for start in range(0, len(self._others), 100):
            some = slice(start, start + 100)
            others = self._people(self._others[some])
            for other, count, last in zip(others, self._counts[some], self._lasts[some], strict=True):
                yield Conversation(other, count, last)
            self._done(0)

    def messages(self, conversation: Conversation) -> Iterator[Message]:
        """Oldest first."""
        other = conversation.other
        read_by_me, read_by_other = self._read_upto(self.me, other), self._read_upto(other, self.me)
        pair = self._pair(other.id)
        for number, from_id, body, at, deleted_at in self._pages(reads.MESSAGES, upto=conversation.last, **pair):
            is_mine = from_id == self.me.id
            sender, receiver, upto = (self.me, other, read_by_other) if is_mine else (other, self.me, read_by_me)
            yield Message(number, sender, receiver, body, at, number <= upto, deleted_at is not None)

    def posts(self) -> Iterator[Post]:
        """Oldest first."""
        for row in self._pages(reads.POSTS, me=self.me.id, upto=self._last_post):
            yield Post._make((*row[:-1], row[-1] is not None))

    def reactions(self) -> Iterator[Reaction]:
        """In order of the posts."""
        return (Reaction(*row) for row in self._pages(reads.REACTIONS, me=self.me.id, upto=self._last_post))

    # -- reading

    def _patiently(self, read: Callable[[], T]) -> T:
        """Hours of work are not given up because the database is started anew."""
        deadline = None
        while True:
            try:
                return read()
            except NOT_NOW as error:
                if deadline is None:
                    log.warning("an export waits for the database: %s", error)
                    deadline = time.monotonic() + PATIENCE
                if time.monotonic() > deadline:
                    raise
            time.sleep(WAIT)
            self._done(0)

    def _find_conversations(self) -> tuple[array[int], array[int]]:
        """In one snapshot: who writes meanwhile would come to stand before the page that is read, and not be seen."""
        lasts, others = array("q"), array("q")
        with self._database.snapshot() as connection:
            before = _NO_ID
            while rows := connection.all(reads.CONVERSATIONS, me=self.me.id, before=before, most=PAGE):
                lasts.extend(row[0] for row in rows)
                others.extend(row[1] for row in rows)
                before = rows[-1][0]
                self._done(0)
        return lasts, others

    def _pair(self, other: int) -> dict[str, int]:
        return {"low": min(self.me.id, other), "high": max(self.me.id, other)}

    def _read_upto(self, user: Person, other: Person) -> int:
        row = self._one(reads.READ_UPTO, user=user.id, other=other.id)
        number: int = row[0] if row else 0
        return number

    def _people(self, ids: Sequence[int]) -> list[Person]:
        return self.read(lambda connection: by_ids(connection, ids))

    def _all(self, what: Statement, **values: int) -> list[Row]:
        return self.read(lambda connection: connection.all(what, **values))

    def _one(self, what: Statement, **values: int) -> Row:
        return self.read(lambda connection: connection.one(what, **values)) or ()

    def _count(self, what: Statement, **values: int) -> int:
        total: int = 0
        after: int = 0
        while True:
            [[count, last]] = self._all(what, after=after, most=COUNTED, **values)
            self._done(0)
            total += count
            if count < COUNTED:
                return total
            after = last

    def _pages(self, what: Statement, **values: int) -> Iterator[Row]:
        """The rows in order of their first column."""
        after = 0
        while True:
            rows = self._all(what, after=after, most=PAGE, **values)
            yield from rows
            self._done(len(rows))
            if len(rows) < PAGE:
                return
            after = rows[-1][0]
