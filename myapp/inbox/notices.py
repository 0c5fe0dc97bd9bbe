"""Reading what there is to see in an inbox, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from ..db import Connection
from ..statements import statement
from .models import events


class StoredNotice(NamedTuple):
    """A notice: an event with whether it was seen. `data` is a JSON object's text."""

    seq: int
    kind: str
    at: int
    data: str
    seen: bool
    own_badge: str | None


_NOTICE = (events.c.seq, events.c.kind, events.c.at, events.c.data, events.c.seen, events.c.own_badge)
_NOTICES = statement(
    sa.select(*_NOTICE)
    .where(
        events.c.user_id == sa.bindparam("user"),
        events.c.seq < sa.bindparam("before"),
        events.c.seen.is_not(None),
    )
    .order_by(events.c.seq.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_ONE = statement(
    sa.select(*_NOTICE).where(
        events.c.user_id == sa.bindparam("user"), events.c.seq == sa.bindparam("seq"), events.c.seen.is_not(None)
    )
)


def notices(connection: Connection, user: int, before: int, limit: int) -> list[StoredNotice]:
    """At most `limit` notices with a seq below `before`, newest first. Call it on a snapshot beside a head."""
    return [_stored(row) for row in connection.all(_NOTICES, user=user, before=before, most=limit)]


def notice(connection: Connection, user: int, seq: int) -> StoredNotice | None:
    """The notice at this seq, if there is one."""
    row = connection.one(_ONE, user=user, seq=seq)
    return None if row is None else _stored(row)


def _stored(row: Sequence[object]) -> StoredNotice:
    stored = StoredNotice(*row)  # type: ignore[arg-type]  # as the columns are
    return stored._replace(seen=bool(stored.seen))
