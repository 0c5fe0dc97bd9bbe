"""Reporting people, what they wrote to one, and their posts, to the administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from .. import inbox
from ..auth.models import users
from ..auth.people import COLUMNS, Person, by_name
from ..db import Connection, Row, Transaction, now_ms, rfc3339
from ..errors import Invalid, NotFound, Text
from ..messages.models import messages
from ..notifications import service as notices
from ..notifications.content import Content
from ..notifications.kinds import REPORTS
from ..posts.models import posts
from ..statements import given, statement
from ..texts import is_text
from .models import reports

#: Of a reason, in code points.
LONGEST_REASON = 1000
#: What counts, with each administrator, that there are new ones: one notification until it is seen, however many come.
BADGE = "reports"


class Subject(NamedTuple):
    """What a report is about: somebody, and perhaps a message or post of theirs with its content as it stands."""

    person: Person
    message: int | None = None
    post: int | None = None
    content: str = ""


class OpenReport(NamedTuple):
    """A report that nobody has dealt with. `content` is as it was when it was reported."""

    id: int
    by: Person
    about: Person
    message: int | None
    post: int | None
    content: str
    reason: str
    at: str


_number = sa.bindparam("number", type_=sa.BigInteger)
_MESSAGE = statement(
    sa.select(*COLUMNS, messages.c.body)
    .join(users, users.c.id == messages.c.from_id)
    .where(messages.c.id == _number, messages.c.to_id == sa.bindparam("me"), messages.c.deleted_at.is_(None))
)
_POST = statement(
    sa.select(*COLUMNS, posts.c.body)
    .join(users, users.c.id == posts.c.author_id)
    .where(posts.c.id == _number, posts.c.deleted_at.is_(None))
)
_ADMINISTRATORS = statement(sa.select(users.c.id).where(users.c.is_admin == sa.true()).order_by(users.c.id))


def _same(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Whether it is what is asked for, and NULL is NULL."""
    return column.is_not_distinct_from(sa.bindparam(column.name, type_=column.type))


