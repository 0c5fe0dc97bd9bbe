"""The log in JSON, of a real server: every request with its id and user, and no secret in any line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from ..support import AppServer, wait_for
from .conftest import _servers
from .someone import Three, people_of, wait_until_parked
from .wire import WebSocket, Wire, bearer, fetch


@pytest.fixture(scope="module")
def talkative(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """A server that logs in JSON."""
    for servers in _servers(kind, tmp_path_factory.mktemp(f"{kind}-json")):
        yield servers(LOG_FORMAT="json")


@pytest.fixture
def three(talkative: AppServer) -> Three:
    return people_of(talkative)


def lines(server: AppServer) -> list[dict[str, Any]]:
    """What the application has logged; uWSGI's own lines are its own."""
    return lines_in(server.log())


def lines_in(log: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in log.splitlines() if text.startswith("{")]


def line_of(server: AppServer, request_id: str) -> dict[str, Any]:
    """The line of the access log of this request."""
    return wait_for(
        lambda: next((one for one in lines(server) if one.get("request_id") == request_id and "path" in one), {}),
        f"the line of {request_id}",
    )


def user_of(three: Three) -> int:
    found: int = three.bob.get("/auth/me").json()["id"]
    return found


def test_every_line_of_the_application_is_an_object(talkative: AppServer) -> None:
    log = talkative.log()  # once: the line of the last request may just be written
    found = lines_in(log)
    assert found
    if talkative.kind == "pywsgi":
        assert len(found) == len(log.splitlines())
    assert all({"time", "level", "logger", "message", "pid"} <= set(one) for one in found)
    assert all(one["pid"] == talkative.worker_pid for one in found)
    assert all(("worker" in one) == (talkative.kind == "uwsgi") for one in found)


def test_requests_line_has_its_fields_and_its_answer_its_id(three: Three) -> None:
    answer = three.bob.get("/badges?secret=1")
    found = line_of(three.bob.server, answer.header("x-request-id") or "")
    assert (found["method"], found["path"], found["status"]) == ("GET", "/badges", 200)
    assert (found["address"], found["user"]) == ("127.0.0.1", user_of(three))
    assert 0 < found["ms"] < 20_000
    assert found["logger"] == "myapp.access"


def test_parked_answer_has_its_requests_id_and_its_line_the_user(three: Three) -> None:
    waiting = three.bob.long_poll(0, {**three.bob.headers, "X-Request-ID": "waits-for-bob"}, timeout=20)
    wait_until_parked(three.bob, "long-poll")
    fetch(three.alice.port, "POST", "/messages", three.alice.headers, {"to": three.bob.name, "body": "hi"})
    assert waiting.read_answer().header("x-request-id") == "waits-for-bob"
    found = line_of(three.bob.server, "waits-for-bob")
    assert (found["path"], found["transport"], found["user"]) == ("/messages/long-poll", "long-poll", user_of(three))


def test_two_that_wait_alike_have_ids_of_their_own(three: Three) -> None:
    waiting = [three.bob.long_poll(0, timeout=20) for _ in range(2)]
    wait_until_parked(three.bob, "long-poll", 2)
    three.alice.send(three.bob, "hi")
    ids = {one.read_answer().header("x-request-id") for one in waiting}
    assert len(ids - {None}) == 2


def test_websocket_and_stream_have_their_requests_id(three: Three) -> None:
    headers = {**three.bob.headers, "X-Request-ID": "socket-of-bob"}
    socket = WebSocket.open(three.bob.port, "/ws", headers)
    assert socket.hello()
    found = line_of(three.bob.server, "socket-of-bob")
    assert (found["status"], found["user"]) == (101, user_of(three))
    wire = Wire(three.bob.port)
    wire.send(f"GET /messages/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {three.bob.token}\r\n".encode())
    wire.send(b"X-Request-ID: stream-of-bob\r\n\r\n")
    assert b"X-Request-ID: stream-of-bob\r\n" in wire.read_until(b"\r\n\r\n")
    assert line_of(three.bob.server, "stream-of-bob")["path"] == "/messages/stream"


def test_no_line_has_a_ticket_a_token_or_what_was_written(three: Three) -> None:
    port, server = three.bob.port, three.bob.server
    ticket = three.bob.post("/auth/ticket", {}).json()["ticket"]
    fetch(port, "GET", f"/messages/poll?ticket={quote(ticket)}")
    fetch(port, "GET", f"/messages/poll?ticket={quote(ticket)}&seq=wrong")
    WebSocket.open(port, f"/ws?ticket={quote(ticket)}").hello()
    fetch(port, "GET", "/badges", bearer("a-token-that-is-wrong"))
    fetch(port, "GET", "/badges", {"Cookie": "myapp_session=a-cookie-that-is-wrong"})
    three.alice.send(three.bob, "a body that is private")
    fetch(port, "POST", "/messages", three.alice.headers, {"to": "nobody", "body": "a body that is refused"})
    for request in (f"GET /messages/poll?ticket={ticket} FTTP/1.1\r\n", f"G\x01T /x?ticket={ticket} HTTP/1.1\r\n"):
        broken = Wire(port)
        broken.send(f"{request}Host: x\r\nConnection: close\r\n\r\n".encode())
        broken.read_to_end()
    fetch(port, "GET", "/healthz", {"X-Request-ID": "the-last-one"})
    line_of(server, "the-last-one")
    for secret in (ticket, three.bob.token, three.alice.token, "that-is-wrong", "that is private", "that is refused"):
        assert secret not in server.log()
