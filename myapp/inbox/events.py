"""Appending to inboxes and reading them.

The promise: within one inbox seq is 1, 2, 3, ... without holes; order of seq is order of commit; and an event is stored
in the same transaction as what it tells of. It holds because the inbox's row is locked before its seq is read and stays
locked until COMMIT (SQLite: BEGIN IMMEDIATE; PostgreSQL: SELECT ... FOR UPDATE, in order of user id).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ..db import Connection, Row, Transaction, now_ms, rfc3339
from ..statements import Statement, given, many, statement
from . import badges as badge
from .badges import Badges
from .models import events, facts, inboxes

#: A page ends at this many bytes of events or at its limit of events, whichever comes first.
PAGE_BYTES = 64 * 1024
PAGE_EVENTS = 100


class CountedBy(NamedTuple):
    """Until it is seen a notice is counted by these badges: that of its kind and one of its own."""

    badge: str | None
    own_badge: str | None = None

    @property
    def badges(self) -> set[str]:
        """The names of both."""
        return {name for name in self if name}


class Event(NamedTuple):
    """One event: its seq and its JSON text as clients get it."""

    seq: int
    text: str


class Head(NamedTuple):
    """Where an inbox stands. `badges` is a JSON object's text and belongs to `seq`."""

    epoch: str
    seq: int
    trimmed: int
    badges: str

    def as_page(self) -> dict[str, Any]:
        """Where a page's data stands, and the badges there, for its template."""
        return {"seq": self.seq, "epoch": self.epoch, "badges": badge.parse(self.badges)}


class Page(NamedTuple):
    """What follows a cursor. `seq` is the last event's (or the cursor), `latest` the inbox's, where `badges` stand.

    With `reset` the cursor means nothing here: there are no events and `seq` is `latest`.
    """

    epoch: str
    events: list[Event]
    seq: int
    latest: int
    badges: str
    reset: bool


class Appended(NamedTuple):
    """What a transaction added to one inbox: events from `first` to `latest`, and the badges after them.

    Their seqs mean something in this `epoch` only.
    """

    user: int
    first: int
    latest: int
    texts: tuple[str, ...]
    badges: str
    epoch: str


class _Open:
    """An inbox whose row this transaction holds."""

    __slots__ = ("badges", "epoch", "first", "notices", "rows", "seq", "texts")

    def __init__(self, seq: int, badges: Badges, epoch: str) -> None:
        self.epoch = epoch
        self.seq = seq
        self.first = seq + 1
        self.badges = badges
        self.rows: list[dict[str, Any]] = []
        self.notices: list[dict[str, Any]] = []
        self.texts: list[str] = []


_EVENT = ("user_id", "seq", "kind", "at", "data")

