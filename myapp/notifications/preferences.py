"""What users do not want to hear of: kinds of events, and other systems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from .. import inbox
from ..db import Connection, Transaction
from ..statements import Statement, given, statement
from .models import mutes

#: What `user` has muted.
MUTED = statement(sa.select(mutes.c.what).where(mutes.c.user_id == sa.bindparam("user")))
_MUTE = Statement(lambda insert: insert(mutes).values(given(mutes, "user_id", "what")).on_conflict_do_nothing())
_HEAR = statement(
    sa.delete(mutes).where(mutes.c.user_id == sa.bindparam("user"), mutes.c.what == sa.bindparam("muted"))
)


def of_system(number: int) -> str:
    """What is muted where a user does not want to hear of this system."""
    return f"system:{number}"


def reasons(kind: str, system: int) -> tuple[str, ...]:
    """What keeps an event of this kind from a user who has muted any of it; `system` is 0 for the application.

    Notifications of systems are muted by system: the kind is that of the application's own.
    """
    if not system:
        return (kind,)
    return (of_system(system),) if kind == "notification" else (kind, of_system(system))


def muted(connection: Connection, user: int) -> set[str]:
    """What the user does not want to hear of: kinds, and systems as `of_system` names them."""
    return {row[0] for row in connection.all(MUTED, user=user)}


def muted_by(connection: Connection, users: Iterable[int]) -> dict[int, set[str]]:
    """The same of several users, at most 1,000."""
    ids = ",".join(str(int(user)) for user in users)
    found: dict[int, set[str]] = {}
    sql = f"SELECT user_id, what FROM mutes WHERE user_id IN ({ids})"  # whole numbers only
    for user, what in connection.driver.execute(sql).fetchall() if ids else ():
        found.setdefault(user, set()).add(what)
    return found


def mute(transaction: Transaction, user: int, what: str, is_muted: bool) -> None:
    """From now on the user hears of it, or does not; what was told before stays.

    The inbox is locked: for who has it locked to tell the user something, nothing changes meanwhile.
    """
    inbox.lock(transaction, (user,))
    if is_muted:
        transaction.run(_MUTE, user_id=user, what=what)
    else:
        transaction.run(_HEAR, user=user, muted=what)


def wants(whats: Sequence[sa.ColumnElement[str]], user: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """In a statement over many users: whether this one has muted none of these."""
    return ~sa.exists().where(mutes.c.user_id == user, mutes.c.what.in_(whats))
