"""Names that a system has for its users: those that begin with its own and a dot."""

from __future__ import annotations

import sqlalchemy as sa

from ..auth.models import users
from ..db import Connection
from ..statements import statement
from .models import systems


def _begins_with(name: sa.ColumnElement[str], system: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a name is one of those that a system of that name has; in names _ and % are letters like others."""
    return sa.func.substr(name, 1, sa.func.length(system) + 1) == system + "."


_name = sa.bindparam("name", type_=sa.Text)
_KEPT_FOR = statement(
    sa.select(systems.c.id)
    .where(_begins_with(_name, systems.c.name))
    .order_by(sa.func.length(systems.c.name).desc())
    .limit(1)
)
_others = systems.alias("others")
_STRANGER = statement(
    sa.select(users.c.name)
    .join(systems, _begins_with(users.c.name, systems.c.name))
    .where(
        systems.c.id == sa.bindparam("system"),
        sa.func.coalesce(users.c.system_id, 0) != systems.c.id,
        ~sa.exists().where(_begins_with(_others.c.name, systems.c.name), _begins_with(users.c.name, _others.c.name)),
    )
    .order_by(users.c.name)
    .limit(1)
)


def kept_for(connection: Connection, name: str) -> int | None:
    """The system that alone may have a user of this name; None where anybody may.

    Whoever else took the name first would get what the system tells its user. A name is in lower case. A system's name
    may have dots: of `my` and `my.shop`, `my.shop.ann` is kept for the latter.
    """
    row = connection.one(_KEPT_FOR, name=name)
    return row[0] if row else None


def stranger(connection: Connection, system: int) -> str | None:
    """The name of a user whose name is kept for this system, and who is not its own; None where there is none."""
    row = connection.one(_STRANGER, system=system)
    return row[0] if row else None