_CREATE = statement(
    sa.insert(inboxes).values(user_id=sa.bindparam("user"), seq=0, badges=sa.bindparam("badges"), trimmed=0)
)
_epoch = sa.select(facts.c.value).where(facts.c.name == "epoch").scalar_subquery()
#: What `hold` needs of each inbox that is locked.
HELD = (inboxes.c.user_id, inboxes.c.seq, inboxes.c.badges, _epoch)
_LOCK_ONE = statement(sa.select(*HELD).where(inboxes.c.user_id == sa.bindparam("a")).with_for_update())
_LOCK_ONE_AT_ONCE = statement(
    sa.select(*HELD).where(inboxes.c.user_id == sa.bindparam("a")).with_for_update(nowait=True)
)
_LOCK_TWO = statement(
    sa.select(*HELD)
    .where(inboxes.c.user_id.in_([sa.bindparam("a"), sa.bindparam("b")]))
    .order_by(inboxes.c.user_id)
    .with_for_update()
)
#: The ids as an array's text.
_ids = sa.cast(sa.bindparam("ids", type_=sa.Text), postgresql.ARRAY(sa.BigInteger))
_LOCK_MANY = statement(
    sa.select(*HELD).where(inboxes.c.user_id == sa.func.any(_ids)).order_by(inboxes.c.user_id).with_for_update()
)
_INSERT = statement(sa.insert(events).values(given(events, *_EVENT)))
_INSERT_NOTICE = statement(sa.insert(events).values(given(events, *_EVENT, "seen", "badge", "own_badge")))
_INSERT_MANY = many(events, *_EVENT)
_INSERT_NOTICES = many(events, *_EVENT, "seen", "badge", "own_badge")
_INSERT_TWO = statement(sa.insert(events).values([given(events, *_EVENT), given(events, *_EVENT, prefix="b_")]))
_user, _b_user, _seq, _b_seq = (
    sa.bindparam(name, type_=sa.BigInteger) for name in ("user", "b_user", "new_seq", "b_new_seq")
)
_badges, _b_badges = (sa.bindparam(name, type_=sa.Text) for name in ("new_badges", "b_new_badges"))
_is_first = inboxes.c.user_id == _user
_ADVANCE = statement(sa.update(inboxes).where(_is_first).values(seq=_seq, badges=_badges))
_ADVANCE_TWO = statement(
    sa.update(inboxes)
    .where(inboxes.c.user_id.in_([_user, _b_user]))
    .values(seq=sa.case((_is_first, _seq), else_=_b_seq), badges=sa.case((_is_first, _badges), else_=_b_badges))
)
_HEAD = statement(
    sa.select(
        _epoch,
        inboxes.c.seq,
        inboxes.c.trimmed,
        inboxes.c.badges,
    ).where(inboxes.c.user_id == sa.bindparam("user"))
)
_AFTER = statement(
    sa.select(events.c.seq, events.c.kind, events.c.at, events.c.data)
    .where(
        events.c.user_id == sa.bindparam("user"),
        events.c.seq > sa.bindparam("after"),
        events.c.seq <= sa.bindparam("upto"),
    )
    .order_by(events.c.seq)
    .limit(sa.bindparam("most", type_=sa.Integer))
)

_encode = msgspec.json.Encoder().encode


def create(transaction: Transaction, user: int) -> None:
    """A new user's empty inbox."""
    transaction.run(_CREATE, user=user, badges=badge.NONE)


def lock(transaction: Transaction, users: Iterable[int]) -> None:
    """Lock these inboxes, in order of user id, before anything else is written in this transaction.

    One call names all inboxes of the transaction: a second call with new ones could meet another transaction that came
    the other way round, and raises RuntimeError. Raises LookupError where there is no such inbox.
    """
    ids = sorted(set(users))
    held = transaction.state.get("inboxes")
    if held:
        if all(user in held for user in ids):
            return
        raise RuntimeError("lock all inboxes of a transaction in one call")
    hold(transaction, _lock_in_order(transaction, ids))
    _check_held(transaction, ids)


def lock_more(transaction: Transaction, users: Iterable[int]) -> None:
    """Lock these inboxes too, in a transaction that may hold others already.

    What lies behind those is waited for, as it keeps to the order. What lies before them is not: where another
    transaction has it, this one fails at once (by one of db.NOT_NOW, answered with 503) and can be tried again, or two
    could wait for each other. Raises LookupError where there is no such inbox.
    """
    held: dict[int, _Open] = transaction.state.setdefault("inboxes", {})
    highest = max(held, default=0)
    ids = sorted(user for user in set(users) if user not in held)
    rows = [row for user in ids if user < highest for row in transaction.all(_LOCK_ONE_AT_ONCE, a=user)]
    rows += _lock_in_order(transaction, [user for user in ids if user > highest])
    if held:
        held.update(_opened(rows))
    else:
        hold(transaction, rows)
    _check_held(transaction, ids)


def _lock_in_order(transaction: Transaction, ids: Sequence[int]) -> list[Row]:
    """Lock these, which are sorted: HELD of each that there is. On PostgreSQL in one statement, however many."""
    if len(ids) == 2:
        return transaction.all(_LOCK_TWO, a=ids[0], b=ids[1])
    if len(ids) < 2 or transaction.dialect == "sqlite":
        return [row for user in ids for row in transaction.all(_LOCK_ONE, a=user)]
    return transaction.all(_LOCK_MANY, ids="{" + ",".join(map(str, ids)) + "}")


