"""Names that a system has for its users: those that begin with its own and a dot."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Connection
from ..statements import statement
from .models import systems

_BY_NAME = statement(sa.select(systems.c.id).where(systems.c.name == sa.bindparam("name")))


def kept_for(connection: Connection, name: str) -> int | None:
    """The system that alone may have a user of this name; None where anybody may.

    Whoever else took the name first would get what the system tells its user. A name is in lower case.
    """
    first, dot, _ = name.partition(".")
    row = connection.one(_BY_NAME, name=first) if dot else None
    return row[0] if row else None
