"""When sessions and tokens were last used: noted for all who come together, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from ..db import Database, Transaction, now_ms
from ..grouping import Grouping

Kind = Literal["session", "token"]
#: Of each kind its table, and the column that says it.
_COLUMNS = {"session": ("sessions", "last_seen_at"), "token": ("tokens", "last_used_at")}


class _AtOnce:
    """The database for what must not wait while another program writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._database.transaction(patience=0) as transaction:
            yield transaction


def grouped(database: Database) -> Grouping[Kind, int, None]:
    """Takes numbers of sessions or tokens. On a hot post a thousand people a second do their first thing for minutes;
    a transaction for each took half as much again as all else.
    """
    return Grouping(_AtOnce(database), lambda transaction, kind: None, note)


def note(transaction: Transaction, kind: Kind, numbers: Sequence[int]) -> list[None]:
    """These are in use now. One that another transaction notes at the moment is left to that one."""
    table, column = _COLUMNS[kind]
    which = f"SELECT id FROM {table} WHERE id IN ({','.join(str(int(number)) for number in numbers)})"
    if transaction.dialect != "sqlite":
        which += " FOR UPDATE SKIP LOCKED"  # in whatever order: two that wait for each other would fail
    transaction.queue(f"UPDATE {table} SET {column} = {now_ms()} WHERE id IN ({which})")
    return [None] * len(numbers)