_is_open = reports.c.closed_at.is_(None)
_OPEN_BY = statement(
    sa.select(reports.c.id, reports.c.reason, reports.c.at).where(
        _is_open, *(_same(reports.c[name]) for name in ("by_id", "about_id", "message_id", "post_id"))
    )
)
_INSERT = statement(
    sa.insert(reports)
    .values(given(reports, "by_id", "about_id", "message_id", "post_id", "content", "reason", "at"))
    .returning(reports.c.id)
)
_by, _about = users.alias(), users.alias()
_LISTED = statement(
    sa.select(
        reports.c.id,
        *(person.c[column.name] for person in (_by, _about) for column in COLUMNS),
        *(reports.c.message_id, reports.c.post_id, reports.c.content, reports.c.reason, reports.c.at),
    )
    .join(_by, _by.c.id == reports.c.by_id)
    .join(_about, _about.c.id == reports.c.about_id)
    .where(_is_open, reports.c.id < sa.bindparam("before"))
    .order_by(reports.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_COUNT = statement(sa.select(sa.func.count()).where(_is_open))
_CLOSE = statement(
    sa.update(reports)
    .where(reports.c.id == _number, _is_open)
    .values(closed_at=sa.bindparam("now"), closed_by=sa.bindparam("who"))
)
_ONE = statement(sa.select(reports.c.id).where(reports.c.id == _number))
_events = inbox.events
_UNSEEN = statement(
    sa.select(_events.c.seq, _events.c.data)
    .with_hint(_events, "INDEXED BY ix_events_unseen", "sqlite")
    .where(
        _events.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        _events.c.seen == sa.false(),
        _events.c.own_badge == sa.literal_column(f"'{BADGE}'"),
    )
)


def subject(connection: Connection, me: int, user: str | None, message: int | None, post: int | None) -> Subject:
    """What is to be reported. Raises NotFound, also for a message that was not written to one and for what is deleted,
    and Invalid for oneself, for a message or post that is not this user's, and for a message and a post at once.
    """
    if message is not None and post is not None:
        raise Invalid("post", Text("cannot be reported together with a message; report one by one"))
    person = None if user is None else by_name(connection, user)
    if message is not None:
        row = connection.one(_MESSAGE, number=message, me=me)
        if row is None:
            raise NotFound(Text("Nobody has written you a message %(number)d that is still there.", number=message))
        found = Subject(Person(*row[:-1]), message=message, content=row[-1])
    elif post is not None:
        row = connection.one(_POST, number=post)
        if row is None:
            raise NotFound(Text("There is no post %(number)d.", number=post))
        found = Subject(Person(*row[:-1]), post=post, content=row[-1])
    elif person is None:
        raise Invalid("user", Text("is missing"))
    else:
        found = Subject(person)
    if person is not None and person.id != found.person.id:
        raise Invalid("user", Text("has not written that; name who has"))
    if found.person.id == me:
        raise Invalid("user", Text("is yourself; report somebody else"))
    return found


def check_reason(reason: str) -> None:
    """Raises Invalid."""
    if not reason.strip():
        raise Invalid("reason", Text("is empty or blank; write something"))
    if len(reason) > LONGEST_REASON:
        problem = Text("has %(count)d characters; write at most %(most)d", count=len(reason), most=LONGEST_REASON)
        raise Invalid("reason", problem)
    if not is_text(reason):
        raise Invalid("reason", Text("has a NUL character or a lone surrogate; leave it out"))


def report(transaction: Transaction, me: int, about: Subject, reason: str) -> tuple[dict[str, Any], bool]:
    """Have the administrators look at it; the report as JSON, and whether this call stored it: while one's report of
    the same thing is open, it stays as it is.

    Raises Invalid for a reason that cannot be one.
    """
    check_reason(reason)
    administrators = [row[0] for row in transaction.all(_ADMINISTRATORS)]
    inbox.lock(transaction, {me, *administrators})
    what = {"by_id": me, "about_id": about.person.id, "message_id": about.message, "post_id": about.post}
    before = transaction.one(_OPEN_BY, **what)
    if before is not None:
        return _as_json(about, *before), False
    at = now_ms()
    row = transaction.one(_INSERT, **what, content=about.content, reason=reason, at=at)
    assert row is not None
    for user in administrators:
        if not _told(transaction, user):
            notices.notify(transaction, user, Content("There are new reports", url=REPORTS, badge=BADGE))
    return _as_json(about, row[0], reason, at), True


def _told(transaction: Transaction, administrator: int) -> list[int]:
    """Where in the inbox, which is locked, what told of reports is not seen; another system may use the badge too."""
    if not inbox.badges_of(transaction, administrator).get(BADGE):
        return []
    found = ((seq, msgspec.json.decode(data)) for seq, data in transaction.all(_UNSEEN, user=administrator))
    return [seq for seq, data in found if data.get("source") is None and data.get("url") == REPORTS]


def _as_json(about: Subject, number: int, reason: str, at: int) -> dict[str, Any]:
    said: Mapping[str, Any] = {"user": about.person.name, "message": about.message, "post": about.post}
    return {"id": number, **said, "reason": reason, "at": rfc3339(at)}


def count(connection: Connection) -> int:
    """How many are open."""
    row = connection.one(_COUNT)
    return row[0] if row else 0


def listed(connection: Connection, before: int, limit: int) -> tuple[list[OpenReport], bool]:
    """At most `limit` of the open ones with an id below `before`, newest first, and whether there are older ones."""
    rows = connection.all(_LISTED, before=before, most=limit + 1)
    return [_opened(row) for row in rows[:limit]], len(rows) > limit


def _opened(row: Row) -> OpenReport:
    size = len(COLUMNS)
    message, post, content, reason, at = row[1 + 2 * size :]
    by, about = Person(*row[1 : 1 + size]), Person(*row[1 + size : 1 + 2 * size])
    return OpenReport(row[0], by, about, message, post, content, reason, rfc3339(at))


def close(transaction: Transaction, me: int, number: int) -> None:
    """It is dealt with; what told this administrator of new ones is seen. Closing it twice changes nothing. Raises
    NotFound.
    """
    inbox.lock(transaction, (me,))
    inbox.mark_some_seen(transaction, me, _told(transaction, me))
    if not transaction.run(_CLOSE, number=number, now=now_ms(), who=me) and not transaction.one(_ONE, number=number):
        raise unknown(number)


def unknown(number: object) -> NotFound:
    return NotFound(Text("There is no report %(number)s.", number=str(number)))
