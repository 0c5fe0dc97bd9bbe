"""Sockets that a poller watches, and a note of whom it calls."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any


class Noted:
    """Calls of the poller, by client; `do` is what a client does when it is called."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, int]] = []
        self.do: dict[Any, Callable[[], None]] = {}

    def __call__(self, client: Any, events: int) -> None:
        self.calls.append((client, events))
        self.do.get(client, lambda: None)()

    def take(self) -> list[tuple[Any, int]]:
        """The calls since the last time."""
        calls, self.calls = self.calls, []
        return calls

    @property
    def called(self) -> list[Any]:
        return [client for client, _events in self.take()]


class Sockets:
    """Pairs of sockets: ours are watched."""

    def __init__(self) -> None:
        self.all: list[socket.socket] = []

    def pair(self) -> tuple[socket.socket, socket.socket]:
        pair = socket.socketpair()
        for sock in pair:
            sock.setblocking(False)
        self.all += pair
        return pair

    def full(self) -> tuple[socket.socket, socket.socket]:
        """A pair of which ours takes nothing more."""
        ours, theirs = self.pair()
        try:
            while True:
                ours.send(b"x" * 65536)
        except BlockingIOError:
            return ours, theirs
