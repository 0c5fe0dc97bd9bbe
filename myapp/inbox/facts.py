"""What is true of the whole database: its epoch."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from ..db import Connection, Transaction
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
