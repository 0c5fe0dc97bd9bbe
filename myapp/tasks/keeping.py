"""How long results and tasks are kept."""

from __future__ import annotations

import itertools

import sqlalchemy as sa

from ..db import Connection, Database, Transaction, now_ms
from ..pieces import Pieces
from ..statements import statement
from .models import tasks
from .results import Folder
from .service import tell_watchers
from .stored import COLUMNS, with_source

DAY = 24 * 3600 * 1000
#: A task that is over stays in the list for so many times as long as an event; of what is kept for ever nothing goes.
STAYS = 3
#: In one transaction.
MOST = 100

_old = sa.bindparam("old", type_=sa.BigInteger)
_most = sa.bindparam("most", type_=sa.Integer)
_some_old = (
    sa.select(tasks.c.id)
    .where(tasks.c.result_file.is_not(None), tasks.c.finished_at < _old)
    .order_by(tasks.c.finished_at)
    .limit(_most)
)
_FILES = statement(sa.select(tasks.c.result_file).where(tasks.c.id.in_(_some_old)))
_EXPIRE = statement(
    sa.update(tasks)
    .where(tasks.c.result_file == sa.bindparam("file", type_=sa.Text))
    .values(result_file=None, version=tasks.c.version + 1)
    .returning(*COLUMNS)
)
_FORGET = statement(
    sa.delete(tasks).where(
        tasks.c.id.in_(
            sa.select(tasks.c.id)
            .where(tasks.c.finished_at < _old, tasks.c.result_file.is_(None))
            .order_by(tasks.c.finished_at)
            .limit(_most)
        )
    )
)


def sweep(pieces: Pieces, database: Database, folder: Folder, days: int, keep_days: int) -> None:
    """Results older than `days` are deleted, then tasks older than STAYS times `keep_days`; 0 means for ever. Then
    files that no task names.
    """
    now = now_ms()
    while days and (files := _expire(pieces, now - days * DAY)):
        for file in files:
            folder.delete(file)
    while keep_days:
        with pieces.next() as transaction:
            if transaction.run(_FORGET, old=now - STAYS * keep_days * DAY, most=MOST) < MOST:
                break
    left_over = folder.left_over()
    while names := list(itertools.islice(left_over, MOST)):
        with database.read() as connection:
            folder.delete_but(_named(connection, names), names)


def _expire(pieces: Pieces, old: int) -> list[str]:
    """The files that no task names any more from now on."""
    with pieces.next() as transaction:
        files = [row[0] for row in transaction.all(_FILES, old=old, most=MOST)]
        for file in files:
            _expire_one(transaction, file)
    return files


def _expire_one(transaction: Transaction, file: str) -> None:
    row = transaction.one(_EXPIRE, file=file)
    if row is not None:
        tell_watchers(transaction, with_source(transaction, row))


def _named(connection: Connection, names: list[str]) -> set[str]:
    """Those that a task names. They are of digits, letters and dashes: see Folder."""
    quoted = ", ".join(f"'{name}'" for name in names)
    sql = f"SELECT result_file FROM tasks WHERE result_file IN ({quoted})"
    return {row[0] for row in connection.driver.execute(sql).fetchall()}
