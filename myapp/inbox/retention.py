"""Old events leave their inboxes.

A cursor from before what is kept gets `reset`: `trimmed` in the inbox's row says up to where. What is to be seen stays
as long as it is not seen, and also some time after, for the list of notices; nobody reads it as an event any more.
Badges are right all the time: only what they do not count is deleted.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from ..db import Connection, Transaction
from ..statements import statement
from .models import events, inboxes

#: Events that one transaction deletes at most: SQLite serves nobody else meanwhile.
MOST_DELETED = 2000
#: Inboxes that are looked at in one query, and events of each: SQLite's reads never yield either.
MOST_INBOXES, MOST_LOOKED_AT = 100, 2000


class Old(NamedTuple):
    """What was found in the inboxes up to that of user `upto`: user, and the last seq that is too old. None is left to
    be looked at when `is_last`; unless `is_whole`, there are more in the same inboxes.
    """

    upto: int
    inboxes: list[tuple[int, int]]
    is_last: bool
    is_whole: bool


_user, _upto, _after = (sa.bindparam(name, type_=sa.BigInteger) for name in ("user", "upto", "after"))
_old, _old_notices = (sa.bindparam(name, type_=sa.BigInteger) for name in ("old", "old_notices"))
_most = sa.bindparam("most", type_=sa.Integer)
_IDS = statement(
    sa.select(inboxes.c.user_id).where(inboxes.c.user_id > _after).order_by(inboxes.c.user_id).limit(_most)
)
_looked_at = inboxes.c.trimmed + sa.bindparam("most", type_=sa.BigInteger)
#: In order of seq times hardly go back: the first that is young ends the old ones.
_first_young = (
    sa.select(events.c.seq)
    .where(
        events.c.user_id == inboxes.c.user_id,
        events.c.seq > inboxes.c.trimmed,
        events.c.seq <= _looked_at,
        events.c.at >= _old,
    )
    .order_by(events.c.seq)
    .limit(1)
    .scalar_subquery()
)
_last_old = sa.func.coalesce(_first_young - 1, sa.case((inboxes.c.seq < _looked_at, inboxes.c.seq), else_=_looked_at))
#: Of what was given up: notices stay until they are seen, and some time after.
_is_needless = sa.or_(events.c.seen.is_(None), sa.and_(events.c.seen == sa.true(), events.c.at < _old_notices))
#: Old notices, or what a round that was stopped in the middle has left.
_has_needless = sa.exists().where(
    events.c.user_id == inboxes.c.user_id, events.c.seq <= inboxes.c.trimmed, _is_needless
)
_OLD = statement(
    sa.select(inboxes.c.user_id, _last_old, inboxes.c.trimmed)
    .where(inboxes.c.user_id > _after, inboxes.c.user_id <= _upto)
    .where(sa.or_(_last_old > inboxes.c.trimmed, _has_needless))
    .order_by(inboxes.c.user_id)
)
_TRIM = statement(sa.update(inboxes).where(inboxes.c.user_id == _user, inboxes.c.trimmed < _upto).values(trimmed=_upto))
_doomed = (
    sa.select(events.c.seq)
    .where(events.c.user_id == _user, events.c.seq <= _upto, _is_needless)
    .order_by(events.c.seq)
    .limit(_most)
)
_DELETE = statement(sa.delete(events).where(events.c.user_id == _user, events.c.seq.in_(_doomed)))


def find_old(connection: Connection, after: int, old: int, old_notices: int) -> Old:
    """Which of the next inboxes, of users with an id above `after`, have something to delete: events from before `old`,
    seen notices from before `old_notices` (both in ms since 1970).
    """
    ids = [row[0] for row in connection.all(_IDS, after=after, most=MOST_INBOXES)]
    if not ids:
        return Old(after, [], True, True)
    times = {"old": old, "old_notices": old_notices}
    rows = connection.all(_OLD, after=after, upto=ids[-1], most=MOST_LOOKED_AT, **times)
    is_whole = all(seq - trimmed < MOST_LOOKED_AT for _, seq, trimmed in rows)
    return Old(ids[-1], [(user, seq) for user, seq, _ in rows], len(ids) < MOST_INBOXES, is_whole)


def trim(transaction: Transaction, user: int, upto: int, old_notices: int) -> int:
    """Give up the inbox's events up to seq `upto`, and delete at most MOST_DELETED of what nobody needs any more.

    How many were deleted: where it is MOST_DELETED there may be more, and it is to be called again.
    """
    transaction.run(_TRIM, user=user, upto=upto)
    return transaction.run(_DELETE, user=user, upto=upto, old_notices=old_notices, most=MOST_DELETED)
