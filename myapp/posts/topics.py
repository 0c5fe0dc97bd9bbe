"""What can be watched of posts: the feed (`posts`), and the counts of single ones (`post:<id>`). By everybody."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..db import Connection
from ..live.topics import Watch
from . import counts

_TOPIC = re.compile(r"posts|post:[1-9][0-9]{0,15}", re.ASCII)


def resolve(connection: Connection, user: int, topics: Sequence[str]) -> list[Watch]:
    """Those of the topics that exist, in their order."""
    known = [topic for topic in topics if _TOPIC.fullmatch(topic)]
    found = counts.current(connection, known)
    return [Watch(topic, topic) for topic in known if topic in found]


def read(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Version and data of each of these topics, as they stand now."""
    return counts.current(connection, keys)
