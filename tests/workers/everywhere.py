"""Somebody who has a client in every worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..servers.someone import Someone
from ..servers.wire import WebSocket
from .conftest import Workers

T = TypeVar("T")


def one_in_each(workers: Workers, who: Someone, connect: Callable[[], T]) -> list[T]:
    """Connect again and again until every worker has one; which one takes a connection is the kernel's lot."""
    connected: list[T] = []
    for _ in range(60):
        connected.append(connect())
        if len(workers.clients_of(who)) == 2:
            return connected
    raise AssertionError("60 connections, and not one of them to the other worker")


def sockets_in_each(workers: Workers, who: Someone) -> list[WebSocket]:
    """WebSockets in both workers, their `hello` read."""

    def connect() -> WebSocket:
        ws = who.websocket(who.latest)
        ws.hello()
        return ws

    return one_in_each(workers, who, connect)
