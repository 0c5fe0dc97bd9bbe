"""What happens to people, their sessions and their tokens.

A session's cookie, a token and a ticket are secrets; the database keeps only their SHA-256.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ..db import Connection, Transaction, now_ms, rfc3339
from ..errors import Invalid, NotFound, Text
from ..statements import given, statement
from ..systems.models import system_tokens, systems
from ..systems.names import kept_for
from ..systems.tokens import IS_IN_FORCE
from ..systems.tokens import in_force as system_tokens_in_force
from ..texts import is_text
from ..tokens import check_label, digest
from . import people
from .models import sessions, tokens, users
from .passwords import LONGEST, SHORTEST, hash_password

#: A session that was not used for so long has ended, in ms.
SESSION_LIFE = 30 * 24 * 3600 * 1000
#: Use is noted at most so often, in ms: it costs a write.
TOUCH_EVERY = 10 * 60 * 1000
#: How long a ticket is good, in seconds.
TICKET_LIFE = 600
#: For so long, in seconds, a ticket that a system has issued for one of its users renews itself.
SYSTEM_TICKET_LIFE = 24 * 3600


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking, and by what: `grant` is `session:7` or `token:7`, what ends when that session or token does; or
    as `by_grant` has it of a system's user.
    """

    id: int
    name: str
    display_name: str
    is_admin: bool
    grant: str
    touched_at: int
    via: str  # session, token or ticket
    picture: str | None
    language: str | None

    # what flask-login asks of a user
    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def avatar(self) -> str:
        return people.avatar(self.name, self.display_name, self.picture)

    @property
    def person(self) -> people.Person:
        """Whom others see."""
        return people.Person(self.id, self.name, self.display_name, self.picture)


@dataclass(frozen=True, slots=True)
class Ended:
    """News for the workers: this session or token is no more; whoever waits by it is closed with 4401."""

    user: int
    grant: str


_WHO = (users.c.id, users.c.name, users.c.display_name, users.c.is_admin, users.c.picture, users.c.language)
_BY_SESSION_KEY = statement(
    sa.select(*_WHO, sessions.c.id, sessions.c.last_seen_at)
    .join(sessions, sessions.c.user_id == users.c.id)
    .where(sessions.c.key_hash == sa.bindparam("key_hash"), sessions.c.last_seen_at > sa.bindparam("oldest"))
)
_BY_SESSION_ID = statement(
    sa.select(*_WHO, sessions.c.id, sessions.c.last_seen_at)
    .join(sessions, sessions.c.user_id == users.c.id)
    .where(sessions.c.id == sa.bindparam("number"), sessions.c.last_seen_at > sa.bindparam("oldest"))
)
_BY_TOKEN = statement(
    sa.select(*_WHO, tokens.c.id, sa.func.coalesce(tokens.c.last_used_at, 0))
    .join(tokens, tokens.c.user_id == users.c.id)
    .where(tokens.c.token_hash == sa.bindparam("token_hash"))
)
_BY_TOKEN_ID = statement(
    sa.select(*_WHO, tokens.c.id, sa.func.coalesce(tokens.c.last_used_at, 0))
    .join(tokens, tokens.c.user_id == users.c.id)
    .where(tokens.c.id == sa.bindparam("number"))
)
#: A user of another system, let in by a ticket: for as long as the token by which it was issued is in force.
_BY_SYSTEM_TOKEN = statement(
    sa.select(*_WHO, system_tokens.c.id, sa.literal_column("0"))
    .join(system_tokens, system_tokens.c.system_id == users.c.system_id)
    .join(systems, systems.c.id == users.c.system_id)
    .where(
        users.c.id == sa.bindparam("user"),
        system_tokens.c.id == sa.bindparam("number"),
        IS_IN_FORCE,
    )
)
_PASSWORD = statement(sa.select(users.c.id, users.c.password_hash).where(users.c.name == sa.bindparam("name")))
_SET_PASSWORD = statement(
    sa.update(users).where(users.c.id == sa.bindparam("user")).values(password_hash=sa.bindparam("new_hash"))
)
_PASSWORD_OF = statement(sa.select(users.c.password_hash).where(users.c.id == sa.bindparam("user")))
_CHANGE_PASSWORD = statement(
    sa.update(users)
    .where(
        users.c.id == sa.bindparam("user"),
        sa.func.coalesce(users.c.password_hash, "") == sa.bindparam("old_hash", type_=sa.Text),
    )
    .values(password_hash=sa.bindparam("new_hash"))
)
_SET_LANGUAGE = statement(
    sa.update(users).where(users.c.id == sa.bindparam("user")).values(language=sa.bindparam("new_language"))
)
_ADD_SESSION = statement(
    sa.insert(sessions)
    .values(given(sessions, "user_id", "key_hash", "created_at", "last_seen_at", "address", "user_agent"))
    .returning(sessions.c.id)
)
_SESSIONS = statement(
    sa.select(sessions.c.id, sessions.c.created_at, sessions.c.last_seen_at, sessions.c.address, sessions.c.user_agent)
    .where(sessions.c.user_id == sa.bindparam("user"), sessions.c.last_seen_at > sa.bindparam("oldest"))
    .order_by(sessions.c.last_seen_at.desc(), sessions.c.id.desc())
)
_END_SESSION = statement(
    sa.delete(sessions)
    .where(sessions.c.user_id == sa.bindparam("user"), sessions.c.id == sa.bindparam("number"))
    .returning(sessions.c.id)
)
_END_ALL_SESSIONS = statement(
    sa.delete(sessions).where(sessions.c.user_id == sa.bindparam("user")).returning(sessions.c.id)
)
_ADD_TOKEN = statement(
    sa.insert(tokens).values(given(tokens, "user_id", "token_hash", "label", "created_at")).returning(tokens.c.id)
)
_TOKENS = statement(
    sa.select(tokens.c.id, tokens.c.label, tokens.c.created_at, tokens.c.last_used_at)
    .where(tokens.c.user_id == sa.bindparam("user"))
    .order_by(tokens.c.id.desc())
)
_END_TOKEN = statement(
    sa.delete(tokens)
    .where(tokens.c.user_id == sa.bindparam("user"), tokens.c.id == sa.bindparam("number"))
    .returning(tokens.c.id)
)


