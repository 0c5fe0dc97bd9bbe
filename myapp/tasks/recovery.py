"""What nobody is at any more: runs that broke off, and tasks that were lost on the way to whoever runs them."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from ..db import Connection
from ..statements import Now, statement
from .models import tasks
from .service import SILENT_NOW
from .stored import COLUMNS, QUEUED, RUNNING, Task

#: How long a task may wait before it is asked whether it was lost, in ms.
LOST_AFTER = 3_000
#: Who was not listening gives a system so much time to be heard again, in ms.
LISTEN_FIRST = 60_000
#: In one look.
MOST = 500

#: In the order of the index of what is not at its end: by id SQLite would go through all that ever was.
_SILENT = statement(
    sa.select(*COLUMNS)
    .where(
        SILENT_NOW,
        sa.or_(
            tasks.c.source_id == sa.literal_column("0"),
            sa.bindparam("listened", type_=sa.BigInteger) >= sa.bindparam("enough", type_=sa.BigInteger),
            tasks.c.patience <= sa.bindparam("listened", type_=sa.BigInteger),
        ),
    )
    .order_by(tasks.c.owner_id, tasks.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_is_ours = sa.and_(tasks.c.finished_at.is_(None), tasks.c.source_id == sa.literal_column("0"))
#: Of each owner what runs comes first: what waits behind as many as may run has its turn when one of them ends.
_order = (sa.case((tasks.c.state == RUNNING, 0), else_=1), tasks.c.id)
_turn = (
    sa.select(
        tasks.c.id,
        tasks.c.state,
        tasks.c.queued_at,
        sa.func.row_number().over(partition_by=tasks.c.owner_id, order_by=_order).label("turn"),
    )
    .where(_is_ours)
    .subquery()
)
_WAITING = statement(
    sa.select(_turn.c.id)
    .where(
        _turn.c.state == QUEUED,
        _turn.c.queued_at < Now() - sa.bindparam("ms", type_=sa.BigInteger),
        _turn.c.turn <= sa.bindparam("per_user", type_=sa.BigInteger),
    )
    .order_by(_turn.c.turn, _turn.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_STANDING = statement(
    sa.select(tasks.c.state, sa.func.count(), Now() - sa.func.min(tasks.c.queued_at))
    .where(_is_ours)
    .group_by(tasks.c.state)
)


class Standing(NamedTuple):
    """How many of our tasks wait and run, and how long the first of those that wait has done so, in seconds."""

    queued: float
    running: float
    oldest: float


def silent(connection: Connection, listened: float) -> list[Task]:
    """Those that should have been heard of by now: their worker, or the system that works on them, is gone.

    A system could not be heard before we listened, for `listened` seconds now: its tasks have as long as they may be
    silent at all from then on, and LISTEN_FIRST at most.
    """
    rows = connection.all(_SILENT, most=MOST, listened=int(listened * 1000), enough=LISTEN_FIRST)
    return [Task(*row) for row in rows]


def waiting(connection: Connection, per_user: int) -> list[int]:
    """Tasks of ours that have been waiting for a while, in the order in which they are to be run: the first of each
    owner, then the second of each, and so on; without those of owners who have `per_user` running (0: no limit).
    """
    return [row[0] for row in connection.all(_WAITING, most=MOST, ms=LOST_AFTER, per_user=per_user or 2**62)]


def standing(connection: Connection) -> Standing:
    """Read from the index of what is not at its end."""
    found = {state: (count, ms) for state, count, ms in connection.all(_STANDING)}
    queued, ms = found.get(QUEUED, (0, 0))
    return Standing(queued, found.get(RUNNING, (0, 0))[0], max(0, ms) / 1000)
