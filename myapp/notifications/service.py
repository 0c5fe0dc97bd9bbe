"""Telling users: notifications, and events of whatever kind there is to see.

What is told waits in the transaction until just before COMMIT; only then are the inboxes locked, all at once and in
order of user id. So a transaction may tell as many users as it likes, one after the other, wherever it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Transaction, now_ms
from ..errors import Conflict, Text
from ..statements import Statement, given, statement
from ..texts import KEY_LIFE, check_key
from . import preferences
from .content import Content, canonical
from .kinds import kind_of
from .models import notifications

#: What the data of an event may have as JSON, in bytes: a frame takes 64 KB.
MOST_EVENT = 16 * 1024
#: Of a system so many notifications are counted: it may have sent millions, and a page wants to say how many.
MOST_COUNTED = 10_000


class Source(NamedTuple):
    """Who tells: another system, or the application itself, which has the number 0 and no name."""

    id: int
    name: str | None


APPLICATION = Source(0, None)


class _Waiting(NamedTuple):
    """What a user will be told at the end of the transaction. A notification gets its number then."""

    user: int
    kind: str
    data: Mapping[str, Any]
    notice: inbox.CountedBy
    source: Source
    key: str | None
    told: Callable[[int], None] | None = None


_ADD = Statement(
    lambda insert: (
        insert(notifications)
        .values(given(notifications, "user_id", "seq", "source_id", "key", "at"))
        .on_conflict_do_nothing(index_elements=["user_id", "source_id", "key"])
        .returning(notifications.c.id)
    )
)
_BY_KEY = statement(
    sa.select(notifications.c.id, notifications.c.seq, notifications.c.at).where(
        notifications.c.user_id == sa.bindparam("user"),
        notifications.c.source_id == sa.bindparam("source"),
        notifications.c.key == sa.bindparam("sent_key"),
    )
)
#: In order of number they are in order of time: the oldest are looked at, and no others.
_oldest = sa.select(notifications.c.id, notifications.c.at).order_by(notifications.c.id)
_looked_at = _oldest.limit(sa.bindparam("most", type_=sa.Integer)).subquery()
_is_old = _looked_at.c.at < sa.bindparam("old", type_=sa.BigInteger)
_TRIM = statement(sa.delete(notifications).where(notifications.c.id.in_(sa.select(_looked_at.c.id).where(_is_old))))
_SOURCES = statement(
    sa.select(notifications.c.source_id)
    .where(
        sa.or_(notifications.c.user_id == sa.bindparam("user"), notifications.c.user_id.is_(None)),
        notifications.c.source_id != 0,
    )
    .distinct()
)
_counted = (
    sa.select(notifications.c.id)
    .where(notifications.c.source_id == sa.bindparam("source"))
    .limit(sa.bindparam("most", type_=sa.Integer))
    .subquery()
)
_COUNT = statement(sa.select(sa.func.count()).select_from(_counted))
_FORGET_KEY = statement(sa.update(notifications).where(notifications.c.id == sa.bindparam("number")).values(key=None))


def notification_data(content: Content, source: Source) -> dict[str, Any]:
    """The data of its event, but for the number."""
    return {
        "source": source.name,
        "title": content.title,
        "body": content.body or None,
        "url": content.url or None,
        "badge": content.badge,
        "data": content.data,
    }


def notify(
    transaction: Transaction,
    user: int,
    content: Content,
    *,
    source: Source = APPLICATION,
    key: str | None = None,
    told: Callable[[int], None] | None = None,
) -> None:
    """Tell the user, once for each `key` of this source within KEY_LIFE; who has muted the source is told nothing.

    The content must not change until the end of the transaction, where `told` is called with the seq of the event, if
    there is one, and Conflict is raised if the key was used for another one. Raises Invalid for a key that cannot be
    one.
    """
    check_key(key)
    notice = inbox.CountedBy("notifications", content.badge)
    _wait(transaction, _Waiting(user, "notification", notification_data(content, source), notice, source, key, told))


def emit(
    transaction: Transaction,
    user: int,
    kind: str,
    data: Mapping[str, Any],
    *,
    own_badge: str | None = None,
    told: Callable[[int], None] | None = None,
) -> None:
    """Give the user an event of this kind, as something to see; who has muted the kind is told nothing.

    The data must not change until the end of the transaction, where `told` is called with the event's seq.
    """
    notice = inbox.CountedBy(kind_of(kind).badge, own_badge)
    _wait(transaction, _Waiting(user, kind, data, notice, APPLICATION, None, told))


def _wait(transaction: Transaction, new: _Waiting) -> None:
    waiting: list[_Waiting] | None = transaction.state.get("notices")
    if waiting is None:
        waiting = transaction.state["notices"] = []
        # before the inboxes are stored, whoever has locked them
        transaction.before_commit.insert(0, lambda: _tell(transaction, waiting))
    waiting.append(new)


def _tell(transaction: Transaction, waiting: list[_Waiting]) -> None:
    inbox.lock_more(transaction, {one.user for one in waiting})
    muted = preferences.muted_by(transaction, {one.user for one in waiting})
    for one in waiting:
        is_muted = not muted.get(one.user, set()).isdisjoint(preferences.reasons(one.kind, one.source.id))
        if is_muted and (one.key is None or not one.source.id):
            continue
        data = one.data
        if one.kind == "notification":
            number = _number(transaction, one, is_muted)
            if number is None or is_muted:
                continue
            data = {"id": number, **data}
        seq = inbox.append(transaction, one.user, one.kind, data, notice=one.notice)
        if one.told is not None:
            one.told(seq)


def _number(transaction: Transaction, new: _Waiting, is_muted: bool) -> int | None:
    """The number of a notification, or none where its key says that it was told before. Raises Conflict.

    Also where the system is muted, or it could find out who does so by using a key twice. In place of the seq its row
    then has what tells whether the content is the same.
    """
    now = now_ms()
    values: dict[str, Any] = {
        "user_id": new.user,
        "seq": _digest(new) if is_muted else inbox.seq_of(transaction, new.user) + 1,
        "source_id": new.source.id,
        "key": new.key,
        "at": now,
    }
    while (row := transaction.one(_ADD, **values)) is None:
        stored = transaction.one(_BY_KEY, user=new.user, source=new.source.id, sent_key=new.key)
        if stored is None:  # trimming has just made it free
            continue
        number, seq, at = stored
        if at > now - KEY_LIFE:
            if not _is_same(transaction, new, seq):
                raise Conflict(
                    Text("This key was used for another notification: use a new key for each."),
                    errors={"key": Text("was used for another notification")},
                )
            if is_muted or seq > 0:
                return None  # else it was muted then, and is wanted now
        transaction.run(_FORGET_KEY, number=number)
    found: int = row[0]
    return found


def _is_same(transaction: Transaction, new: _Waiting, seq: int) -> bool:
    """Whether what was told at this seq says the same. Of one that is not kept any more nobody knows better."""
    if seq < 0:
        return seq == _digest(new)
    before = inbox.pending_data(transaction, new.user, seq)
    if before is None:
        stored = inbox.notice(transaction, new.user, seq)
        if stored is None:
            return True
        before = stored.data
    said: dict[str, Any] = msgspec.json.decode(before)
    del said["id"]
    return canonical(said) == canonical(new.data)


def _digest(new: _Waiting) -> int:
    """What is told, as a number below 0."""
    return -1 - int.from_bytes(hashlib.sha256(canonical(new.data)).digest()[:7])


def trim(transaction: Transaction, old: int, most: int) -> int:
    """Forget the numbers and keys of at most `most` notifications from before `old` (ms since 1970), and of none that
    is younger than KEY_LIFE; what they said is in their events. How many it were.
    """
    return transaction.run(_TRIM, old=min(old, now_ms() - KEY_LIFE), most=most)


def sources_of(connection: Connection, user: int) -> set[int]:
    """The systems that have notified the user, or everyone."""
    return {row[0] for row in connection.all(_SOURCES, user=user)}


def count_of(connection: Connection, source: int) -> int:
    """How many notifications this system has sent, of those that `trim` has left: up to MOST_COUNTED, or more."""
    row = connection.one(_COUNT, source=source, most=MOST_COUNTED + 1)
    return row[0] if row else 0
