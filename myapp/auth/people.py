"""People: their names, how they are found, and making one. Each has an inbox from the start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Statement, Transaction, given, now_ms, statement
from ..errors import Conflict, Invalid, NotFound
from .models import users

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")
NAME_RULE = "write 1 to 32 letters a-z, digits, dots, dashes or underscores, with a letter or digit at both ends"

_COLUMNS = (users.c.id, users.c.name, users.c.display_name)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has an inbox."""

    id: int
    name: str
    display_name: str

    @property
    def avatar(self) -> str | None:
        """The address of the person's picture; nobody has one yet."""
        return None


_BY_NAME = statement(sa.select(*_COLUMNS).where(users.c.name == sa.bindparam("name")))
_INSERT = Statement(
    lambda insert: (
        insert(users)
        .values(given(users, "name", "display_name", "search_name", "password_hash", "is_admin", "created_at"))
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(users.c.id)
    )
)
_SEARCH = statement(
    sa.select(*_COLUMNS)
    .where(
        users.c.id != sa.bindparam("me"),
        sa.or_(
            users.c.name.like(sa.bindparam("prefix"), escape="\\"),
            users.c.search_name.like(sa.bindparam("prefix"), escape="\\"),
        ),
    )
    .order_by(users.c.name)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def fold(name: str) -> str:
    """Names do not tell upper from lower case."""
    return name.strip().lower()


def check_name(name: str) -> str:
    """The name as it is kept. Raises Invalid where it cannot be one."""
    name = fold(name)
    if not NAME.fullmatch(name):
        raise Invalid("username", NAME_RULE)
    return name


def by_name(connection: Connection, name: str) -> Person:
    """Raises NotFound, naming the name."""
    row = connection.one(_BY_NAME, name=fold(name)) if is_text(name) else None
    if row is None:
        raise NotFound(f"There is no user named {printable(name)!r}: find people by how their name begins.")
    return Person(*row)


def search(connection: Connection, me: int, query: str, limit: int) -> list[Person]:
    """People whose name or display name starts with `query`, oneself not among them, in order of name."""
    prefix = re.sub(r"([\\%_])", r"\\\1", query.strip().casefold()) + "%"
    return [Person(*row) for row in connection.all(_SEARCH, me=me, prefix=prefix, most=limit)]


def create(
    transaction: Transaction,
    name: str,
    password_hash: str | None,
    *,
    display_name: str | None = None,
    is_admin: bool = False,
) -> Person:
    """A new user with an empty inbox. Raises Invalid for a name that cannot be one, Conflict for one that is taken."""
    name = check_name(name)
    shown = display_name or name
    values: dict[str, Any] = {
        "name": name,
        "display_name": shown,
        "search_name": shown.casefold(),
        "password_hash": password_hash,
        "is_admin": is_admin,
        "created_at": now_ms(),
    }
    row = transaction.one(_INSERT, **values)
    if row is None:
        raise Conflict(f"The name {name!r} is taken: choose another one.", errors={"username": "is taken"})
    inbox.create(transaction, row[0])
    return Person(row[0], name, shown)


def is_text(value: str) -> bool:
    """Whether both databases can store it: no NUL, no lone surrogates."""
    return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def printable(value: str) -> str:
    """For an error's detail: short, and valid UTF-8."""
    short = value if len(value) <= 40 else value[:40] + "..."
    return short.encode("utf-8", "replace").decode()
