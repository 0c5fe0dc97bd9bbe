"""Other systems: accounts of programs that tell our users something, and that may have users of their own here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from ..auth import display_names, people
from ..auth.models import users
from ..auth.people import Person
from ..db import Connection, Row, Transaction, now_ms, rfc3339
from ..errors import Conflict, Invalid, NotFound, Text
from ..statements import Statement, given, statement
from ..texts import is_text, printable
from . import tokens
from .models import system_tokens, systems
from .names import kept_for, stranger

#: Notifications a minute that a new system may send.
MOST_PER_MINUTE = 600
#: The most that can be set.
MOST_EVER = 1_000_000


class Account(NamedTuple):
    """A system as it is kept; `suspended_at` is None while its tokens count."""

    id: int
    name: str
    display_name: str
    created_at: int
    most_per_minute: int
    suspended_at: int | None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "display_name": self.display_name,
            "created_at": rfc3339(self.created_at),
            "most_per_minute": self.most_per_minute,
            "is_suspended": self.suspended_at is not None,
        }


_ACCOUNT = (
    systems.c.id,
    systems.c.name,
    systems.c.display_name,
    systems.c.created_at,
    systems.c.most_per_minute,
    systems.c.suspended_at,
)
_ADD = Statement(
    lambda insert: (
        insert(systems)
        .values(given(systems, "name", "display_name", "created_at", "most_per_minute"))
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(systems.c.id)
    )
)
_ALL = statement(sa.select(*_ACCOUNT).order_by(systems.c.name))
_BY_NAME = statement(sa.select(*_ACCOUNT).where(systems.c.name == sa.bindparam("name")))
_CHANGE = statement(
    sa.update(systems)
    .where(systems.c.id == sa.bindparam("number"))
    .values(display_name=sa.bindparam("shown"), most_per_minute=sa.bindparam("most"))
)
_SUSPEND = statement(
    sa.update(systems).where(systems.c.id == sa.bindparam("number")).values(suspended_at=sa.bindparam("at"))
)
_TOKEN_IDS = statement(sa.select(system_tokens.c.id).where(system_tokens.c.system_id == sa.bindparam("system")))
_COUNT_USERS = statement(sa.select(sa.func.count()).where(users.c.system_id == sa.bindparam("system")))
_OWNER = statement(sa.select(users.c.id, users.c.system_id).where(users.c.name == sa.bindparam("name")))
_OWN = statement(sa.update(users).where(users.c.id == sa.bindparam("user")).values(system_id=sa.bindparam("system")))


def create(transaction: Transaction, name: str, display_name: str = "") -> Account:
    """A new system. Raises Invalid for a name that cannot be one, Conflict for one that is taken, or where somebody
    has a name already that would be kept for its users: what it tells that user would go to a stranger.
    """
    name = people.check_name(name, "name")
    shown = display_names.check(display_name or name)
    now = now_ms()
    row = transaction.one(_ADD, name=name, display_name=shown, created_at=now, most_per_minute=MOST_PER_MINUTE)
    if row is None:
        taken = Text("There is a system %(name)r already: choose another name.", name=name)
        raise Conflict(taken, errors={"name": Text("is taken")})
    other = stranger(transaction, row[0])
    if other is not None:
        kept = Text(
            "The name of the user %(user)r begins with %(name)r and a dot: choose another.", user=other, name=name
        )
        raise Conflict(kept, errors={"name": Text("is how the name of the user %(user)r begins", user=other)})
    return Account(row[0], name, shown, now, MOST_PER_MINUTE, None)


def every(connection: Connection) -> list[Account]:
    """All systems, in order of name."""
    return [Account(*row) for row in connection.all(_ALL)]


def by_name(connection: Connection, name: str) -> Account:
    """Raises NotFound, naming the name."""
    row = connection.one(_BY_NAME, name=people.fold(name)) if is_text(name) else None
    if row is None:
        raise NotFound(Text("There is no system named %(name)r.", name=printable(name)))
    return Account(*row)


def by_ids(connection: Connection, ids: Iterable[int]) -> list[Account]:
    """These systems, in order of name."""
    wanted = set(ids)
    return [account for account in every(connection) if account.id in wanted]


def shown_names(connection: Connection, names: Collection[str]) -> dict[str, str]:
    """What these systems call themselves, by name, in one query; none for no names."""
    if not names:
        return {}
    return {account.name: account.display_name for account in every(connection) if account.name in names}


def change(transaction: Transaction, account: Account, display_name: str, most_per_minute: int) -> None:
    """How it is shown, and how many notifications a minute it may send (0: no limit). Raises Invalid."""
    if not 0 <= most_per_minute <= MOST_EVER:
        problem = Text("give a whole number from %(low)d to %(high)d", low=0, high=MOST_EVER)
        raise Invalid("most_per_minute", problem)
    transaction.run(_CHANGE, number=account.id, shown=display_names.check(display_name), most=most_per_minute)


def suspend(transaction: Transaction, account: Account, is_suspended: bool) -> None:
    """Its tokens and the tickets that it has issued count no more, and what it is announcing waits; or again. What it
    has sent stays.
    """
    transaction.run(_SUSPEND, number=account.id, at=now_ms() if is_suspended else None)
    if is_suspended:
        for row in transaction.all(_TOKEN_IDS, system=account.id):
            transaction.news.append(tokens.EndedAll(tokens.grant_of(row[0])))


def count_users(connection: Connection, system: int) -> int:
    """How many users of its own the system has here."""
    row = connection.one(_COUNT_USERS, system=system)
    return row[0] if row else 0


def put_user(transaction: Transaction, system: int, name: str, display_name: str | None) -> tuple[Person, bool]:
    """A user of this system, made if there is none of that name, else renamed; and whether it was made.

    Such a user has no password: it comes in with tickets that the system issues. Raises Invalid, and Conflict where
    the name is that of somebody who is not this system's, or kept for another system.
    """
    folded = people.check_name(name, "name")
    owner = transaction.one(_OWNER, name=folded)
    is_new = owner is None and _make_user(transaction, system, folded, display_name)
    if not is_new:
        owner = owner or transaction.one(_OWNER, name=folded)  # made meanwhile: by the same request sent twice, perhaps
        _rename_own(transaction, owner, system, folded, display_name)
    return people.by_name(transaction, folded), is_new


def _make_user(transaction: Transaction, system: int, name: str, display_name: str | None) -> bool:
    """Whether the name was free. Raises Invalid."""
    if kept_for(transaction, name) not in (None, system):
        return False
    shown = display_names.check(display_name or name)
    try:
        person = people.create(transaction, name, None)
    except Conflict:
        return False
    transaction.run(_OWN, user=person.id, system=system)
    people.rename(transaction, person.id, shown)
    return True


def _rename_own(transaction: Transaction, owner: Row | None, system: int, name: str, display_name: str | None) -> None:
    if owner is None or owner[1] != system:
        raise Conflict(
            Text("The name %(name)r is that of a user who is not yours: choose another one.", name=name),
            errors={"name": Text("is taken")},
        )
    if display_name is not None:
        people.rename(transaction, owner[0], display_name)


def own_user(connection: Connection, system: int, name: str) -> int:
    """The id of a user of this system. Raises NotFound where it has none of that name."""
    owner = connection.one(_OWNER, name=people.fold(name)) if is_text(name) else None
    if owner is None or owner[1] != system:
        raise NotFound(
            Text("You have no user %(name)r: make one by PUT /api/users/<name>.", name=printable(name)),
            errors={"user": Text("is not one of your users")},
        )
    number: int = owner[0]
    return number
