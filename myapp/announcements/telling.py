"""Telling everyone what was announced: who goes on with it, and the next batch.

How far it is stands in its row, and moves on in the transaction that gives a batch its events. So whoever dies in the
middle, another goes on behind the last batch that was committed, and nobody is told twice.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from .. import inbox
from ..auth.models import users
from ..db import Connection, Transaction, now_ms
from ..notifications import preferences
from ..notifications.kinds import kind_of
from ..statements import statement
from ..systems.models import systems
from .models import announcements

#: How long who is at it has for one batch, in ms, before another goes on in its place.
CLAIM = 15_000
#: A claim until later than this, in ms from now, is from a clock that has been put back since, and does not count.
LONGEST_CLAIM = 4 * CLAIM
#: An announcement that has a task is left to that for so long, in ms from when it was made; then others may claim it.
FOR_ITS_TASK = 15_000


class Overtaken(Exception):
    """Another has gone on with the announcement: this one's batch is not stored."""


class _Work(NamedTuple):
    """What `advance` has to know of an announcement."""

    kind: str
    source_id: int
    data: str
    own_badge: str | None
    at: int
    upto: int
    last: int


_number = sa.bindparam("number", type_=sa.BigInteger)
_now = sa.bindparam("now", type_=sa.BigInteger)
_is_free = sa.or_(announcements.c.claimed_until < _now, announcements.c.claimed_until > _now + LONGEST_CLAIM)
#: What a suspended system has announced waits until it is let in again.
_goes_on = sa.and_(
    announcements.c.finished_at.is_(None),
    ~sa.exists().where(systems.c.id == announcements.c.source_id, systems.c.suspended_at.is_not(None)),
)
#: The application's own first, then the first of each system, the second of each, and so on.
_turn = sa.func.row_number().over(partition_by=announcements.c.source_id, order_by=announcements.c.id)
_UNFINISHED = statement(
    sa.select(announcements.c.id)
    .where(_goes_on, _is_free)
    .order_by(announcements.c.source_id != sa.literal_column("0"), _turn, announcements.c.id)
)
_until = sa.bindparam("until", type_=sa.BigInteger)
#: Nobody has claimed it yet: any later claim ends later.
_is_left = announcements.c.claimed_until == announcements.c.at + sa.bindparam("left_for", type_=sa.BigInteger)
_CLAIM = statement(
    sa.update(announcements).where(announcements.c.id == _number, _goes_on, _is_free).values(claimed_until=_until)
)
_TAKE = statement(
    sa.update(announcements)
    .where(announcements.c.id == _number, _goes_on, sa.or_(_is_free, _is_left))
    .values(claimed_until=_until)
)
_RELEASE = statement(
    sa.update(announcements)
    .where(announcements.c.id == _number, announcements.c.finished_at.is_(None))
    .values(claimed_until=sa.literal_column("0"))
)
_WORK = statement(
    sa.select(
        announcements.c.kind,
        announcements.c.source_id,
        announcements.c.data,
        announcements.c.own_badge,
        announcements.c.at,
        announcements.c.upto,
        announcements.c.last,
    ).where(announcements.c.id == _number, _goes_on)
)
_ADVANCE = statement(
    sa.update(announcements)
    .where(announcements.c.id == _number, announcements.c.upto == sa.bindparam("before", type_=sa.BigInteger))
    .values(
        upto=sa.bindparam("new_upto", type_=sa.BigInteger),
        reached=announcements.c.reached + sa.bindparam("more", type_=sa.BigInteger),
        claimed_until=_until,
        finished_at=sa.bindparam("finished", type_=sa.BigInteger),
    )
)
#: Everyone but those who have muted it, and inboxes whose users somebody has deleted by hand.
_SPREADER = inbox.Spreader(
    lambda user: sa.and_(
        preferences.wants([sa.bindparam(name, type_=sa.Text) for name in ("muted", "also_muted")], user),
        sa.exists().where(users.c.id == user),
    )
)


def claim(transaction: Transaction, number: int) -> bool:
    """Whether the caller is to go on with it: nobody else is."""
    now = now_ms()
    return transaction.run(_CLAIM, number=number, now=now, until=now + CLAIM) > 0


def take(transaction: Transaction, number: int) -> bool:
    """The same, by the announcement's task: what is left to that is the caller's, too."""
    now = now_ms()
    return transaction.run(_TAKE, number=number, now=now, until=now + CLAIM, left_for=FOR_ITS_TASK) > 0


def release(transaction: Transaction, number: int) -> None:
    """The caller does not go on with it: whoever looks next may."""
    transaction.run(_RELEASE, number=number)


def unfinished(connection: Connection) -> list[int]:
    """Announcements that have not reached everyone and that nobody is at, in the order in which it is their turn: those
    of the application, then of each system its oldest.
    """
    return [row[0] for row in connection.all(_UNFINISHED, now=now_ms())]


def advance(transaction: Transaction, number: int, most: int) -> bool:
    """Tell at most `most` more users; the transaction is theirs alone. Whether nothing is left to do: it has reached
    everyone, or its system was suspended.

    Raises Overtaken where another was faster.
    """
    row = transaction.one(_WORK, number=number)
    if row is None:
        return True
    work = _Work(*row)
    reasons = preferences.reasons(work.kind, work.source_id)
    step = _SPREADER.step(
        transaction,
        work.upto,
        work.last,
        most,
        kind=work.kind,
        at=work.at,
        data=work.data,
        badge=kind_of(work.kind).badge,
        own_badge=work.own_badge,
        muted=reasons[0],
        also_muted=reasons[-1],
    )
    is_last = step.is_last or step.upto >= work.last
    now = now_ms()
    moved = {"before": work.upto, "new_upto": step.upto, "more": step.reached, "until": now + CLAIM}
    if not transaction.run(_ADVANCE, number=number, finished=now if is_last else None, **moved):
        raise Overtaken
    return is_last