def _check_held(transaction: Transaction, ids: Iterable[int]) -> None:
    held = transaction.state["inboxes"]
    missing = [user for user in ids if user not in held]
    if missing:
        raise LookupError(f"no inbox for user id {missing}")


def hold(transaction: Transaction, rows: Iterable[tuple[int, int, str, str]]) -> None:
    """What `lock` does with the inboxes it has locked, for who locks them in a statement of its own: HELD of each, FOR
    UPDATE, in order of user id.

    Raises RuntimeError where the transaction has inboxes already.
    """
    if transaction.state.get("inboxes"):
        raise RuntimeError("lock all inboxes of a transaction in one call")
    held = transaction.state["inboxes"] = _opened(rows)
    transaction.before_commit.append(lambda: _store(transaction, held))


def _opened(rows: Iterable[tuple[int, int, str, str]]) -> dict[int, _Open]:
    return {user: _Open(seq, badge.parse(badges), epoch) for user, seq, badges, epoch in rows}


def append(
    transaction: Transaction,
    user: int,
    kind: str,
    data: Mapping[str, Any],
    *,
    badges: Mapping[str, int] | None = None,
    at: int | None = None,
    notice: CountedBy | None = None,
) -> int:
    """Add one event to a locked inbox and say its seq. `badges` are changes by name, `at` is in ms since 1970.

    With `notice` it is something to be seen, and counted until then. It is stored, and after the commit published,
    together with whatever else the transaction does, or not at all. Raises KeyError when the inbox was not locked.
    """
    inbox: _Open = transaction.state["inboxes"][user]
    if notice is not None:
        notice = _with_room(notice, inbox.badges)
    inbox.seq += 1
    for name, change in (badges or {}).items():
        inbox.badges[name] = inbox.badges.get(name, 0) + change
    at = now_ms() if at is None else at
    text = _encode(data).decode()
    row: dict[str, Any] = {"user_id": user, "seq": inbox.seq, "kind": kind, "at": at, "data": text}
    if notice is None:
        inbox.rows.append(row)
    else:
        for name in notice.badges:
            inbox.badges[name] = inbox.badges.get(name, 0) + 1
        inbox.notices.append({**row, "seen": False, "badge": notice.badge, "own_badge": notice.own_badge})
    inbox.texts.append(_text(inbox.seq, kind, at, text))
    return inbox.seq


def _with_room(notice: CountedBy, badges: Badges) -> CountedBy:
    """The notice, counted by names for which there is room: what is told must not fail for the sake of a count."""
    for fitting in (notice, notice._replace(own_badge=None)):
        if badge.make_room(badges, fitting.badges):
            return fitting
    return CountedBy(None)


def badges_of(transaction: Transaction, user: int) -> Badges:
    """The badges of a locked inbox, with this transaction's changes."""
    inbox: _Open = transaction.state["inboxes"][user]
    return inbox.badges


def seq_of(transaction: Transaction, user: int) -> int:
    """The last seq of a locked inbox, with this transaction's events."""
    inbox: _Open = transaction.state["inboxes"][user]
    return inbox.seq


def pending(transaction: Transaction, user: int) -> int:
    """How many events this transaction has appended to the inbox, locked or not; they are stored just before COMMIT."""
    inbox: _Open | None = transaction.state.get("inboxes", {}).get(user)
    return 0 if inbox is None else len(inbox.texts)


def pending_data(transaction: Transaction, user: int, seq: int) -> str | None:
    """The data of a notice at this seq that this transaction has appended and not stored yet."""
    row = pending_notice(transaction, user, seq)
    return None if row is None else str(row["data"])


def pending_notice(transaction: Transaction, user: int, seq: int) -> dict[str, Any] | None:
    """The row of a notice at this seq that this transaction has appended and not stored yet; it may be changed."""
    inbox: _Open = transaction.state["inboxes"][user]
    if seq < inbox.first:
        return None
    return next((row for row in reversed(inbox.notices) if row["seq"] == seq), None)


