"""What is true of the whole database: its epoch, and when something was last done that is done for all."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from ..db import Connection, Transaction, now_ms
from ..statements import Statement, statement
from .models import facts

_EPOCH = statement(sa.select(facts.c.value).where(facts.c.name == "epoch"))
_SET_EPOCH = Statement(
    lambda insert: (
        insert(facts)
        .values(name="epoch", value=sa.bindparam("epoch"))
        .on_conflict_do_update(index_elements=["name"], set_={"value": sa.bindparam("epoch")})
    )
)
_number = sa.cast(facts.c.value, sa.BigInteger)
_now = sa.bindparam("now", type_=sa.Text)
_is_due = _number < sa.bindparam("due", type_=sa.BigInteger)
#: Later than now: by a clock that has been put back since.
_is_late = _number > sa.bindparam("late", type_=sa.BigInteger)
_TAKE_TURN = Statement(
    lambda insert: (
        insert(facts)
        .values(name=sa.bindparam("name"), value=_now)
        .on_conflict_do_update(index_elements=["name"], set_={"value": _now}, where=sa.or_(_is_due, _is_late))
        .returning(facts.c.value)
    )
)
_next = sa.case((_number >= sa.cast(_now, sa.BigInteger), _number + 1), else_=sa.cast(_now, sa.BigInteger))
_NEXT_TIME = Statement(
    lambda insert: (
        insert(facts)
        .values(name=sa.bindparam("name"), value=_now)
        .on_conflict_do_update(index_elements=["name"], set_={"value": sa.cast(_next, sa.Text)})
        .returning(facts.c.value)
    )
)


def epoch(connection: Connection) -> str:
    """The database's epoch: a cursor means something only together with it. The first migration made one."""
    row = connection.one(_EPOCH)
    if row is None:
        raise LookupError("the database has no epoch: run `flask db upgrade`")
    value: str = row[0]
    return value


def new_epoch(transaction: Transaction) -> str:
    """After a backup was restored: every client is told `reset` and loads its state anew."""
    value = secrets.token_hex(4)
    transaction.run(_SET_EPOCH, epoch=value)
    return value


def take_turn(transaction: Transaction, name: str, now: int, every: int) -> bool:
    """Whether it is the caller's turn to do what is called so: nobody's was in the last `every` ms before `now` (ms
    since 1970).
    """
    return transaction.one(_TAKE_TURN, name=name, now=str(now), due=now - every, late=now + every) is not None


def next_time(transaction: Transaction, name: str) -> int:
    """Now, in ms since 1970, and later than any time that was given for this name. Nobody else is given one until
    COMMIT: so what is written after it is in order of commit.
    """
    row = transaction.one(_NEXT_TIME, name=name, now=str(now_ms()))
    assert row is not None
    return int(row[0])


def last_time(name: str) -> sa.ScalarSelect[str]:
    """In a statement: the time that was given last for this name, as text; NULL where none was."""
    return sa.select(facts.c.value).where(facts.c.name == name).scalar_subquery()
