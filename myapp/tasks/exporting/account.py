"""What is kept of somebody beside what they wrote; nothing by which anybody could sign in."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from ...auth import blocks, pictures
from ...auth.models import sessions, tokens, users
from ...auth.people import Person
from ...db import Connection, rfc3339
from ...notifications import preferences
from ...statements import statement

#: Of sessions and tokens, the newest.
MOST = 1_000

_me, _most = sa.bindparam("me", type_=sa.BigInteger), sa.bindparam("most", type_=sa.Integer)
_USER = statement(sa.select(users.c.created_at, users.c.language, users.c.is_admin).where(users.c.id == _me))
_SESSIONS = statement(
    sa.select(sessions.c.created_at, sessions.c.last_seen_at, sessions.c.address, sessions.c.user_agent)
    .where(sessions.c.user_id == _me)
    .order_by(sessions.c.id.desc())
    .limit(_most)
)
_TOKENS = statement(
    sa.select(tokens.c.label, tokens.c.created_at, tokens.c.last_used_at)
    .where(tokens.c.user_id == _me)
    .order_by(tokens.c.id.desc())
    .limit(_most)
)


class Account(NamedTuple):
    """`language` is a key of languages.LANGUAGES, `picture` WebP, `blocked` and `muted` names."""

    name: str
    display_name: str
    joined: str
    language: str | None
    is_admin: bool
    blocked: list[str]
    muted: list[str]
    sessions: list[dict[str, str]]
    tokens: list[dict[str, str | None]]
    picture: bytes | None

    def as_json(self) -> dict[str, Any]:
        """The picture is a file of its own."""
        return {**self._asdict(), "picture": "picture.webp" if self.picture else None}


def read(connection: Connection, me: Person) -> Account:
    created_at, language, is_admin = connection.one(_USER, me=me.id) or (0, None, False)
    person, picture = pictures.of(connection, me.name)
    return Account(
        person.name,
        person.display_name,
        rfc3339(created_at),
        language,
        bool(is_admin),
        [other.name for other in blocks.listed(connection, me.id)],
        sorted(preferences.muted(connection, me.id)),
        [
            {
                "created_at": rfc3339(began),
                "last_seen_at": rfc3339(seen),
                "address": address,
                "user_agent": agent,
            }
            for began, seen, address, agent in connection.all(_SESSIONS, me=me.id, most=MOST)
        ],
        [
            {"label": label, "created_at": rfc3339(made), "last_used_at": rfc3339(used) if used else None}
            for label, made, used in connection.all(_TOKENS, me=me.id, most=MOST)
        ],
        picture,
    )
