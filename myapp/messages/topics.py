"""Which topics there are, and who may watch them.

Everybody may watch who is online (`presence:<name>`), and who is writing to them (`typing:<name>`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..auth import people
from ..db import Connection
from ..errors import NotFound
from ..live.topics import Watch

KINDS = ("presence", "typing")


def resolve(connection: Connection, user: int, topics: Sequence[str]) -> list[Watch]:
    """Those of the topics that exist and that the user may watch, in their order."""
    found: list[Watch] = []
    ids: dict[str, int | None] = {}
    for topic in topics:
        kind, _, name = topic.partition(":")
        if kind not in KINDS:
            continue
        if name not in ids:  # who is watched is mostly watched in both ways
            ids[name] = _id_of(connection, name)
        number = ids[name]
        if number is not None:
            found.append(Watch(topic, f"presence:{number}" if kind == "presence" else f"typing:{number}:{user}"))
    return found


def _id_of(connection: Connection, name: str) -> int | None:
    """None where there is nobody of that name: the caller says which topics are missing."""
    try:
        return people.by_name(connection, name).id
    except NotFound:
        return None
