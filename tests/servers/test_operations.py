"""What whoever runs the servers asks of them: `flask live`."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import Result

from myapp.operations import sign

from ..support import AppServer, wait_for
from .conftest import Servers
from .someone import Three, people_of, wait_until_parked
from .wire import Answer, bearer, fetch

STATS = b'{"question": "stats"}'


def live(server: AppServer, *args: str) -> Result:
    return server.app.test_cli_runner().invoke(args=["live", *args, "--url", server.url])


def ask(server: AppServer, body: bytes, signature: str) -> Answer:
    headers = {**bearer(signature), "Content-Type": "application/json"}
    return fetch(server.port, "POST", "/live", headers, body=body)


def key_of(server: AppServer) -> str:
    key: str = server.app.extensions["myapp"].settings.secret_key
    return key


def test_stats_tell_who_waits_where(start: Servers) -> None:
    server = start()
    bob = people_of(server).bob
    sockets = [bob.websocket() for _ in range(2)]
    bob.long_poll(0, timeout=20)
    wait_until_parked(bob, "websocket", 2)
    wait_until_parked(bob, "long-poll", 1)
    told = live(server, "stats")
    assert told.exit_code == 0, told.output
    assert f":{server.worker_pid}  1 long-poll, 2 websocket of 1 users; ok, bus ok" in told.output
    (said,) = json.loads(live(server, "stats", "--json").output).values()
    assert said["clients"] == {"long-poll": 1, "websocket": 2}
    assert len(sockets) == 2


def test_who_shows_a_users_clients(three: Three) -> None:
    ws = three.bob.websocket()
    ws.hello()
    told = live(three.bob.server, "who", three.bob.name)
    assert re.search(r":\d+  websocket  seq 0  current  token:\d+  127\.0\.0\.1\n", told.output), told.output
    assert live(three.bob.server, "who", three.carol.name).output == f"{three.carol.name} is not connected\n"


def test_nobody_of_that_name_is_said(three: Three) -> None:
    told = live(three.bob.server, "who", "nobody-at-all")
    assert told.exit_code == 1
    assert "There is no user named 'nobody-at-all'" in told.output


def test_drain_sends_everybody_away_over_time_and_pages_go_on(start: Servers) -> None:
    server = start()
    bob = people_of(server).bob
    sockets = [bob.websocket() for _ in range(4)]
    for ws in sockets:
        ws.hello()
    poll = bob.long_poll(0, timeout=50)
    wait_until_parked(bob, "long-poll", 1)
    told = live(server, "drain", "--seconds", "1")
    assert told.exit_code == 0, told.output
    assert f":{server.worker_pid}  5 clients within 1 s" in told.output
    assert poll.read_answer().json()["events"] == []
    for ws in sockets:
        frame = ws.read_frame()
        assert (frame.code, frame.reason.partition("=")[0]) == (1012, "retry")
    assert fetch(server.port, "GET", "/readyz").status == 503
    assert fetch(server.port, "GET", "/auth/login").status == 200
    assert bob.get("/messages/stream?seq=0").status == 503
    wait_for(lambda: bob.get("/messages/long-poll?timeout=20").json()["events"] == [], "an empty answer at once")


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("operator_"), bearer("operator_eyJ4Ijox.x.y"), bearer(sign("another key of 16", STATS))],
    ids=["none", "empty", "made-up", "other-key"],
)
def test_only_whoever_knows_the_secret_key_may_ask(headers: dict[str, str], three: Three) -> None:
    for own in (headers, three.bob.headers):
        answer = fetch(three.bob.port, "POST", "/live", {**own, "Content-Type": "application/json"}, body=STATS)
        assert answer.status == 401


@pytest.mark.parametrize("body", [b'{"question": "drain"}', b'{"question":"stats"}', b""])
def test_signature_of_one_question_is_for_no_other(body: bytes, three: Three) -> None:
    server = three.bob.server
    signature = sign(key_of(server), STATS)
    assert ask(server, body, signature).status == 401
    assert ask(server, STATS, signature).status == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"question": "stop"}, "question"),
        ({"question": "who"}, "user"),
        ({"question": "drain", "seconds": -1}, "seconds"),
        ({"question": "drain", "seconds": "soon"}, "seconds"),
        ({"question": "stats", "more": 1}, "more"),
    ],
)
def test_wrong_question_is_refused_by_its_field(asked: dict[str, object], field: str, three: Three) -> None:
    server = three.bob.server
    body = json.dumps(asked).encode()
    answer = ask(server, body, sign(key_of(server), body))
    assert (answer.status, list(answer.json()["errors"])) == (422, [field])


def test_server_that_is_not_there_is_said(three: Three) -> None:
    told = three.bob.server.app.test_cli_runner().invoke(args=["live", "stats", "--url", "http://127.0.0.1:1"])
    assert told.exit_code == 1
    assert "does not answer" in told.output and "--url" in told.output
