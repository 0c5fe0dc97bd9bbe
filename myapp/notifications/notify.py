"""`notify` and `emit`, for code inside the application: a view, a job, a shell, a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..auth import people
from ..db import Connection
from ..errors import NotFound, Text
from ..extensions import database
from . import service
from .content import check, checked_data
from .kinds import check_own_badge, kind_of, known


class HasId(Protocol):
    """A user: a Person, or who is signed in (`flask_login.current_user`)."""

    @property
    def id(self) -> int: ...


def notify(
    user: str | HasId,
    title: str,
    *,
    body: str | None = None,
    url: str | None = None,
    badge: str | None = None,
    data: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> None:
    """Tell a user (a name, or anything with a user's `id`) something: in the transaction that the caller is in, with
    which it comes or not at all; where there is none, in one of its own.

    `url` is where it leads: a path that begins with /, or an address with http(s). `badge` counts it beside
    `notifications`, by a name of your own such as `orders`, not one by which a kind is counted. `data` is for your own
    scripts, at most 8 KB as JSON, 32 levels deep. The same `key` to the same user again within 7 days tells nothing
    new.
    Raises NotFound (no such user), Invalid naming the field, and at the end of the transaction Conflict (the key was
    used for something else).
    """
    content = check(title, body, url, badge, data)
    with database().joined() as transaction:
        service.notify(transaction, _id_of(transaction, user), content, key=key)


def emit(user: str | HasId, kind: str, data: Mapping[str, Any], *, badge: str | None = None) -> None:
    """The same with an event of a kind of your own (`register`), whose `data` its rendering knows: an object of at most
    16 KB as JSON, 32 levels deep.

    Raises NotFound, ValueError for a kind that was not registered, and Invalid.
    """
    if not known(kind):
        raise ValueError(f"there is no kind {kind!r}: register(Kind({kind!r}, ...)) at start")
    own_badge = None if badge == kind_of(kind).badge else badge
    if own_badge is not None:
        check_own_badge(own_badge)
    copied = checked_data(data, service.MOST_EVENT)
    with database().joined() as transaction:
        service.emit(transaction, _id_of(transaction, user), kind, copied, own_badge=own_badge)


def _id_of(connection: Connection, user: str | HasId) -> int:
    """Raises NotFound."""
    if isinstance(user, str):
        return people.by_name(connection, user).id
    if not people.by_ids(connection, [user.id]):
        raise NotFound(Text("There is no user with the id %(id)d.", id=user.id))
    return int(user.id)
