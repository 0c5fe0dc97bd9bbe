"""One event in very many inboxes, some hundred of them in each transaction.

The inboxes of a batch are locked in order of user id, as everywhere, and only for the length of their batch; each gets
its own next seq. The database does it for all of them at once: nothing is read into this process but the new seqs and
badges, for those who wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from ..db import Transaction
from ..statements import Statement, statement
from .events import rest_of
from .facts import epoch
from .models import events, inboxes


class Spread(NamedTuple):
    """What a transaction added to many inboxes: one event each, at the seq of its row, its text behind that the same.

    `rows` are user, seq, and the place of the user's badges in `badges`. The seqs mean something in this `epoch` only.
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


class _Counted(sa.ColumnElement[str]):
    """The badges with one more of `name`; without a name as they are."""

    type = sa.Text()
    inherit_cache = False

    def __init__(self, badges: Any, name: Any) -> None:
        self.badges = badges
        self.name = name


@compiles(_Counted, "sqlite")
def _counted_by_sqlite(element: _Counted, compiler: Any, **options: Any) -> str:
    badges, name = compiler.process(element.badges, **options), compiler.process(element.name, **options)
    path = f"'$.\"' || {name} || '\"'"
    return (
        f"CASE WHEN {name} IS NULL THEN {badges} ELSE "
        f"json_set({badges}, {path}, coalesce(json_extract({badges}, {path}), 0) + 1) END"
    )


@compiles(_Counted, "postgresql")
def _counted_by_postgresql(element: _Counted, compiler: Any, **options: Any) -> str:
    badges, name = compiler.process(element.badges, **options), compiler.process(element.name, **options)
    return (
        f"CASE WHEN {name} IS NULL THEN {badges} ELSE jsonb_set(CAST({badges} AS jsonb), ARRAY[{name}], "
        f"to_jsonb(coalesce(CAST(CAST({badges} AS jsonb) ->> {name} AS bigint), 0) + 1))::text END"
    )


class Spreader:
    """The statements for a group of users, made once: those of whom `wants(user_id)` is true."""

    def __init__(self, wants: Callable[[sa.ColumnElement[int]], sa.ColumnElement[bool]]) -> None:
        after, upto, last = (sa.bindparam(name, type_=sa.BigInteger) for name in ("after", "upto", "last"))
        badge, own_badge = (sa.bindparam(name, type_=sa.Text) for name in ("badge", "own_badge"))
        in_batch = sa.and_(inboxes.c.user_id > after, inboxes.c.user_id <= upto, wants(inboxes.c.user_id))
        self._lock = statement(
            sa.select(inboxes.c.user_id)
            .where(inboxes.c.user_id > after, inboxes.c.user_id <= last)
            .order_by(inboxes.c.user_id)
            .limit(sa.bindparam("most", type_=sa.Integer))
            .with_for_update()
        )
        counted = _Counted(_Counted(inboxes.c.badges, badge), own_badge)
        self._advance = statement(
            sa.update(inboxes)
            .where(in_batch)
            .values(seq=inboxes.c.seq + 1, badges=counted)
            .returning(inboxes.c.user_id, inboxes.c.seq, inboxes.c.badges)
        )
        kind, at, data = (
            sa.bindparam(name, type_=type_)
            for name, type_ in (("kind", sa.Text), ("at", sa.BigInteger), ("data", sa.Text))
        )
        new = sa.select(inboxes.c.user_id, inboxes.c.seq, kind, at, data, sa.false(), badge, own_badge).where(in_batch)
        columns = ("user_id", "seq", "kind", "at", "data", "seen", "badge", "own_badge")
        self._insert = Statement(lambda insert: insert(events).from_select(columns, new))

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
        """Give the event to at most `most` users with an id above `after`, up to `last`, who want it.

        `data` is a JSON object's text, `of_whom` are values for parameters of `wants`. The transaction must hold no
        inbox yet, and locks the batch's.
        """
        assert not transaction.state.get("inboxes"), "a batch has a transaction of its own"
        ids = [row[0] for row in transaction.all(self._lock, after=after, last=last, most=most)]
        if not ids:
            return Step(last, 0, True)
        upto = ids[-1]
        rows = transaction.all(self._advance, after=after, upto=upto, badge=badge, own_badge=own_badge, **of_whom)
        values = {"kind": kind, "at": at, "data": data, "badge": badge, "own_badge": own_badge}
        transaction.run(self._insert, after=after, upto=upto, **values, **of_whom)
        places: dict[str, int] = {}
        told = [(user, seq, places.setdefault(badges, len(places))) for user, seq, badges in rows]
        if told:
            transaction.news.append(Spread(rest_of(kind, at, data), told, list(places), epoch(transaction)))
        return Step(upto, len(rows), len(ids) < most)
