"""Connections to Redis, of redis-py, with time limits of our own: its defaults end a quiet subscription after 5 s."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, UnixDomainSocketConnection, parse_url
from redis.retry import Retry

#: Seconds that connecting may take, and that an answer may take where one is waited for.
CONNECT_PATIENCE = ANSWER_PATIENCE = 2.0
#: What a connection raises when it breaks, or when the server refuses.
Broken = (redis.RedisError, OSError)

_parse_url: Callable[[str], dict[str, Any]] = parse_url  # redis-py leaves it untyped


class Link:
    """An open connection, signed in. `name` is what CLIENT LIST shows. Raises one of Broken, as all it does may."""

    def __init__(self, url: str, name: str) -> None:
        options: dict[str, Any] = {
            "socket_timeout": ANSWER_PATIENCE,
            "socket_connect_timeout": CONNECT_PATIENCE,
            "socket_keepalive": True,
            "retry": Retry(NoBackoff(), 0),  # who calls tries again, in its own time
            "protocol": 2,
            "client_name": name,
            **_parse_url(url),
        }
        kind = options.pop("connection_class", Connection)
        if kind is UnixDomainSocketConnection:
            del options["socket_keepalive"]
        self._connection: Any = kind(**options)
        self._connection.connect()

    def send(self, *commands: tuple[str | bytes, ...]) -> None:
        """In one write. Only one greenlet at a time may send."""
        self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)

    def read(self, *, forever: bool = False) -> Any:
        """The next answer, or with `forever` whatever comes next, whenever that is."""
        if forever:
            return self._connection.read_response(timeout=None)
        return self._connection.read_response()

    def close(self) -> None:
        """Who reads from it elsewhere is told that it is broken. Calling it again does nothing."""
        self._connection.disconnect()


class Backoff:
    """Seconds to wait before trying again: longer each time, up to `most`, and never the same for two workers."""

    def __init__(self, least: float = 0.05, most: float = 2.0) -> None:
        self._least, self._most = least, most
        self._tries = 0

    def succeeded(self) -> None:
        self._tries = 0

    def next(self) -> float:
        longest = min(self._most, self._least * 2.0**self._tries)
        self._tries = min(self._tries + 1, 16)
        return longest * random.uniform(0.5, 1.0)
