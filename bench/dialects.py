"""How each kind of server is asked for the same work. Users are u1, u2, ...; they are named by their number."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Protocol

from . import requests
from .wire import Greeting, text_frame


class Dialect(Protocol):
    """Requests as bytes that the load generator sends as they are."""

    greeting: Greeting

    def get(self, path: str, headers: str = "") -> bytes:
        """Any request."""

    def handshake(self, user: int, *, deflate: bool = False) -> bytes:
        """A WebSocket of this user."""

    def browser_handshake(self, cookie: str) -> bytes:
        """A WebSocket as a browser opens it; peers know no cookies, and whose it is does not matter."""

    def message(self, sender: int, to: int, number: int) -> bytes:
        """One with the body m<number>."""

    def deliver(self, first: int, last: int, frames: int, pause: int) -> bytes:
        """So many frames, every `pause` ms one, to all clients of the users `first` to `last`."""


def _deliver(first: int, last: int, frames: int, pause: int) -> str:
    return f"/bench/deliver?from={first}&upto={last}&frames={frames}&pause={pause}"


class AppDialect:
    """The application: by token, or by cookie. Over HTTP, or in the protocol of uWSGI's own sockets."""

    def __init__(self, port: int, tokens: Sequence[str], *, is_uwsgi: bool) -> None:
        self.greeting = Greeting(1)
        self._port = port
        self._tokens = tokens
        self._is_uwsgi = is_uwsgi

    def wrap(self, request: bytes, address: str = "127.0.0.1") -> bytes:
        """An HTTP request as this server takes it; `address` is the client's, as a server in front would tell it."""
        return requests.as_uwsgi(request, self._port, address) if self._is_uwsgi else request

    def bearer(self, user: int) -> str:
        return f"Authorization: Bearer {self._tokens[user - 1]}\r\n"

    def get(self, path: str, headers: str = "") -> bytes:
        return self.wrap(requests.get(self._port, path, headers))

    def handshake(self, user: int, *, deflate: bool = False) -> bytes:
        return self.wrap(requests.handshake(self._port, "/ws?seq=0", self.bearer(user), deflate=deflate))

    def browser_handshake(self, cookie: str) -> bytes:
        headers = f"Cookie: {cookie}\r\nOrigin: http://127.0.0.1:{self._port}\r\n{requests.BROWSER}"
        return self.wrap(requests.handshake(self._port, "/ws?seq=0", headers))

    def message(self, sender: int, to: int, number: int) -> bytes:
        body = json.dumps({"to": f"u{to}", "body": f"m{number}", "key": os.urandom(16).hex()})
        return self.wrap(requests.post(self._port, "/messages", body, self.bearer(sender)))

    def deliver(self, first: int, last: int, frames: int, pause: int) -> bytes:
        return self.get(_deliver(first, last, frames, pause))


class PeerDialect:
    """The servers under bench.peers; `path` is the WebSocket's, with a query."""

    path = "/ws?"
    greeting = Greeting(0)

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, headers: str = "") -> bytes:
        return requests.get(self._port, path, headers)

    def handshake(self, user: int, *, deflate: bool = False) -> bytes:
        return requests.handshake(self._port, f"{self.path}user=u{user}", deflate=deflate)

    def browser_handshake(self, cookie: str) -> bytes:
        headers = f"Origin: http://127.0.0.1:{self._port}\r\n{requests.BROWSER}"
        return requests.handshake(self._port, f"{self.path}user=u1", headers)

    def message(self, sender: int, to: int, number: int) -> bytes:
        body = json.dumps({"from": f"u{sender}", "to": f"u{to}", "body": f"m{number}"})
        return requests.post(self._port, "/messages", body)

    def deliver(self, first: int, last: int, frames: int, pause: int) -> bytes:
        return self.get(_deliver(first, last, frames, pause))


class SocketioDialect(PeerDialect):
    """Engine.IO's open packet, the client's connection to the namespace "/", and the server's answer to it."""

    path = "/socket.io/?EIO=4&transport=websocket&"
    greeting = Greeting(2, text_frame("40"))


class BareDialect(PeerDialect):
    greeting = Greeting(1)
