"""Announcements: what is told to everyone is stored at once, and then given to all inboxes in batches (telling.py)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from .. import inbox
from ..auth.models import users
from ..db import Connection, Transaction, now_ms, rfc3339
from ..errors import Conflict, NotFound, Text
from ..notifications.content import Content, canonical
from ..notifications.models import notifications
from ..notifications.service import APPLICATION, Source, notification_data
from ..statements import Statement, given, statement
from ..systems.models import systems
from ..texts import KEY_LIFE, check_key
from .models import announcements

#: What a system has announced and has not reached everyone: at most so many, so that others' do not wait behind it.
MOST_UNFINISHED = 10


class Announcement(NamedTuple):
    """How an announcement stands."""

    id: int
    kind: str
    source: str | None
    source_name: str | None  # what it calls itself
    by: str | None
    title: str
    body: str
    url: str
    at: int
    reached: int
    total: int
    finished_at: int | None

    def as_json(self) -> dict[str, Any]:
        """What everyone may know of it."""
        return {
            "id": self.id,
            "source": self.source,
            "title": self.title,
            "body": self.body or None,
            "url": self.url or None,
            "at": rfc3339(self.at),
        }

    def progress(self) -> dict[str, Any]:
        """The same, and how far it is."""
        state = "running" if self.finished_at is None else "done"
        finished_at = None if self.finished_at is None else rfc3339(self.finished_at)
        return {
            **self.as_json(),
            "state": state,
            "reached": self.reached,
            "total": self.total,
            "finished_at": finished_at,
        }


class _Stored(NamedTuple):
    """What a key was used for."""

    id: int
    kind: str
    own_badge: str | None
    data: str
    at: int


_SHOWN = (
    announcements.c.id,
    announcements.c.kind,
    systems.c.name,
    systems.c.display_name,
    users.c.name,
    announcements.c.title,
    announcements.c.body,
    announcements.c.url,
    announcements.c.at,
    announcements.c.reached,
    announcements.c.total,
    announcements.c.finished_at,
)
_shown = (
    sa.select(*_SHOWN)
    .join(systems, systems.c.id == announcements.c.source_id, isouter=True)
    .join(users, users.c.id == announcements.c.by_id, isouter=True)
)
_number = sa.bindparam("number", type_=sa.BigInteger)
_ONE = statement(_shown.where(announcements.c.id == _number))
_before = announcements.c.id < sa.bindparam("before", type_=sa.BigInteger)
_newest = announcements.c.id.desc()
_most = sa.bindparam("most", type_=sa.Integer)
_PUBLIC = statement(_shown.where(announcements.c.kind == "announcement", _before).order_by(_newest).limit(_most))
_ALL = statement(_shown.where(_before).order_by(_newest).limit(_most))
_EVERYONE = statement(
    sa.select(sa.func.coalesce(sa.func.max(inbox.inboxes.c.user_id), 0), sa.func.count()).select_from(inbox.inboxes)
)
_ADDED = (
    *("kind", "source_id", "by_id", "title", "body", "url", "data", "own_badge", "key", "at"),
    *("upto", "last", "reached", "total", "claimed_until"),
)
_ADD = Statement(
    lambda insert: (
        insert(announcements)
        .values(given(announcements, *_ADDED))
        .on_conflict_do_nothing(index_elements=["source_id", "key"])
        .returning(announcements.c.id)
    )
)
_SET_DATA = statement(
    sa.update(announcements).where(announcements.c.id == _number).values(data=sa.bindparam("new_data"))
)
_BY_KEY = statement(
    sa.select(
        announcements.c.id,
        announcements.c.kind,
        announcements.c.own_badge,
        announcements.c.data,
        announcements.c.at,
    ).where(announcements.c.source_id == sa.bindparam("source"), announcements.c.key == sa.bindparam("sent_key"))
)
_SOURCES = statement(sa.select(announcements.c.source_id).where(announcements.c.source_id != 0).distinct())
_FORGET_KEY = statement(sa.update(announcements).where(announcements.c.id == _number).values(key=None))
_ADD_NUMBER = statement(
    sa.insert(notifications).values(given(notifications, "seq", "source_id", "at")).returning(notifications.c.id)
)
_COUNT_UNFINISHED = statement(
    sa.select(sa.func.count()).where(
        announcements.c.finished_at.is_(None), announcements.c.source_id == sa.bindparam("source", type_=sa.BigInteger)
    )
)


def create(
    transaction: Transaction,
    content: Content,
    *,
    kind: str = "announcement",
    source: Source = APPLICATION,
    by: int | None = None,
    key: str | None = None,
    left_for: int = 0,
) -> tuple[int, bool]:
    """Store what will be told to everyone who is here by now: its number, and whether it is new.

    For `left_for` ms nobody but its task goes on with it. The same key (one for each source, kept for KEY_LIFE) with
    the same content is the same announcement. Raises Invalid, or Conflict where the key was used for other content.
    """
    check_key(key)
    now = now_ms()
    last, total = transaction.all(_EVERYONE)[0]
    said = _data(content, kind, source)
    values = dict(
        kind=kind,
        source_id=source.id,
        by_id=by,
        title=content.title,
        body=content.body,
        url=content.url,
        data="",
        own_badge=content.badge,
        key=key,
        at=now,
        upto=0,
        last=last,
        reached=0,
        total=total,
        claimed_until=now + left_for if left_for else 0,
    )
    while (row := transaction.one(_ADD, **values)) is None:
        before = _stored_by_key(transaction, content, kind, said, source, key)
        if before is not None:
            return before, False
    number = row[0]
    shared = number
    if kind == "notification":  # these have numbers of their own
        [[shared]] = transaction.all(_ADD_NUMBER, seq=0, source_id=source.id, at=now)
    transaction.run(_SET_DATA, number=number, new_data=msgspec.json.encode({"id": shared, **said}).decode())
    return number, True


def _stored_by_key(
    transaction: Transaction, content: Content, kind: str, said: Mapping[str, Any], source: Source, key: str | None
) -> int | None:
    """The number of what this key was used for; none where that is so long ago that it is free from now on. Raises
    Conflict.
    """
    row = transaction.one(_BY_KEY, source=source.id, sent_key=key)
    if row is None:  # somebody else has just made it free
        return None
    stored = _Stored(*row)
    if stored.at <= now_ms() - KEY_LIFE:
        transaction.run(_FORGET_KEY, number=stored.id)
        return None
    is_same = (stored.kind, stored.own_badge) == (kind, content.badge) and _is_same(stored.data, said)
    if not is_same:
        raise Conflict(
            Text("This key was used for another announcement: use a new key for each."),
            errors={"key": Text("was used for another announcement")},
        )
    return stored.id


def _data(content: Content, kind: str, source: Source) -> dict[str, Any]:
    """What all its events carry, but for the number."""
    data = notification_data(content, source)
    return data if kind == "notification" else {name: data[name] for name in ("source", "title", "body", "url")}


def _is_same(stored: str, said: Mapping[str, Any]) -> bool:
    """Whether what is stored, with its number, says this."""
    return canonical({**msgspec.json.decode(stored), "id": 0}) == canonical({**said, "id": 0})


def has_too_many(connection: Connection, source: Source) -> bool:
    """Whether more than MOST_UNFINISHED of what the system has announced are on their way."""
    count: int = connection.all(_COUNT_UNFINISHED, source=source.id)[0][0]
    return count > MOST_UNFINISHED


def by_number(connection: Connection, number: int) -> Announcement:
    """Raises NotFound."""
    row = connection.one(_ONE, number=number)
    if row is None:
        raise unknown(number)
    return _announcement(row)


def unknown(number: int | str) -> NotFound:
    """There is none of this number, or none of which the caller may know."""
    return NotFound(Text("There is no announcement %(number)s.", number=number))


def listed(connection: Connection, before: int, limit: int, *, notifications_too: bool = False) -> list[Announcement]:
    """Newest first, with a number below `before`; with `notifications_too` also what systems told everyone."""
    what = _ALL if notifications_too else _PUBLIC
    return [_announcement(row) for row in connection.all(what, before=before, most=limit)]


def sources(connection: Connection) -> set[int]:
    """The systems that have announced anything."""
    return {row[0] for row in connection.all(_SOURCES)}


def new_key() -> str:
    """For a form: its second submit is the same announcement."""
    return secrets.token_urlsafe(16)


def _announcement(row: Sequence[Any]) -> Announcement:
    return Announcement(*row)
