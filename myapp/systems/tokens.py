"""Tokens of other systems: what they allow, until when, and who stands behind one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..db import Connection, Transaction, now_ms, rfc3339
from ..errors import Conflict, Invalid, NotFound, Text
from ..statements import given, statement
from ..tokens import check_label, digest
from .models import system_tokens, systems

#: What tells a system's token from a user's.
PREFIX = "system_"

#: What a token may allow: to notify users, to announce to everyone, to make users of the system's own, to let those
#: follow their inboxes, and to work on tasks.
SCOPES = ("notify", "announce", "users", "tickets", "tasks")

#: How long a token that was rotated goes on beside the new one, in ms.
ROTATION = 24 * 3600 * 1000
#: The longest life of a token, in days.
MOST_DAYS = 3650
DAY = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class System:
    """Another system that is asking, and what its token allows."""

    id: int
    name: str
    display_name: str
    most_per_minute: int
    token_id: int
    scopes: frozenset[str]
    touched_at: int


@dataclass(frozen=True, slots=True)
class EndedAll:
    """News for the workers: whatever was granted by this token is no more."""

    grant: str


#: Of a token and its system: whether it counts at `now`.
IS_IN_FORCE = sa.and_(
    systems.c.suspended_at.is_(None),
    sa.or_(system_tokens.c.expires_at.is_(None), system_tokens.c.expires_at > sa.bindparam("now", type_=sa.BigInteger)),
)
_BY_TOKEN = statement(
    sa.select(
        systems.c.id,
        systems.c.name,
        systems.c.display_name,
        systems.c.most_per_minute,
        system_tokens.c.id,
        system_tokens.c.scopes,
        sa.func.coalesce(system_tokens.c.last_used_at, 0),
    )
    .join(systems, systems.c.id == system_tokens.c.system_id)
    .where(system_tokens.c.token_hash == sa.bindparam("token_hash"), IS_IN_FORCE)
)
_IN_FORCE = statement(
    sa.select(system_tokens.c.id).join(systems, systems.c.id == system_tokens.c.system_id).where(IS_IN_FORCE)
)
_ADD = statement(
    sa.insert(system_tokens)
    .values(given(system_tokens, "system_id", "token_hash", "label", "scopes", "created_at", "expires_at"))
    .returning(system_tokens.c.id)
)
_TOKEN = (
    system_tokens.c.id,
    system_tokens.c.label,
    system_tokens.c.scopes,
    system_tokens.c.created_at,
    system_tokens.c.expires_at,
    system_tokens.c.last_used_at,
    system_tokens.c.rotated_at,
)
_TOKENS = statement(
    sa.select(*_TOKEN).where(system_tokens.c.system_id == sa.bindparam("system")).order_by(system_tokens.c.id.desc())
)
_is_this = sa.and_(system_tokens.c.system_id == sa.bindparam("system"), system_tokens.c.id == sa.bindparam("number"))
_ONE = statement(sa.select(system_tokens.c.id).where(_is_this))
_END = statement(sa.delete(system_tokens).where(_is_this).returning(system_tokens.c.id))
_ROTATE = statement(
    sa.update(system_tokens)
    .where(_is_this, system_tokens.c.rotated_at.is_(None))
    .values(rotated_at=sa.bindparam("now", type_=sa.BigInteger))
    .returning(system_tokens.c.label, system_tokens.c.scopes, system_tokens.c.expires_at - system_tokens.c.created_at)
)
_EXPIRE = statement(
    sa.update(system_tokens)
    .where(
        _is_this,
        sa.or_(
            system_tokens.c.expires_at.is_(None),
            system_tokens.c.expires_at > sa.bindparam("until", type_=sa.BigInteger),
        ),
    )
    .values(expires_at=sa.bindparam("until", type_=sa.BigInteger))
)
_TOUCH = statement(
    sa.update(system_tokens)
    .where(system_tokens.c.id == sa.bindparam("number"))
    .values(last_used_at=sa.bindparam("now"))
)


def by_token(connection: Connection, token: str) -> System | None:
    """Whose token this is, if it is in force."""
    row = connection.one(_BY_TOKEN, token_hash=digest(token), now=now_ms())
    if row is None:
        return None
    number, name, display_name, most, token_id, scopes, touched_at = row
    return System(number, name, display_name, most, token_id, frozenset(scopes.split()), touched_at)


def in_force(connection: Connection, numbers: Set[int]) -> set[int]:
    """Those of these tokens that count. Systems have few: all are looked at."""
    return {row[0] for row in connection.all(_IN_FORCE, now=now_ms())}.intersection(numbers) if numbers else set()


def create(
    transaction: Transaction, system: int, label: str, scopes: Iterable[str], days: int | None = None
) -> dict[str, Any]:
    """A new token, good for so many days, or for ever; its text is in the answer and nowhere else. Raises Invalid."""
    wanted = set(scopes)
    if not wanted or not wanted <= set(SCOPES):
        raise Invalid("scopes", Text("choose some of %(names)s", names=", ".join(SCOPES)))
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise Invalid("days", Text("give a whole number from %(low)d to %(high)d", low=1, high=MOST_DAYS))
    check_label(label)
    now = now_ms()
    expires_at = None if days is None else now + days * DAY
    return _make(transaction, system, label, " ".join(name for name in SCOPES if name in wanted), now, expires_at)


def _make(
    transaction: Transaction, system: int, label: str, scopes: str, now: int, expires_at: int | None
) -> dict[str, Any]:
    token = PREFIX + secrets.token_urlsafe(30)
    row = transaction.one(
        _ADD,
        system_id=system,
        token_hash=digest(token),
        label=label,
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
    )
    assert row is not None
    return {"token": token, **as_json((row[0], label, scopes, now, expires_at, None, None))}


def rotate(transaction: Transaction, system: int, number: int) -> dict[str, Any]:
    """A new token like this one, with as long a life; this one ends within ROTATION.

    Raises NotFound, and Conflict where that was done before, also when the new one is no more: how long a life this one
    had nobody knows any more.
    """
    now = now_ms()
    row = transaction.one(_ROTATE, system=system, number=number, now=now)
    if row is None:
        if transaction.one(_ONE, system=system, number=number) is None:
            raise unknown(number)
        raise Conflict(Text("This token was rotated before: rotate the new one, or make another."))
    label, scopes, life = row
    transaction.run(_EXPIRE, system=system, number=number, until=now + ROTATION)
    return _make(transaction, system, label, scopes, now, life and now + life)


def revoke(transaction: Transaction, system: int, number: int) -> None:
    """It ends at once, and with it the tickets that were issued by it. Raises NotFound."""
    if not transaction.all(_END, system=system, number=number):
        raise unknown(number)
    transaction.news.append(EndedAll(grant_of(number)))


def listed(connection: Connection, system: int) -> list[dict[str, Any]]:
    """The system's tokens, newest first."""
    return [as_json(row) for row in connection.all(_TOKENS, system=system)]


def touch(transaction: Transaction, system: System) -> None:
    """Note that the token is in use."""
    transaction.run(_TOUCH, number=system.token_id, now=now_ms())


def grant_of(token: int, user: int | None = None) -> str:
    """By what a user of the system follows with a ticket; without a user, how all of them by this token begin."""
    return f"system:{token}:{'' if user is None else user}"


def as_json(row: Sequence[Any]) -> dict[str, Any]:
    number, label, scopes, created_at, expires_at, last_used_at, rotated_at = row
    return {
        "id": number,
        "label": label,
        "scopes": scopes.split(),
        "created_at": rfc3339(created_at),
        "expires_at": None if expires_at is None else rfc3339(expires_at),
        "last_used_at": None if last_used_at is None else rfc3339(last_used_at),
        "is_expired": expires_at is not None and expires_at <= now_ms(),
        "is_rotated": rotated_at is not None,
    }


def unknown(number: int | str) -> NotFound:
    return NotFound(Text("The system has no token %(number)s.", number=number))
