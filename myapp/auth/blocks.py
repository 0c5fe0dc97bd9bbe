"""Whom people have blocked: of whom they want to hear and see nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from ..db import Connection, Transaction, now_ms
from ..errors import Conflict, Forbidden, Text
from ..statements import Statement, given, statement
from .models import blocks, users
from .people import COLUMNS, Person

#: So many can be blocked by one person.
MOST = 1000

_BLOCK = Statement(
    lambda insert: insert(blocks).values(given(blocks, "user_id", "blocked_id", "at")).on_conflict_do_nothing()
)
_UNBLOCK = statement(
    sa.delete(blocks).where(blocks.c.user_id == sa.bindparam("user"), blocks.c.blocked_id == sa.bindparam("blocked"))
)
_COUNT_OTHERS = statement(
    sa.select(sa.func.count()).where(
        blocks.c.user_id == sa.bindparam("user"), blocks.c.blocked_id != sa.bindparam("blocked")
    )
)
_LISTED = statement(
    sa.select(*COLUMNS)
    .join(blocks, blocks.c.blocked_id == users.c.id)
    .where(blocks.c.user_id == sa.bindparam("user"))
    .order_by(users.c.name)
)


def has_blocked(user: Any, blocked: Any) -> sa.Exists:
    """Whether the one, given as ids or columns of a statement, has blocked the other."""
    one = blocks.alias()
    return sa.exists().where(one.c.user_id == user, one.c.blocked_id == blocked)


def block(transaction: Transaction, user: int, blocked: int) -> None:
    """From now on the user hears and sees nothing of the other one; blocking twice changes nothing.

    Lock both inboxes before: what the other one does meanwhile is then done before it, or refused. Raises Conflict
    where the user has blocked MOST people.
    """
    row = transaction.one(_COUNT_OTHERS, user=user, blocked=blocked)
    if row is not None and row[0] >= MOST:
        raise Conflict(Text("You have blocked %(most)d people: unblock somebody first.", most=MOST))
    transaction.run(_BLOCK, user_id=user, blocked_id=blocked, at=now_ms())


def unblock(transaction: Transaction, user: int, blocked: int) -> None:
    """Undo it; where nothing was blocked, nothing changes."""
    transaction.run(_UNBLOCK, user=user, blocked=blocked)


def listed(connection: Connection, user: int) -> list[Person]:
    """Whom the user has blocked, in order of name."""
    return [Person(*row) for row in connection.all(_LISTED, user=user)]


def refusal(connection: Connection, me: int, other: int, name: str) -> Forbidden:
    """Why one may not write to the other one, who is called so: for who has found that one of them has blocked the
    other.
    """
    if (other, me) in between(connection, me, (other,)):
        return Forbidden(Text("%(name)s has blocked you and gets nothing from you.", name=name))
    return Forbidden(Text("You have blocked %(name)s: unblock them first, then write.", name=name))


def pairs(connection: Connection, users: Iterable[int], blocked: Iterable[int]) -> set[tuple[int, int]]:
    """Who of `users` has blocked whom of `blocked`; at most 1,000 of each."""
    by, of = (",".join(str(int(number)) for number in numbers) for numbers in (users, blocked))
    if not by or not of:
        return set()
    sql = f"SELECT user_id, blocked_id FROM blocks WHERE user_id IN ({by}) AND blocked_id IN ({of})"  # whole numbers
    return set(connection.driver.execute(sql).fetchall())


def between(connection: Connection, user: int, others: Iterable[int]) -> set[tuple[int, int]]:
    """Who of them has blocked whom, of the user on one side and the others, at most 1,000, on the other."""
    return set(connection.driver.execute(select_between(user, others)).fetchall())


def select_between(user: int, others: Iterable[int]) -> str:
    """What `between` asks, for `Connection.each`."""
    ids = ",".join(str(int(number)) for number in others) or "0"  # nobody
    return (
        f"SELECT user_id, blocked_id FROM blocks WHERE user_id = {int(user)} AND blocked_id IN ({ids}) UNION ALL "
        f"SELECT user_id, blocked_id FROM blocks WHERE blocked_id = {int(user)} AND user_id IN ({ids})"
    )
