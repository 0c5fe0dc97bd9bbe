"""The load generator's connections."""

from __future__ import annotations

import os
import select
import socket
import time

from . import wire

PATIENCE = 60.0
#: Bytes read at once. More than 128 KB would have malloc ask the kernel for memory at every read.
CHUNK = 16 * 1024


class Sockets:
    """Connections to one port, plain and watched by one epoll. With `is_kept` false each carries one request."""

    def __init__(self, port: int, is_kept: bool) -> None:
        self.is_kept = is_kept
        self._address = ("127.0.0.1", port)
        self._poll = select.epoll()
        self._opened = 0

    def open(self) -> socket.socket:
        """One more connection; waits until it is there."""
        sock = self._socket()
        sock.connect(self._address)
        self._poll.register(sock, select.EPOLLIN)
        return sock

    def begin(self) -> socket.socket:
        """One more connection, begun: it is there, or refused, when the socket can be written to."""
        sock = self._socket()
        sock.setblocking(False)
        sock.connect_ex(self._address)
        self._poll.register(sock, select.EPOLLOUT)
        return sock

    def begun(self, sock: socket.socket) -> bool:
        """The connection can be written to: is it there?"""
        sock.setblocking(True)
        self._poll.modify(sock, select.EPOLLIN)
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0

    def close(self, sock: socket.socket) -> None:
        self._poll.unregister(sock)
        sock.close()

    def wait(self, missing: str, progressed: float, timeout: float = PATIENCE) -> list[tuple[int, int]]:
        """What is ready, or nothing after `timeout` seconds.

        Raises RuntimeError that names what is `missing` when it `progressed` PATIENCE seconds ago, by perf_counter():
        heartbeats are no progress.
        """
        ready = self._poll.poll(timeout)
        if time.perf_counter() - progressed > PATIENCE:
            raise RuntimeError(f"nothing came for {PATIENCE:g} s: {missing}")
        return ready

    def _socket(self) -> socket.socket:
        """From one of many loopback addresses: none runs out of ports."""
        self._opened += 1
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((f"127.0.1.{1 + self._opened % 200}", 0))
        return sock


class Parked:
    """Sockets that wait for what the server sends, by descriptor; what is half received of each."""

    def __init__(self, sockets: Sockets) -> None:
        self.open: dict[int, socket.socket] = {}
        self._sockets = sockets
        self._rest: dict[int, bytes] = {}
        self._last = b"", 0

    def add(self, sock: socket.socket, rest: bytes = b"") -> None:
        self.open[sock.fileno()] = sock
        if rest:
            self._rest[sock.fileno()] = rest

    def read(self, fd: int) -> tuple[int, bytes]:
        """How many events have become complete on a WebSocket, and their frames' bytes; heartbeats are answered.

        Raises Ended when the server has ended it.
        """
        data = os.read(fd, CHUNK)
        if data == self._last[0] and fd not in self._rest:
            return self._last[1], data  # the same for many: it is looked at once
        if not data:
            raise wire.Ended("the server closed a parked connection")
        before = self._rest.pop(fd, b"")
        count, rest, beats = wire.split(before + data)
        if rest:
            self._rest[fd] = rest
        if beats:
            self.open[fd].send(beats)
        if not before and not rest and not beats:
            self._last = data, count
        whole = before + data
        return count, whole[: len(whole) - len(rest)]

    def answer(self, fd: int) -> bytes:
        """What came on a long poll, b"" at its end, when it is closed."""
        data = self.open[fd].recv(CHUNK)
        if not data:
            self._sockets.close(self.open.pop(fd))
        return data

    def drop(self) -> int:
        """Close all of them and say how many there were."""
        count = len(self.open)
        while self.open:
            self._sockets.close(self.open.popitem()[1])
        self._rest.clear()
        return count
