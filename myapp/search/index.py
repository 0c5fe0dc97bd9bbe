"""The words of messages and posts in the database's own index: SQLite's FTS5, a GIN index on PostgreSQL.

A message stands there under each of its words twice, for each of its two people (`17_hello`, and no word has a `_`).
So the index itself knows of one's own messages only, also for the beginning of a word, however many others have.

On SQLite a transaction that writes into FTS5 takes a tenth of a millisecond more, and a send would take a third longer.
There ids are given out in order of commit: all up to a mark are in the index, what follows is put into it in batches
(`advance`), and who looks for something meanwhile reads it (`not_indexed`). On PostgreSQL it is written with the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from ..db import Connection, Transaction
from ..messages.models import messages
from ..posts.models import posts
from ..statements import Statement, statement
from .models import search_marks
from .query import terms_of
from .words import words_of

#: Of what is not indexed yet the newest ids that are looked through: within a millisecond or two where texts are short.
MOST_READ = 5000


class Range(NamedTuple):
    """Ids above `after`, up to `upto`; not all that is not in the index where it is not `is_whole`."""

    after: int
    upto: int
    is_whole: bool


def _text(sql: str) -> Statement:
    return statement(sa.text(sql))


class Index:
    """That of one table: `owners` are the columns with whom its texts belong to; none: all are everybody's."""

    def __init__(self, table: sa.Table, *owners: str) -> None:
        name = self.kind = table.name
        self.table = table
        words = f"{name}_words"
        added = "INSERT INTO {0} ({1}, words) VALUES (:number, {2})"
        removed = f"INSERT INTO {words} ({words}, rowid, words) VALUES ('delete', :number, :words)"
        self._add = {
            "sqlite": _text(added.format(words, "rowid", ":words")),
            "postgresql": _text(added.format(words, "id", "CAST(CAST(:words AS text) AS tsvector)")),
        }
        self._remove = {"sqlite": _text(removed), "postgresql": _text(f"DELETE FROM {words} WHERE id = :number")}
        self._find = {
            "sqlite": _text(
                f"SELECT rowid FROM {words} WHERE {words} MATCH :terms AND rowid < :before"
                " ORDER BY rowid DESC LIMIT :most"
            ),
            # in two steps: taking any word for a frequent one, PostgreSQL would look at all rows in order of id
            "postgresql": _text(
                f"WITH found AS MATERIALIZED (SELECT id FROM {words}"
                " WHERE words @@ CAST(CAST(:terms AS text) AS tsquery) AND id < :before)"
                " SELECT id FROM found ORDER BY id DESC LIMIT :most"
            ),
        }
        number = table.c.id
        behind = number > sa.bindparam("after", type_=sa.BigInteger)
        next_ids = sa.select(number).where(behind).order_by(number).limit(sa.bindparam("most", type_=sa.Integer))
        self._last = statement(sa.select(sa.func.max(next_ids.subquery().c.id)))
        rows = (
            sa.select(number, table.c.body, *(table.c[owner] for owner in owners))
            .where(behind, number <= sa.bindparam("upto", type_=sa.BigInteger), table.c.deleted_at.is_(None))
            .order_by(number)
        )
        missing = ~sa.exists().where(sa.table(words, sa.column("id")).c.id == number)
        self._rows = {
            "sqlite": statement(rows),
            # locked: who deletes one of them does so before it is read here, or behind this transaction
            "postgresql": statement(rows.where(missing).with_for_update(read=True)),
        }
        mark = search_marks.c.kind == sa.literal_column(f"'{name}'")
        newest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
        self._mark = statement(sa.select(search_marks.c.upto, search_marks.c.goal, newest).where(mark))
        self._take_mark = statement(sa.select(search_marks.c.upto).where(mark).with_for_update(skip_locked=True))
        self._set_mark = statement(sa.update(search_marks).where(mark).values(upto=sa.bindparam("reached")))

    def add(self, transaction: Transaction, number: int, body: str, *owners: int) -> None:
        """A text that this transaction stores can be found once it is committed."""
        if transaction.dialect != "sqlite":
            self._write(transaction, number, body, owners)

    def remove(self, transaction: Transaction, number: int, body: str, *owners: int) -> None:
        """A text that this transaction has marked as deleted leaves the index, if it is there already."""
        if transaction.dialect != "sqlite":
            transaction.queue(self._remove[transaction.dialect], number=number)
            return
        row = transaction.one(self._mark)
        if row is not None and number <= row[0] and (words := _entry(body, owners)):
            transaction.queue(self._remove["sqlite"], number=number, words=words)

    def find(
        self, connection: Connection, needed: Sequence[tuple[str, bool]], before: int, most: int, owner: int | None
    ) -> list[int]:
        """The ids below `before` of texts under all these terms, the newest `most`, newest first; only the owner's."""
        prefix = "" if owner is None else f"{owner}_"
        if connection.dialect == "sqlite":
            terms = " AND ".join(f'"{prefix}{term}"{"*" if is_open else ""}' for term, is_open in needed)
        else:
            terms = " & ".join(f"'{prefix}{term}'{':*' if is_open else ''}" for term, is_open in needed)
        return [row[0] for row in connection.all(self._find[connection.dialect], terms=terms, before=before, most=most)]

    def not_indexed(self, connection: Connection) -> Range:
        """What is to be looked through beside the index."""
        upto, end = self._stand(connection)
        after = max(upto, end - MOST_READ)
        return Range(after, end, after == upto)

    def is_behind(self, connection: Connection) -> bool:
        """Whether `advance` has something to do."""
        row = connection.one(self._mark)
        return row is not None and row[0] < (row[2] or 0)

    def advance(self, transaction: Transaction, most: int) -> bool:
        """Put the next `most` texts into the index that are not in it; whether there may be more.

        On PostgreSQL it goes through all that is stored, also what is in the index already: in an update the programs
        of the version before may have stored a text without telling the index.
        """
        taken = transaction.one(self._take_mark)
        if taken is None:
            return False  # another worker is at it
        [last] = transaction.one(self._last, after=taken[0], most=most) or (None,)
        if last is None:
            return False
        for number, body, *owners in transaction.all(self._rows[transaction.dialect], after=taken[0], upto=last):
            self._write(transaction, number, body, owners)
        transaction.queue(self._set_mark, reached=last)
        return True

    def _stand(self, connection: Connection) -> tuple[int, int]:
        """Up to where all is in the index, and from where on again."""
        row = connection.one(self._mark)
        assert row is not None, "the migration has made it"
        upto, goal, newest = row
        return upto, max(upto, newest or 0) if connection.dialect == "sqlite" else max(upto, goal)

    def _write(self, transaction: Transaction, number: int, body: str, owners: Iterable[int]) -> None:
        if words := _entry(body, owners, "" if transaction.dialect == "sqlite" else "'"):
            transaction.queue(self._add[transaction.dialect], number=number, words=words)


MESSAGES = Index(messages, "from_id", "to_id")
POSTS = Index(posts)


def _entry(body: str, owners: Iterable[int], quote: str = "") -> str:
    """A text as an index takes it."""
    terms = terms_of(words_of(body))
    if owners:
        terms = [f"{owner}_{term}" for owner in owners for term in terms]
    return " ".join(f"{quote}{term}{quote}" for term in terms)
