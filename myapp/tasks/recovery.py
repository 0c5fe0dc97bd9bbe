"""What nobody is at any more: runs that broke off, and tasks that were lost on the way to whoever runs them."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Connection
from ..statements import Now, statement
from .models import tasks
from .service import SILENT_NOW
from .stored import COLUMNS, QUEUED, Task

#: How long a task may wait before it is asked whether it was lost, in ms.
LOST_AFTER = 3_000
#: Who was not listening gives a system so much time to be heard again, in ms.
LISTEN_FIRST = 60_000
#: In one look.
MOST = 500

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
    .order_by(tasks.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
#: Of each owner the first: when it ends, the next one has its turn.
_turn = (
    sa.select(
        tasks.c.id,
        sa.func.row_number().over(partition_by=tasks.c.owner_id, order_by=tasks.c.id).label("turn"),
    )
    .where(
        tasks.c.finished_at.is_(None),
        tasks.c.state == QUEUED,
        tasks.c.source_id == sa.literal_column("0"),
        tasks.c.queued_at < Now() - sa.bindparam("ms", type_=sa.BigInteger),
    )
    .subquery()
)
_WAITING = statement(
    sa.select(_turn.c.id).order_by(_turn.c.turn, _turn.c.id).limit(sa.bindparam("most", type_=sa.Integer))
)


def silent(connection: Connection, listened: float) -> list[Task]:
    """Those that should have been heard of by now: their worker, or the system that works on them, is gone.

    A system could not be heard before we listened, for `listened` seconds now: its tasks have as long as they may be
    silent at all from then on, and LISTEN_FIRST at most.
    """
    rows = connection.all(_SILENT, most=MOST, listened=int(listened * 1000), enough=LISTEN_FIRST)
    return [Task(*row) for row in rows]


def waiting(connection: Connection) -> list[int]:
    """Tasks of ours that have been waiting for a while, in the order in which they are to be run: the first of each
    owner, then the second of each, and so on.
    """
    return [row[0] for row in connection.all(_WAITING, most=MOST, ms=LOST_AFTER)]
