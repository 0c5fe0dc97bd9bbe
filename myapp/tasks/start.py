"""`start`, for code inside the application."""

from __future__ import annotations

from typing import Any

from ..auth import people
from ..errors import NotFound, Text
from ..extensions import database
from ..notifications.notify import HasId
from . import kinds, service


def start(user: str | HasId, kind: str, /, *, key: str | None = None, **params: Any) -> int:
    """Have a task of this kind run for a user (a name, or anything with a user's `id`): its number.

    In the transaction that the caller is in, with which it comes or not at all; where there is none, in one of its own.
    The same `key` for the same user within 7 days is the same task. Raises NotFound (no such user), Invalid naming the
    parameter, Conflict (the key was used for another task), TooMany.
    """
    found = kinds.by_name(kind)
    with database().joined() as transaction:
        if isinstance(user, str):
            number = people.by_name(transaction, user).id
        else:
            number = int(user.id)
            if not people.by_ids(transaction, [number]):
                raise NotFound(Text("There is no user with the id %(id)d.", id=number))
        task, _is_new = service.create(transaction, number, found, params, key)
    return task.id