def by_session_key(connection: Connection, key: str) -> Identity | None:
    """Whose browser session this is, if it has not ended."""
    row = connection.one(_BY_SESSION_KEY, key_hash=digest(key), oldest=now_ms() - SESSION_LIFE)
    return _identity(row, "session", "session")


def by_token(connection: Connection, token: str) -> Identity | None:
    """Whose token this is, if it was not revoked."""
    return _identity(connection.one(_BY_TOKEN, token_hash=digest(token)), "token", "token")


def by_grant(connection: Connection, grant: str) -> Identity | None:
    """Who stands behind `session:7`, `token:7` or `system:7:12@1795000000` (user 12, by the system's token 7, since
    that second), if it still holds: for tickets, which end with their session.
    """
    kind, _, number = grant.partition(":")
    if kind == "session":
        row = connection.one(_BY_SESSION_ID, number=int(number), oldest=now_ms() - SESSION_LIFE)
    elif kind == "system":
        token, _, user = number.partition("@")[0].partition(":")
        row = connection.one(_BY_SYSTEM_TOKEN, number=int(token), user=int(user), now=now_ms())
    else:
        row = connection.one(_BY_TOKEN_ID, number=int(number))
    found = _identity(row, kind, "ticket")
    return replace(found, grant=grant) if found else None


def issued_at(grant: str) -> int | None:
    """When a system let its user in, in seconds since 1970; None for whom no system did."""
    _, is_by_system, since = grant.partition("@")
    return int(since) if is_by_system else None


def ended(connection: Connection, grants: Iterable[str]) -> set[str]:
    """Which of these sessions and tokens are no more: another process can have ended them (a command).

    Nor is what a system has let in so long ago that its last ticket has ended: only the system knows whether its user
    is still signed in there.
    """
    oldest_ticket = time.time() - SYSTEM_TICKET_LIFE - TICKET_LIFE
    since = {grant: issued_at(grant) for grant in grants}
    by_systems = {
        grant: int(grant.split(":")[1]) for grant, at in since.items() if at is not None and at > oldest_ticket
    }
    in_force = system_tokens_in_force(connection, set(by_systems.values()))
    left = {grant for grant, number in by_systems.items() if number in in_force}
    for kind in ("session", "token"):
        ids = ",".join(str(int(grant[len(kind) + 1 :])) for grant in grants if grant.startswith(kind + ":"))
        if ids:
            oldest = f" AND last_seen_at > {now_ms() - SESSION_LIFE}" if kind == "session" else ""
            rows = connection.driver.execute(
                f"SELECT id FROM {kind}s WHERE id IN ({ids}){oldest}"
            )  # whole numbers only
            left.update(f"{kind}:{row[0]}" for row in rows.fetchall())
    return set(grants) - left


def _identity(row: tuple[Any, ...] | None, kind: str, via: str) -> Identity | None:
    if row is None:
        return None
    user, name, display_name, is_admin, picture, language, number, touched_at = row
    grant = f"{kind}:{number}"
    return Identity(user, name, display_name, bool(is_admin), grant, touched_at, via, picture, language)


def check_new_password(password: str, field: str = "password") -> None:
    """Raises Invalid with the rule that it breaks."""
    if len(password) < SHORTEST:
        raise Invalid(field, Text("write at least %(least)d characters", least=SHORTEST))
    if len(password) > LONGEST:
        raise Invalid(field, Text("write at most %(most)d characters", most=LONGEST))
    if not is_text(password):
        raise Invalid(field, Text("leave out NUL characters and lone surrogates"))


