"""`notify` and `emit`, for code inside the application: a view, a job, a shell, a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from ..auth import people
from ..db import Connection
from ..errors import Invalid, Text
from ..extensions import database
from ..inbox import check_badge
from . import service
from .content import check
from .kinds import known


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
    `notifications`, by a name of your own such as `orders`. `data` is for your own scripts, at most 8 KB as JSON, 32
    levels deep. The same `key` to the same user again within 7 days tells nothing new.
    Raises NotFound (no such user), Invalid naming the field, and at the end of the transaction Conflict (the key was
    used for something else).
    """
    content = check(title, body, url, badge, data)
    with database().joined() as transaction:
        service.notify(transaction, _id_of(transaction, user), content, key=key)


def emit(user: str | HasId, kind: str, data: Mapping[str, Any], *, badge: str | None = None) -> None:
    """The same with an event of a kind of your own (`register`), whose `data` its rendering knows.

    Raises NotFound, ValueError for a kind that was not registered, and Invalid.
    """
    if not known(kind):
        raise ValueError(f"there is no kind {kind!r}: register(Kind({kind!r}, ...)) at start")
    if badge is not None:
        check_badge(badge)
    encoded = msgspec.json.encode(data)
    if len(encoded) > service.MOST_EVENT:
        raise Invalid("data", Text("has more than %(most)d bytes as JSON; send less", most=service.MOST_EVENT))
    copied = msgspec.json.decode(encoded)  # as it is now: the caller may go on to use it
    with database().joined() as transaction:
        service.emit(transaction, _id_of(transaction, user), kind, copied, own_badge=badge)


def _id_of(connection: Connection, user: str | HasId) -> int:
    return people.by_name(connection, user).id if isinstance(user, str) else int(user.id)
