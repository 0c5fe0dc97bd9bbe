"""What can be watched of tasks: how far each is (`task:<id>`), by its owner."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..db import Connection
from ..live.topics import Watch
from . import stored

_TOPIC = re.compile(r"task:[1-9][0-9]{0,15}", re.ASCII)


def resolve(connection: Connection, user: int, topics: Sequence[str]) -> list[Watch]:
    """Those of the topics that are tasks of this user, in their order."""
    known = [topic for topic in topics if _TOPIC.fullmatch(topic)]
    found = stored.topics(connection, {_number(topic) for topic in known})
    return [Watch(topic, topic) for topic in known if (task := found.get(_number(topic))) and task[0] == user]


def read(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Version and data of each of these topics, as they stand now."""
    found = stored.topics(connection, {_number(key) for key in keys})
    return {f"{stored.TOPIC}{number}": (version, data) for number, (_owner, version, data) in found.items()}


def _number(topic: str) -> int:
    return int(topic.removeprefix(stored.TOPIC))
