"""Which topics there are, and who may watch them. Today: `presence:<name>`, which everybody may."""

from __future__ import annotations

from collections.abc import Sequence

from ..auth import people
from ..db import Connection
from ..errors import NotFound
from ..live.topics import Watch


def resolve(connection: Connection, user: int, topics: Sequence[str]) -> list[Watch]:
    """Those of the topics that exist and that the user may watch, in their order."""
    found: list[Watch] = []
    for topic in topics:
        kind, _, name = topic.partition(":")
        if kind == "presence":
            try:
                found.append(Watch(topic, f"presence:{people.by_name(connection, name).id}"))
            except NotFound:  # the caller says which ones are missing
                continue
    return found
