"""People: their names, how they are found, and making one. Each has an inbox from the start."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Row, Transaction, now_ms
from ..errors import Conflict, Invalid, NotFound, Text
from ..statements import Statement, given, statement
from ..texts import is_text, printable
from . import display_names
from .models import users

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")
NAME_RULE = Text("write 1 to 32 letters a-z, digits, dots, dashes or underscores, with a letter or digit at both ends")

#: What makes a Person, in order.
COLUMNS = (users.c.id, users.c.name, users.c.display_name, users.c.picture)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has an inbox."""

    id: int
    name: str
    display_name: str
    picture: str | None = None

    @property
    def avatar(self) -> str:
        return avatar(self.name, self.display_name, self.picture)


def avatar_version(display_name: str, picture: str | None) -> str:
    """What the picture's address changes with: the picture, or without one the name whose initials are shown."""
    return picture or f"{zlib.crc32(display_name.encode('utf-8', 'surrogatepass')):08x}"


def avatar(name: str, display_name: str, picture: str | None) -> str:
    """The address of a person's picture or initials, below the application's root. Everybody has one."""
    return f"/avatars/{name}?v={avatar_version(display_name, picture)}"


_BY_NAME = statement(sa.select(*COLUMNS).where(users.c.name == sa.bindparam("name")))
_inboxes = inbox.inboxes
_LOCK_BOTH = statement(
    sa.select(*inbox.HELD)
    .where(
        _inboxes.c.user_id.in_(
            [sa.bindparam("me"), sa.select(users.c.id).where(users.c.name == sa.bindparam("name")).scalar_subquery()]
        )
    )
    .order_by(_inboxes.c.user_id)
    .with_for_update()
)
_INSERT = Statement(
    lambda insert: (
        insert(users)
        .values(given(users, "name", "display_name", "search_name", "password_hash", "is_admin", "created_at"))
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(users.c.id)
    )
)
_RENAME = statement(
    sa.update(users)
    .where(users.c.id == sa.bindparam("user"))
    .values(display_name=sa.bindparam("shown"), search_name=sa.bindparam("folded"))
)
_SEARCH = statement(
    sa.select(*COLUMNS)
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


def check_name(name: str, field: str = "username") -> str:
    """The name as it is kept. Raises Invalid, about the field, where it cannot be one."""
    name = fold(name)
    if not NAME.fullmatch(name):
        raise Invalid(field, NAME_RULE)
    return name


def rename(transaction: Transaction, user: int, display_name: str) -> None:
    """Another display name, for what is shown and found from now on. Raises Invalid, also for somebody else's name."""
    shown = display_names.check(display_name)
    namesake = transaction.one(_BY_NAME, name=display_names.looks_like(shown))
    if namesake is not None and namesake[0] != user:
        raise Invalid("display_name", Text("is somebody else's name; choose another one"))
    transaction.run(_RENAME, user=user, shown=shown, folded=shown.casefold())


def by_name(connection: Connection, name: str) -> Person:
    """Raises NotFound, naming the name."""
    row = connection.one(_BY_NAME, name=fold(name)) if is_text(name) else None
    if row is None:
        raise unknown(name)
    return Person(*row)


def lock_with(
    transaction: Transaction, me: int, name: str, *then: tuple[Statement, Mapping[str, Any]]
) -> tuple[int, list[list[Row]]]:
    """The id of the person of this name, with that inbox and one's own locked as by `inbox.lock`, in one statement; and
    the rows of what is asked `then`, once both are locked, in the same round trip.

    Raises NotFound, naming the name. One's own name is answered with one's own id.
    """
    if not is_text(name):
        raise unknown(name)
    rows, *found = transaction.each((_LOCK_BOTH, {"me": me, "name": fold(name)}), *then)
    other: int | None = next((row[0] for row in rows if row[0] != me), None)
    if other is None:
        if by_name(transaction, name).id != me:  # made while one's own inbox was waited for, and not locked
            raise unknown(name)
        return me, found
    if other not in transaction.state.get("inboxes", ()):
        inbox.hold(transaction, rows)
    return other, found


def unknown(name: str) -> NotFound:
    return NotFound(
        Text("There is no user named %(name)r: find people by how their name begins.", name=printable(name))
    )


def search(connection: Connection, me: int, query: str, limit: int) -> list[Person]:
    """People whose name or display name starts with `query`, oneself not among them, in order of name."""
    prefix = re.sub(r"([\\%_])", r"\\\1", query.strip().casefold()) + "%"
    return [Person(*row) for row in connection.all(_SEARCH, me=me, prefix=prefix, most=limit)]


def by_ids(connection: Connection, ids: Sequence[int]) -> list[Person]:
    """These people, in the order of the ids; at most 100."""
    numbers = ",".join(str(int(number)) for number in ids[:100])
    if not numbers:
        return []
    columns = ", ".join(column.name for column in COLUMNS)
    sql = f"SELECT {columns} FROM users WHERE id IN ({numbers})"  # whole numbers only
    found = {row[0]: Person(*row) for row in connection.driver.execute(sql).fetchall()}
    return [found[number] for number in ids if number in found]


def ids_of(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """The ids of those of these people that there are, by their names in lower case."""
    wanted = [name for name in names if NAME.fullmatch(name)]
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):
        quoted = ", ".join(f"'{name}'" for name in wanted[start : start + 500])  # as NAME allows: without quotes
        sql = f"SELECT name, id FROM users WHERE name IN ({quoted})"
        found.update(connection.driver.execute(sql).fetchall())
    return found


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
        raise taken(name)
    inbox.create(transaction, row[0])
    return Person(row[0], name, shown)


def taken(name: str) -> Conflict:
    """Nobody new can be called so."""
    detail = Text("The name %(name)r is taken: choose another one.", name=name)
    return Conflict(detail, errors={"username": Text("is taken")})
