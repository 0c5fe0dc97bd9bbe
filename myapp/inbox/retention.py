"""Old events leave their inboxes.

A cursor from before what is kept gets `reset`: `trimmed` in the inbox's row says up to where. What is to be seen stays
as long as it is not seen, and also some time after, for the list of notices; nobody reads it as an event any more. Of
what is not seen an inbox keeps MOST_UNSEEN: who calls is told which are beyond them, and marks them as seen.
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
#: Notices that an inbox keeps without their having been seen, the newest.
MOST_UNSEEN = 10_000


class Old(NamedTuple):
    """What was found in the inboxes up to that of user `upto`: user, and the last seq that is too old. None is left to
    be looked at when `is_last`; unless `is_whole`, there are more in the same inboxes.

    `large` are the users with so much in their inboxes that MOST_UNSEEN may be exceeded.
    """

    upto: int
    inboxes: list[tuple[int, int]]
    large: list[int]
    is_last: bool
    is_whole: bool


class Trimmed(NamedTuple):
    """How many events one transaction has deleted, and whether nothing is left to do."""

    deleted: int
    is_last: bool


_user, _upto, _after = (sa.bindparam(name, type_=sa.BigInteger) for name in ("user", "upto", "after"))
_old, _old_notices = (sa.bindparam(name, type_=sa.BigInteger) for name in ("old", "old_notices"))
_most = sa.bindparam("most", type_=sa.Integer)
_IDS = statement(
    sa.select(inboxes.c.user_id, inboxes.c.seq)
    .where(inboxes.c.user_id > _after)
    .order_by(inboxes.c.user_id)
    .limit(_most)
)
_looked_at = inboxes.c.trimmed + _most
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


def _seen_before(user: sa.ColumnElement[int], trimmed: sa.ColumnElement[int]) -> sa.Select[tuple[int, int]]:
    """Seq and time of what has been seen and given up, the oldest first."""
    return (
        sa.select(events.c.seq, events.c.at)
        .with_hint(events, "INDEXED BY ix_events_seen", "sqlite")
        .where(events.c.user_id == user, events.c.seen == sa.true(), events.c.seq <= trimmed)
        .order_by(events.c.seq)
    )


#: The first one tells, as times hardly go back.
_first_seen = _seen_before(inboxes.c.user_id, inboxes.c.trimmed).limit(1).with_only_columns(events.c.at)
_OLD = statement(
    sa.select(inboxes.c.user_id, _last_old, inboxes.c.trimmed)
    .where(inboxes.c.user_id > _after, inboxes.c.user_id <= _upto)
    .where(sa.or_(_last_old > inboxes.c.trimmed, _first_seen.scalar_subquery() < _old_notices))
    .order_by(inboxes.c.user_id)
)
_next = inboxes.c.trimmed + _most
#: In pieces: who is stopped in the middle has deleted all that is given up.
_TRIM = statement(
    sa.update(inboxes)
    .where(inboxes.c.user_id == _user, inboxes.c.trimmed < _upto)
    .values(trimmed=sa.case((_next < _upto, _next), else_=_upto))
    .returning(inboxes.c.trimmed)
)
#: Notices stay until they are seen, and some time after.
_DELETE = statement(
    sa.delete(events).where(
        events.c.user_id == _user, events.c.seq > _upto - _most, events.c.seq <= _upto, events.c.seen.is_(None)
    )
)
_oldest_seen = _seen_before(_user, _upto).limit(_most).subquery()
_DELETE_NOTICES = statement(
    sa.delete(events).where(
        events.c.user_id == _user,
        events.c.seq.in_(sa.select(_oldest_seen.c.seq).where(_oldest_seen.c.at < _old_notices)),
    )
)
_TOO_MANY = statement(
    sa.select(events.c.seq)
    .with_hint(events, "INDEXED BY ix_events_unseen", "sqlite")
    .where(events.c.user_id == _user, events.c.seen == sa.false())
    .order_by(events.c.seq.desc())
    .limit(1)
    .offset(_most)
)


def find_old(connection: Connection, after: int, old: int, old_notices: int) -> Old:
    """Which of the next inboxes, of users with an id above `after`, have something to delete: events from before `old`,
    seen notices from before `old_notices` (both in ms since 1970).
    """
    found = connection.all(_IDS, after=after, most=MOST_INBOXES)
    if not found:
        return Old(after, [], [], True, True)
    last: int = found[-1][0]
    times = {"old": old, "old_notices": old_notices}
    rows = connection.all(_OLD, after=after, upto=last, most=MOST_LOOKED_AT, **times)
    is_whole = all(seq - trimmed < MOST_LOOKED_AT for _, seq, trimmed in rows)
    large = [user for user, seq in found if seq > MOST_UNSEEN]
    return Old(last, [(user, seq) for user, seq, _ in rows], large, len(found) < MOST_INBOXES, is_whole)


def trim(transaction: Transaction, user: int, upto: int, old_notices: int) -> Trimmed:
    """Give up the inbox's next events, up to seq `upto`, and delete what nobody needs: at most MOST_DELETED."""
    row = transaction.one(_TRIM, user=user, upto=upto, most=MOST_DELETED)
    trimmed, deleted = upto, 0
    if row is not None:
        trimmed = row[0]
        deleted = transaction.run(_DELETE, user=user, upto=trimmed, most=MOST_DELETED)
    room = MOST_DELETED - deleted
    notices = transaction.run(_DELETE_NOTICES, user=user, upto=trimmed, old_notices=old_notices, most=room)
    return Trimmed(deleted + notices, trimmed >= upto and notices < room)


def last_too_many(connection: Connection, user: int) -> int:
    """The seq up to which there is more than MOST_UNSEEN of what is not seen; 0 where there is not."""
    row = connection.one(_TOO_MANY, user=user, most=MOST_UNSEEN)
    return 0 if row is None else int(row[0])
