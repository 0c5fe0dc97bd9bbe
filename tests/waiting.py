"""Waiting for something to happen, and ports where nothing listens."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

#: Generous, since it only costs time when it fails.
PATIENCE = 20.0

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_for(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Wait until `condition()` is true and return it; fail naming `what`."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:g} s for {what}")
        time.sleep(0.02)
