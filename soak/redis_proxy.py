"""A proxy between the workers and Redis that loses, without a word, what a network or a broken Redis loses."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

#: What is asked in place of a PUBLISH that is lost: nobody is subscribed there, so Redis itself answers 0, in its turn.
NOBODY = b"*3\r\n$7\r\nPUBLISH\r\n$11\r\nsoak:nobody\r\n$1\r\nx\r\n"
_PUBLISH = (b"PUBLISH", b"SPUBLISH")
_SUBSCRIBE = (b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE")


class Commands:
    """Commands of a client, cut out of its bytes as they come (RESP arrays of bulk strings; or inline)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Each whole command: its name in upper case, and all its bytes."""
        self._rest += data
        while (end := self._end()) > 0:
            command, self._rest = self._rest[:end], self._rest[end:]
            yield self._name(command), command

    def _end(self) -> int:
        """Where the first command ends, 0 while it is not all there."""
        data = self._rest
        at = data.find(b"\r\n") + 2
        if at < 2:
            return 0
        if not data.startswith(b"*"):
            return at
        for _ in range(int(data[1 : at - 2])):
            end = data.find(b"\r\n", at)
            if end < 0:
                return 0
            at = end + 2 + int(data[at + 1 : end]) + 2
        return at if at <= len(data) else 0

    @staticmethod
    def _name(command: bytes) -> bytes:
        parts = command.split(b"\r\n", 3)
        name = parts[2] if command.startswith(b"*") else parts[0].split(b" ")[0]
        return name.upper()


class _Link:
    """One connection of a client and the one to Redis for it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.directions = 2
        self.is_subscription = False
        #: what comes is thrown away, in both directions; the connections stay
        self.is_black_hole = False

    def shut_down(self) -> None:
        for sock in (self.client, self.server):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class RedisProxy:
    """Listens on a port of its own and passes on to the port `upstream`; while that is away, connections end at once.

    `loses_publishes`: each PUBLISH is answered with 0 and reaches nobody. `deafen()`: the subscriptions that are open
    now carry nothing any more.
    """

    def __init__(self, upstream: int = 0) -> None:
        self.upstream = upstream
        self.loses_publishes = False
        #: how much was lost, and how many subscriptions were opened
        self.publishes_lost = 0
        self.bytes_lost = 0
        self.subscriptions = 0
        self._links: set[_Link] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> RedisProxy:
        threading.Thread(target=self._accept, name="redis proxy", daemon=True).start()
        return self

    def deafen(self) -> int:
        """Say how many subscriptions it has hit."""
        with self._lock:
            hit = [link for link in self._links if link.is_subscription and not link.is_black_hole]
            for link in hit:
                link.is_black_hole = True
        return len(hit)

    def close(self) -> None:
        """End all connections and listen no more. Calling it again does nothing."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.shut_down()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.upstream), timeout=5)
            except OSError:
                client.close()
                continue
            for sock in (client, server):
                sock.settimeout(None)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(client, server)
            with self._lock:
                self._links.add(link)
            threading.Thread(target=self._to_server, args=(link,), name="to redis", daemon=True).start()
            threading.Thread(target=self._to_client, args=(link,), name="from redis", daemon=True).start()

    def _to_server(self, link: _Link) -> None:
        commands = Commands()
        with contextlib.suppress(OSError):
            while data := link.client.recv(65536):
                if link.is_black_hole:
                    self.bytes_lost += len(data)
                    continue
                passed = b"".join(self._passed(link, *command) for command in commands.feed(data))
                if passed:
                    link.server.sendall(passed)
        self._end(link)

    def _passed(self, link: _Link, name: bytes, command: bytes) -> bytes:
        if name in _SUBSCRIBE and not link.is_subscription:
            link.is_subscription = True
            self.subscriptions += 1
        if name in _PUBLISH and self.loses_publishes:
            self.publishes_lost += 1
            return NOBODY
        return command

    def _to_client(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.server.recv(65536):
                if link.is_black_hole:
                    self.bytes_lost += len(data)
                else:
                    link.client.sendall(data)
        self._end(link, is_told=not link.is_black_hole)  # who is deaf does not hear the end either

    def _end(self, link: _Link, is_told: bool = True) -> None:
        """One direction is over; where it is told, so is the other."""
        if is_told:
            link.shut_down()
        with self._lock:
            link.directions -= 1
            if link.directions == 0:
                link.client.close()
                link.server.close()
                self._links.discard(link)
