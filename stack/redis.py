"""Redis, which keeps nothing: what it carries is stored in the database."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from .program import Program, free_port


class Redis(Program):
    """A redis-server on 127.0.0.1, without persistence."""

    name = "redis"
    executable = "redis-"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder)
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.command = [
            *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no"),
        ]

    def answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False
