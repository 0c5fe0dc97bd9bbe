"""A user of a real server, as a test speaks for them."""

from __future__ import annotations

import re
import secrets
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ..support import PASSWORD, AppServer, wait_for
from .wire import Answer, WebSocket, Wire, bearer, fetch, request_bytes


class Someone:
    """One user with a token of theirs."""

    def __init__(self, server: AppServer, name: str, token: str) -> None:
        self.server = server
        self.port = server.port
        self.name = name
        self.token = token
        self.headers = bearer(token)

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return fetch(self.port, "GET", path, {**self.headers, **(headers or {})})

    def post(self, path: str, data: Any) -> Answer:
        return fetch(self.port, "POST", path, self.headers, data)

    def put(self, path: str, data: Any) -> Answer:
        return fetch(self.port, "PUT", path, self.headers, data)

    def write(self, body: str) -> int:
        """Write a post, and give its number."""
        answer = self.post("/posts", {"body": body})
        assert answer.status == 201, answer
        number: int = answer.json()["id"]
        return number

    def react(self, post: int, reaction: str | None) -> dict[str, Any]:
        """Say what one thinks of a post, and give its counts and their version."""
        answer = self.put(f"/posts/{post}/reaction", {"reaction": reaction})
        assert answer.status == 200, answer
        said: dict[str, Any] = answer.json()
        return said

    def send(self, to: Someone, body: str, key: str | None = None) -> dict[str, Any]:
        """Send a message and give the stored one."""
        data = {"to": to.name, "body": body}
        answer = self.post("/messages", data if key is None else {**data, "key": key})
        assert answer.status in ((201,) if key is None else (200, 201)), answer
        message: dict[str, Any] = answer.json()
        return message

    def poll(self, seq: int = 0, **query: object) -> Any:
        answer = self.get("/messages/poll?" + urlencode({"seq": seq, **query}))
        assert answer.status == 200, answer
        return answer.json()

    @property
    def latest(self) -> int:
        latest: int = self.poll()["latest"]
        return latest

    def long_poll(self, seq: int = 0, headers: dict[str, str] | None = None, **query: object) -> Wire:
        """A long poll that was asked and not yet answered: `read_answer` waits for it."""
        wire = Wire(self.port)
        path = "/messages/long-poll?" + urlencode({"seq": seq, **query})
        wire.send(request_bytes("GET", path, self.headers if headers is None else headers))
        return wire

    def websocket(self, seq: int = 0, **query: object) -> WebSocket:
        """A WebSocket after its handshake; `hello` is not yet read."""
        return WebSocket.open(self.port, "/ws?" + urlencode({"seq": seq, **query}), self.headers)


class Three(NamedTuple):
    """Three people of one server."""

    alice: Someone
    bob: Someone
    carol: Someone


def people_of(server: AppServer, *, password: bool = False) -> Three:
    """Three new people. With `password` they can sign in with PASSWORD."""
    mark = secrets.token_hex(4)
    names = [f"{name}-{mark}" for name in Three._fields]
    server.people.add(*names, password=password)
    return Three(*(Someone(server, name, server.people.token(name)) for name in names))


class Browser:
    """Somebody signed in by a form: a session's cookie and its CSRF token."""

    def __init__(self, who: Someone) -> None:
        self.port = who.port
        page = fetch(self.port, "GET", "/auth/login", {"Accept": "text/html"})
        form = {"username": who.name, "password": PASSWORD, "csrf_token": _csrf(page)}
        answer = fetch(
            self.port,
            "POST",
            "/auth/login",
            {"Content-Type": "application/x-www-form-urlencoded", "Cookie": _cookie(page)},
            body=urlencode(form).encode(),
        )
        assert answer.status == 303, answer
        self.headers = {"Cookie": _cookie(answer)}
        page = fetch(self.port, "GET", "/", {**self.headers, "Accept": "text/html"})
        self.headers = {"Cookie": _cookie(page)}  # the session, now with a CSRF token in it
        self.csrf = _csrf(page)

    def change(self, method: str, path: str, data: Any = None) -> Answer:
        """An unsafe request, with the CSRF token."""
        return fetch(self.port, method, path, {**self.headers, "X-CSRFToken": self.csrf}, data)

    def websocket(self, path: str = "/ws") -> WebSocket:
        """As a page of ours opens it."""
        own = {**self.headers, "Host": f"127.0.0.1:{self.port}", "Origin": f"http://127.0.0.1:{self.port}"}
        return WebSocket.open(self.port, path, own)


def _csrf(page: Answer) -> str:
    found = re.search(r'<meta name="csrf-token" content="([^"]+)"', page.body.decode())
    assert found, page
    return found[1]


def _cookie(answer: Answer) -> str:
    cookies = [value.partition(";")[0] for name, value in answer.headers if name == "set-cookie"]
    assert cookies, answer
    return "; ".join(cookies)


def logged(who: Someone, request_id: str) -> list[str]:
    """The lines of a request in the access log: a line is written behind its answer, so others may come meanwhile."""
    return [line for line in who.server.log().splitlines() if line.endswith(f"id={request_id}")]


def wait_until_parked(who: Someone, transport: str, count: int = 1) -> None:
    """Wait until so many clients of this kind wait in the whole server; tests run one after the other."""
    server = who.server
    wait_for(
        lambda: server.metric("myapp_parked_clients", transport=transport) == count,
        f"{count} parked clients by {transport}",
    )
