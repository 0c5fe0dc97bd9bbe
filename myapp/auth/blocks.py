"""Whom people have blocked: of whom they want to hear and see nothing."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from ..db import Connection, Transaction, now_ms
from ..statements import Statement, given, statement
from .models import blocks

_BLOCK = Statement(
    lambda insert: insert(blocks).values(given(blocks, "user_id", "blocked_id", "at")).on_conflict_do_nothing()
)
_UNBLOCK = statement(
    sa.delete(blocks).where(blocks.c.user_id == sa.bindparam("user"), blocks.c.blocked_id == sa.bindparam("blocked"))
)
_BLOCKED = statement(
    sa.select(blocks.c.blocked_id).where(blocks.c.user_id == sa.bindparam("user")).order_by(blocks.c.blocked_id)
)


def block(transaction: Transaction, user: int, blocked: int) -> None:
    """From now on the user hears and sees nothing of the other one; blocking twice changes nothing."""
    transaction.run(_BLOCK, user_id=user, blocked_id=blocked, at=now_ms())


def unblock(transaction: Transaction, user: int, blocked: int) -> None:
    """Undo it; where nothing was blocked, nothing changes."""
    transaction.run(_UNBLOCK, user=user, blocked=blocked)


def blocked_by(connection: Connection, user: int) -> list[int]:
    """Whom the user has blocked."""
    return [row[0] for row in connection.all(_BLOCKED, user=user)]


def pairs(connection: Connection, users: Iterable[int], blocked: Iterable[int]) -> set[tuple[int, int]]:
    """Who of `users` has blocked whom of `blocked`; at most 1,000 of each."""
    by, of = (",".join(str(int(number)) for number in numbers) for numbers in (users, blocked))
    if not by or not of:
        return set()
    sql = f"SELECT user_id, blocked_id FROM blocks WHERE user_id IN ({by}) AND blocked_id IN ({of})"  # whole numbers
    return set(connection.driver.execute(sql).fetchall())


def between(connection: Connection, user: int, others: Iterable[int]) -> set[tuple[int, int]]:
    """Who of them has blocked whom, of the user on one side and the others, at most 1,000, on the other."""
    ids = ",".join(str(int(number)) for number in others)
    if not ids:
        return set()
    sql = (
        f"SELECT user_id, blocked_id FROM blocks WHERE user_id = {int(user)} AND blocked_id IN ({ids}) UNION ALL "
        f"SELECT user_id, blocked_id FROM blocks WHERE blocked_id = {int(user)} AND user_id IN ({ids})"
    )
    return set(connection.driver.execute(sql).fetchall())
