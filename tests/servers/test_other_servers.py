"""Servers that do not give their sockets away: everything but /ws works, and they say what to use for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from myapp.auth.people import by_name
from myapp.extensions import database
from myapp.messages import service

from ..support import BIN, AppServer, People, free_port
from .someone import Someone, Three, people_of
from .wire import Wire, bearer, fetch, upgrade_bytes

SAYS = "this server does not give its sockets away"
OTHERS = {
    "flask-run": [str(BIN / "flask"), "--app", "wsgi", "run", "--port", "PORT"],
    "gunicorn-sync": [str(BIN / "gunicorn"), "--bind", "127.0.0.1:PORT", "wsgi:app"],
    "gunicorn-gevent": [str(BIN / "gunicorn"), "--bind", "127.0.0.1:PORT", "-k", "gevent", "wsgi:app"],
}


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The application on another server."""
    port = str(free_port())
    command = [part.replace("PORT", port) for part in OTHERS[request.param]]
    server = AppServer(request.param, tmp_path_factory.mktemp(request.param), command=command, PORT=port)
    yield server.start()
    server.kill()
    server.app.extensions["myapp"].database.close()


@pytest.fixture
def trio(other: AppServer) -> Three:
    return people_of(other)


def write_beside(sender: Someone, to: Someone, body: str) -> None:
    """Send a message from this process: a server with one place for requests may be waiting in a long poll."""
    with sender.server.app.app_context(), database().transaction() as transaction:
        service.send(transaction, by_name(transaction, sender.name), to.name, body)


def test_its_log_says_once_at_the_start_what_it_cannot_do(other: AppServer) -> None:
    lines = [line for line in other.log().splitlines() if SAYS in line]
    assert len(lines) == 1
    assert "make run" in lines[0] and "uwsgi --ini uwsgi.ini" in lines[0]


def test_a_page_is_served(trio: Three) -> None:
    assert fetch(trio.bob.port, "GET", "/auth/login", {"Accept": "text/html"}).status == 200


def test_a_message_arrives_by_short_poll(trio: Three) -> None:
    trio.alice.send(trio.bob, "hi")
    assert trio.bob.poll()["events"][0]["data"]["body"] == "hi"


def test_a_long_poll_waits_until_there_is_something(trio: Three) -> None:
    waiting = trio.bob.long_poll(0, timeout=20)
    waiting.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        waiting.read(1)
    waiting.sock.settimeout(20)
    write_beside(trio.alice, trio.bob, "hi")
    answer = waiting.read_answer()
    assert (answer.status, answer.json()["seq"], answer.json()["next"]) == (200, 1, 0)


def test_a_long_poll_without_news_answers_empty_after_its_timeout(trio: Three) -> None:
    answer = trio.bob.long_poll(0, timeout=0.3).read_answer()
    assert (answer.status, answer.json()["events"]) == (200, [])


def test_a_websocket_gets_a_503_that_names_the_commands(trio: Three) -> None:
    wire = Wire(trio.bob.port)
    wire.send(upgrade_bytes("/ws", trio.bob.headers))
    answer = wire.read_answer()
    assert (answer.status, answer.header("content-type")) == (503, "application/problem+json")
    assert int(answer.header("retry-after") or 0) > 0
    assert "make run" in answer.json()["detail"] and "uwsgi --ini uwsgi.ini" in answer.json()["detail"]


def test_a_stream_gets_a_503_that_names_the_commands(trio: Three) -> None:
    answer = trio.bob.get("/messages/stream?seq=0")
    assert (answer.status, answer.header("content-type")) == (503, "application/problem+json")
    assert int(answer.header("retry-after") or 0) > 0
    assert "make run" in answer.json()["detail"] and "uwsgi --ini uwsgi.ini" in answer.json()["detail"]


def test_after_the_refused_websocket_it_serves_on(trio: Three) -> None:
    wire = Wire(trio.bob.port)
    wire.send(upgrade_bytes("/ws", trio.bob.headers))
    wire.read_answer()
    assert trio.bob.poll()["events"] == []


@pytest.fixture
def bob_in_process(app: Flask) -> dict[str, str]:
    """The headers of bob, whose inbox has one message, for Flask's test client."""
    people = People(app)
    people.add("alice", "bob")
    with app.app_context(), database().transaction() as transaction:
        service.send(transaction, by_name(transaction, "alice"), "bob", "hi")
    return bearer(people.token("bob"))


def test_the_test_client_polls(app: Flask, bob_in_process: dict[str, str]) -> None:
    answer = app.test_client().get("/messages/poll", headers=bob_in_process)
    assert (answer.status_code, answer.get_json()["seq"]) == (200, 1)


def test_the_test_client_gets_a_long_polls_answer(app: Flask, bob_in_process: dict[str, str]) -> None:
    answer = app.test_client().get("/messages/long-poll?timeout=5", headers=bob_in_process)
    assert (answer.status_code, answer.get_json()["seq"]) == (200, 1)


def test_the_test_client_waits_in_a_long_poll_until_its_timeout(app: Flask, bob_in_process: dict[str, str]) -> None:
    answer = app.test_client().get("/messages/long-poll?seq=1&timeout=0.3", headers=bob_in_process)
    assert (answer.status_code, answer.get_json()["events"]) == (200, [])


def test_the_test_client_gets_a_503_for_a_websocket(app: Flask, bob_in_process: dict[str, str]) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = app.test_client().get("/ws", headers=bob_in_process | upgrade)
    assert answer.status_code == 503
    assert "make run" in answer.get_json()["detail"]