def stored_password(connection: Connection, name: str) -> tuple[int, str] | None:
    """The user's id and password hash; None for nobody, and for who has no password."""
    row = connection.one(_PASSWORD, name=people.fold(name)) if is_text(name) else None
    return (row[0], row[1]) if row and row[1] else None


def set_password(transaction: Transaction, user: int, password_hash: str) -> None:
    """A new password; all of the user's sessions end."""
    transaction.run(_SET_PASSWORD, user=user, new_hash=password_hash)
    end_session(transaction, user, "all")


def password_of(connection: Connection, user: int) -> str | None:
    """The user's password hash; None for who has no password: a guest, or one added without."""
    row = connection.one(_PASSWORD_OF, user=user)
    return row[0] if row else None


def change_password(transaction: Transaction, user: int, old_hash: str | None, new_hash: str) -> None:
    """A new password in place of the one that was checked. All of the user's sessions end, also the one that asks: its
    cookie may have been copied.

    Raises Invalid when the password was changed meanwhile, by somebody who was as fast.
    """
    if not transaction.run(_CHANGE_PASSWORD, user=user, old_hash=old_hash or "", new_hash=new_hash):
        raise Invalid("current_password", Text("was changed a moment ago; write the new one"))
    end_session(transaction, user, "all")


def set_language(transaction: Transaction, user: int, language: str | None) -> None:
    """The language of the user's pages; none: what each browser asks for."""
    transaction.run(_SET_LANGUAGE, user=user, new_language=language)


def start_session(transaction: Transaction, user: int, address: str, user_agent: str) -> str:
    """A new browser session: the key that its cookie carries."""
    key = secrets.token_urlsafe(24)
    agent = user_agent[:200].replace("\x00", "")
    now = now_ms()
    transaction.run(
        _ADD_SESSION,
        user_id=user,
        key_hash=digest(key),
        created_at=now,
        last_seen_at=now,
        address=address,
        user_agent=agent,
    )
    return key


def list_sessions(connection: Connection, user: int, current: str) -> list[dict[str, Any]]:
    """One's sessions, the latest used first; `current` is the grant of the one that asks."""
    rows = connection.all(_SESSIONS, user=user, oldest=now_ms() - SESSION_LIFE)
    return [
        {
            "id": number,
            "created_at": rfc3339(created_at),
            "last_seen_at": rfc3339(last_seen_at),
            "address": address,
            "user_agent": user_agent,
            "current": current == f"session:{number}",
        }
        for number, created_at, last_seen_at, address, user_agent in rows
    ]


def end_session(transaction: Transaction, user: int, which: int | str) -> None:
    """End one of one's sessions, or `all`. Raises NotFound where the number is not one of them."""
    if which == "all":
        ended = transaction.all(_END_ALL_SESSIONS, user=user)
    else:
        ended = transaction.all(_END_SESSION, user=user, number=which)
        if not ended:
            raise NotFound(Text("You have no session %(which)s; GET /auth/sessions lists yours.", which=which))
    transaction.news.extend(Ended(user, f"session:{row[0]}") for row in ended)


def create_token(transaction: Transaction, user: int, label: str) -> dict[str, Any]:
    """A new token; its text is in the answer and nowhere else. Raises Invalid for the label."""
    check_label(label)
    token = "myapp_" + secrets.token_urlsafe(30)
    now = now_ms()
    row = transaction.one(_ADD_TOKEN, user_id=user, token_hash=digest(token), label=label, created_at=now)
    assert row is not None
    return {"id": row[0], "token": token, "label": label, "created_at": rfc3339(now)}


def list_tokens(connection: Connection, user: int) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "label": label,
            "created_at": rfc3339(created_at),
            "last_used_at": None if last_used_at is None else rfc3339(last_used_at),
        }
        for number, label, created_at, last_used_at in connection.all(_TOKENS, user=user)
    ]


def revoke_token(transaction: Transaction, user: int, number: int) -> None:
    """Raises NotFound where the number is not one of one's tokens."""
    if not transaction.all(_END_TOKEN, user=user, number=number):
        raise NotFound(Text("You have no token %(number)d; GET /auth/tokens lists yours.", number=number))
    transaction.news.append(Ended(user, f"token:{number}"))


def register(transaction: Transaction, name: str, password_hash: str) -> people.Person:
    """Sign up. Raises Invalid for a name that cannot be one, Conflict for one that is taken or kept for a system."""
    if kept_for(transaction, people.check_name(name)) is not None:
        raise people.taken(people.fold(name))
    return people.create(transaction, name, password_hash)


__all__ = ["Ended", "Identity", "hash_password"]