def head(connection: Connection, user: int) -> Head:
    """Where the inbox stands now. Raises LookupError where there is none."""
    row = connection.one(_HEAD, user=user)
    if row is None:
        raise LookupError(f"no inbox for user id {user}")
    return Head(*row)


def heads(connection: Connection, users: Iterable[int]) -> dict[int, int]:
    """The last seq of each of these inboxes, in one query; at most 1,000 at a time."""
    ids = ",".join(str(int(user)) for user in users)
    sql = f"SELECT user_id, seq FROM inboxes WHERE user_id IN ({ids})"  # whole numbers only
    rows: list[tuple[int, int]] = connection.driver.execute(sql).fetchall() if ids else []
    return dict(rows)


def after(connection: Connection, user: int, cursor: int, *, epoch: str = "", limit: int = PAGE_EVENTS) -> Page:
    """What follows `cursor` in order, at most `limit` events or PAGE_BYTES (one event always fits).

    `epoch` is what the client says it stands in; empty means it does not say. The head is read before the events and
    they are cut to it, so events, badges and `latest` agree without a transaction.
    """
    now = head(connection, user)
    if (epoch and epoch != now.epoch) or cursor > now.seq or cursor < now.trimmed:
        return Page(now.epoch, [], now.seq, now.seq, now.badges, True)
    if cursor == now.seq:
        return Page(now.epoch, [], cursor, now.seq, now.badges, False)
    found = connection.all(_AFTER, user=user, after=cursor, upto=now.seq, most=limit)
    if not found or found[-1][0] - cursor != len(found):  # has it been trimmed since the head was read?
        now = head(connection, user)
        if cursor < now.trimmed:
            return Page(now.epoch, [], now.seq, now.seq, now.badges, True)
    page: list[Event] = []
    size = 0
    for seq, kind, at, data in found:
        text = _text(seq, kind, at, data)
        size += len(text.encode())
        if page and size > PAGE_BYTES:
            break
        page.append(Event(seq, text))
    return Page(now.epoch, page, page[-1].seq if page else cursor, now.seq, now.badges, False)


def _text(seq: int, kind: str, at: int, data: str) -> str:
    return f'{{"seq":{seq},{rest_of(kind, at, data)}'


def rest_of(kind: str, at: int, data: str) -> str:
    """An event's text behind its seq."""
    return f'"kind":"{kind}","at":"{rfc3339(at)}","data":{data}}}'


def _store(transaction: Transaction, held: dict[int, _Open]) -> None:
    """Write all appended events and advance the inboxes, just before COMMIT."""
    rows = [row for inbox in held.values() for row in inbox.rows]
    moved: list[dict[str, Any]] = [
        {"user": user, "new_seq": inbox.seq, "new_badges": badge.render(inbox.badges)}
        for user, inbox in held.items()
        if inbox.texts
    ]
    notices = [row for inbox in held.values() for row in inbox.notices]
    if len(rows) > 2:
        transaction.queue_many(_INSERT_MANY, rows)
    else:
        _in_twos(transaction, rows, _INSERT, _INSERT_TWO)
    if len(notices) == 1:
        transaction.queue(_INSERT_NOTICE, **notices[0])
    else:
        transaction.queue_many(_INSERT_NOTICES, notices)
    _in_twos(transaction, moved, _ADVANCE, _ADVANCE_TWO)
    for new in moved:
        user, inbox = new["user"], held[new["user"]]
        texts = tuple(inbox.texts)
        transaction.news.append(Appended(user, inbox.first, inbox.seq, texts, new["new_badges"], inbox.epoch))


def _in_twos(transaction: Transaction, rows: list[dict[str, Any]], one: Statement, two: Statement) -> None:
    """Each row by a statement for `one`, or for `two` of them: one for each side is what happens most."""
    for a, b in zip(rows[::2], rows[1::2], strict=False):
        transaction.queue(two, **a, **{f"b_{name}": value for name, value in b.items()})
    if len(rows) % 2:
        transaction.queue(one, **rows[-1])
