"""One event in very many inboxes, some hundred of them in each transaction.

The inboxes of a batch are locked in order of user id, as everywhere, and only for the length of their batch; each gets
its own next seq. The database does it for all of them at once: nothing is read into this process but the new seqs and
badges, for those who wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ..db import Row, Transaction
from ..statements import Statement, statement
from .counting import cleared, has, has_no_room, one_more
from .events import rest_of
from .facts import epoch
from .models import events, inboxes

#: Bytes that the events of one batch have together, however many could be told: they travel with their text, and while
#: they are handed out nobody else is served.
MOST_BYTES = 2_000_000


class Spread(NamedTuple):
    """What a transaction added to many inboxes: one event each, at the seq of its row, its text behind that the same.

    `rows` are user, seq, and which of `badges` are the user's. The seqs mean something in this `epoch` only.
    """

    rest: str
    rows: list[tuple[int, int, int]]
    badges: list[str]
    epoch: str


class Step(NamedTuple):
    """How far a batch went: to the inbox of user `upto`, and how many got the event. None is left when `is_last`."""

    upto: int
    reached: int
    is_last: bool


class Spreader:
    """The statements for a group of users, made once: those of whom `wants(user_id)` is true."""

    def __init__(self, wants: Callable[[sa.ColumnElement[int]], sa.ColumnElement[bool]]) -> None:
        after, upto, last = (sa.bindparam(name, type_=sa.BigInteger) for name in ("after", "upto", "last"))
        self._lock = statement(
            sa.select(inboxes.c.user_id)
            .where(inboxes.c.user_id > after, inboxes.c.user_id <= last)
            .order_by(inboxes.c.user_id)
            .limit(sa.bindparam("most", type_=sa.Integer))
            .with_for_update()
        )
        of_batch = sa.and_(inboxes.c.user_id > after, inboxes.c.user_id <= upto, wants(inboxes.c.user_id))
        ids = sa.cast(sa.bindparam("ids", type_=sa.Text), postgresql.ARRAY(sa.BigInteger))
        of_ids = sa.and_(inboxes.c.user_id == sa.func.any(ids), wants(inboxes.c.user_id))
        self._make_room = {"sqlite": statement(_with_room(of_batch)), "postgresql": statement(_with_room(of_ids))}
        self._advance = statement(_advanced(of_batch))
        told = _told(inboxes).where(of_batch)
        self._insert = Statement(lambda insert: insert(events).from_select(_COLUMNS, told))
        self._advance_and_insert = statement(_advanced_and_told(of_ids))

    def step(
        self,
        transaction: Transaction,
        after: int,
        last: int,
        most: int,
        *,
        kind: str,
        at: int,
        data: str,
        badge: str | None,
        own_badge: str | None = None,
        **of_whom: Any,
    ) -> Step:
        """Give the event to at most `most` users with an id above `after`, up to `last`, who want it; of one that is
        large to fewer (MOST_BYTES).

        `data` is a JSON object's text, `of_whom` are values for parameters of `wants`. The transaction must hold no
        inbox yet, and locks the batch's.
        """
        assert not transaction.state.get("inboxes"), "a batch has a transaction of its own"
        most = min(most, max(1, MOST_BYTES // len(data.encode())))
        ids = [row[0] for row in transaction.all(self._lock, after=after, last=last, most=most)]
        if not ids:
            return Step(last, 0, True)
        event = {"kind": kind, "at": at, "data": data, "badge": badge, "own_badge": own_badge}
        rows = self._tell(transaction, ids, event, of_whom)
        badges: dict[str, int] = {}
        told = [(user, seq, badges.setdefault(text, len(badges))) for user, seq, text in rows]
        if told:
            transaction.news.append(Spread(rest_of(kind, at, data), told, list(badges), epoch(transaction)))
        return Step(ids[-1], len(rows), len(ids) < most)

    def _tell(
        self, transaction: Transaction, ids: list[int], event: dict[str, Any], of_whom: dict[str, Any]
    ) -> list[Row]:
        """The inboxes that got it: user, seq, badges."""
        if transaction.dialect == "sqlite":
            batch = {"after": ids[0] - 1, "upto": ids[-1], **of_whom}
        else:
            batch = {"ids": "{" + ",".join(map(str, ids)) + "}", **of_whom}
        badges = {name: event[name] for name in ("badge", "own_badge")}
        if event["own_badge"] is not None:
            transaction.run(self._make_room[transaction.dialect], own_badge=event["own_badge"], **batch)
        if transaction.dialect != "sqlite":
            return transaction.all(self._advance_and_insert, **event, **batch)
        rows = transaction.all(self._advance, **badges, **batch)
        transaction.run(self._insert, **event, **batch)
        return rows


_COLUMNS = ("user_id", "seq", "kind", "at", "data", "seen", "badge", "own_badge")
_badge, _own_badge = (sa.bindparam(name, type_=sa.Text) for name in ("badge", "own_badge"))


def _with_room(which: sa.ColumnElement[bool]) -> Any:
    """These inboxes have room for the event's own badge, if something in them counts nothing."""
    badges = inboxes.c.badges
    return sa.update(inboxes).where(which, has_no_room(badges, _own_badge)).values(badges=cleared(badges))


def _advanced(which: sa.ColumnElement[bool]) -> Any:
    """These inboxes stand at their next seq, with one more counted: by its own badge only where that has room."""
    badges = one_more(inboxes.c.badges, _badge)
    counted = sa.case((has_no_room(inboxes.c.badges, _own_badge), badges), else_=one_more(badges, _own_badge))
    return (
        sa.update(inboxes)
        .where(which)
        .values(seq=inboxes.c.seq + 1, badges=counted)
        .returning(inboxes.c.user_id, inboxes.c.seq, inboxes.c.badges)
    )


def _told(advanced: Any) -> Any:
    """The events of inboxes that were advanced."""
    kind, data = (sa.bindparam(name, type_=sa.Text) for name in ("kind", "data"))
    at = sa.bindparam("at", type_=sa.BigInteger)
    counted_by = sa.case((has(advanced.c.badges, _own_badge), _own_badge))
    return sa.select(advanced.c.user_id, advanced.c.seq, kind, at, data, sa.false(), _badge, counted_by)


def _advanced_and_told(which: sa.ColumnElement[bool]) -> Any:
    """Both in one statement: between two of PostgreSQL's somebody could mute it, and would have a new seq without an
    event; or somebody with an id from before could come in.
    """
    moved = _advanced(which).cte("moved")
    added = sa.insert(events).from_select(_COLUMNS, _told(moved)).cte("added")
    return sa.select(moved).add_cte(added)
