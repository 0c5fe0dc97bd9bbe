"""Parked clients: what waits takes neither greenlet nor thread nor core, and places are counted and given back."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support import AppServer, wait_for
from .conftest import Servers
from .someone import Browser, Someone, Three, logged, people_of, wait_until_parked
from .stream import EventStream
from .wire import Answer, WebSocket, Wire, fetch, request_bytes, upgrade_bytes

MANY = 1000
#: A descriptor that stays open once is one too many: so many refusals of each kind suffice to see it.
REFUSED = 200


def probe(server: AppServer) -> dict[str, Any]:
    said: dict[str, Any] = fetch(server.port, "GET", "/_probe").json()
    return said


def busy_cores(server: AppServer) -> int:
    """How many of uWSGI's cores are in a request, as its stats server says; pywsgi has none."""
    if server.kind != "uwsgi":
        return 0
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(server.folder / "stats.sock"))
        text = b"".join(iter(lambda: sock.recv(65536), b""))
    (worker,) = json.loads(text)["workers"]
    assert len(worker["cores"]) > 1
    return sum(core["in_request"] for core in worker["cores"])


def what_waiting_costs(server: AppServer) -> dict[str, int]:
    said = probe(server)
    counted = {name: said[name] for name in ("greenlets", "threads", "python_threads")}
    # a core is given back a moment after its answer went out, this probe's too
    wait_for(lambda: busy_cores(server) == 0, "all cores to be idle")
    return counted


def costs_no_more(server: AppServer, without: dict[str, int]) -> bool:
    """Than it did without them, as soon as the requests that parked them are done with; less is well, when a thread
    that hashed a password has ended meanwhile.
    """

    def is_no_more() -> bool:
        costs = what_waiting_costs(server)
        print(f"{without=} {costs=}")
        return all(costs[name] <= without[name] for name in without)

    return wait_for(is_no_more, "all that does not wait for an event to end")


def descriptors(server: AppServer) -> int:
    """Open descriptors of all the server's processes, the router in front of the worker among them."""
    assert server.process is not None
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if os.getsid(int(folder.name)) == server.process.pid:
                count += len(list((folder / "fd").iterdir()))
    return count


def warm_up(three: Three) -> None:
    """One client of each kind comes and goes, so that all that starts with the first client runs."""
    ws = three.bob.websocket()
    ws.hello()
    ws.leave()
    assert three.bob.long_poll(0, timeout=0.1).read_answer().status == 200
    no_one_waits(three.bob.server)


def no_one_waits(server: AppServer) -> None:
    wait_for(lambda: probe(server)["clients"] == 0, "all clients to be gone")


@pytest.fixture
def at_rest(watched: Three) -> Three:
    """Three people of a server that has had clients, and has none."""
    warm_up(watched)
    return watched


def test_a_thousand_parked_websockets_cost_no_greenlet_thread_or_core(at_rest: Three) -> None:
    server = at_rest.bob.server
    without = what_waiting_costs(server)
    sockets = [at_rest.bob.websocket(0) for _ in range(MANY)]
    for ws in sockets:
        ws.hello()
    assert probe(server)["parked"]["websocket"] == MANY
    assert costs_no_more(server, without)
    at_rest.alice.send(at_rest.bob, "to all of them")
    for ws in sockets:
        assert [event["seq"] for event in ws.events(1)] == [1]
    assert costs_no_more(server, without)


def test_a_thousand_parked_long_polls_cost_no_greenlet_thread_or_core(at_rest: Three) -> None:
    server = at_rest.bob.server
    without = what_waiting_costs(server)
    waiting = [at_rest.bob.long_poll(0, timeout=50) for _ in range(MANY)]
    wait_for(lambda: probe(server)["parked"].get("long-poll") == MANY, "all long polls to be parked")
    assert costs_no_more(server, without)
    at_rest.alice.send(at_rest.bob, "to all of them")
    for wire in waiting:
        assert wire.read_answer().json()["seq"] == 1
        assert wire.read_to_end() == b""
    no_one_waits(server)


def test_a_thousand_parked_streams_cost_no_greenlet_thread_or_core(at_rest: Three) -> None:
    server = at_rest.bob.server
    without = what_waiting_costs(server)
    streams = [EventStream.open(at_rest.bob).began() for _ in range(MANY)]
    assert probe(server)["parked"]["sse"] == MANY
    assert costs_no_more(server, without)
    at_rest.alice.send(at_rest.bob, "to all of them")
    for stream in streams:
        assert [event["seq"] for event in stream.events(1)] == [1]
    assert costs_no_more(server, without)


def test_a_thousand_clients_that_went_leave_no_descriptor_open(at_rest: Three) -> None:
    """With gc off, so that it is not gc that closes them; parked ones, too, have one descriptor each."""
    bob = at_rest.bob
    before = probe(bob.server)["descriptors"]
    fetch(bob.port, "POST", "/_gc/off")
    try:
        sockets = [bob.websocket(0) for _ in range(MANY)]
        for ws in sockets:
            ws.hello()
        wait_for(lambda: probe(bob.server)["descriptors"] <= before + MANY, "one descriptor for each")
        for number, ws in enumerate(sockets):
            ws.cut() if number % 2 else ws.leave()
        no_one_waits(bob.server)
        wait_for(lambda: probe(bob.server)["descriptors"] <= before, "their descriptors to be closed")
    finally:
        fetch(bob.port, "POST", "/_gc/on")


def test_a_long_poll_whose_client_went_leaves_its_place_at_its_timeout_at_the_latest(at_rest: Three) -> None:
    """uWSGI's router keeps its side open until then; pywsgi sees the client go."""
    wire = at_rest.bob.long_poll(0, timeout=1)
    wait_until_parked(at_rest.bob, "long-poll")
    wire.close()
    no_one_waits(at_rest.bob.server)


# -- headers


def comparable(answer: Answer) -> list[tuple[str, str]]:
    return sorted(
        (name, value)
        for name, value in answer.headers
        if name not in ("date", "content-length", "connection", "x-request-id")
    )


def parked_and_immediate(three: Three, headers: dict[str, str]) -> tuple[Answer, Answer]:
    parked = three.bob.long_poll(three.bob.latest, headers, timeout=20)
    wait_until_parked(three.bob, "long-poll")
    three.alice.send(three.bob, "hi")
    immediate = three.bob.long_poll(0, headers, timeout=20)
    return parked.read_answer(), immediate.read_answer()


def test_a_parked_answer_has_the_headers_of_an_immediate_one(three: Three) -> None:
    parked, immediate = parked_and_immediate(three, three.bob.headers)
    assert (parked.status, comparable(parked)) == (immediate.status, comparable(immediate))
    assert parked.header("cache-control") == "no-store"


def test_a_parked_answer_says_that_its_connection_ends_and_ends_it(three: Three) -> None:
    parked = three.bob.long_poll(0, timeout=20)
    wait_until_parked(three.bob, "long-poll")
    three.alice.send(three.bob, "hi")
    assert parked.read_answer().header("connection") == "close"
    assert parked.read_to_end() == b""


def test_a_parked_answer_has_the_same_headers_with_a_session(server: AppServer) -> None:
    three = people_of(server, password=True)
    parked, immediate = parked_and_immediate(three, Browser(three.bob).headers)
    assert (parked.status, comparable(parked)) == (immediate.status, comparable(immediate))
    assert "Cookie" in (parked.header("vary") or "")


def test_a_parked_answer_has_the_same_headers_for_an_allowed_origin(three: Three) -> None:
    parked, immediate = parked_and_immediate(three, {**three.bob.headers, "Origin": "https://friend.example"})
    assert comparable(parked) == comparable(immediate)
    assert parked.header("access-control-allow-origin") == "https://friend.example"


def test_a_parked_answer_has_its_own_origin_and_not_a_neighbours(three: Three) -> None:
    with_origin = three.bob.long_poll(0, {**three.bob.headers, "Origin": "https://friend.example"}, timeout=20)
    without = three.bob.long_poll(0, timeout=20)
    wait_until_parked(three.bob, "long-poll", 2)
    three.alice.send(three.bob, "hi")
    assert with_origin.read_answer().header("access-control-allow-origin") == "https://friend.example"
    assert without.read_answer().header("access-control-allow-origin") is None


def test_a_parked_answer_is_in_the_access_log_when_it_is_given(three: Three) -> None:
    asked = f"poll-of-{three.bob.name}"
    waiting = three.bob.long_poll(0, {**three.bob.headers, "X-Request-ID": asked}, timeout=20)
    wait_until_parked(three.bob, "long-poll")
    assert logged(three.bob, asked) == []
    three.alice.send(three.bob, "hi")
    waiting.read_answer()
    (line,) = wait_for(lambda: logged(three.bob, asked), "the line in the log")
    assert '"GET /messages/long-poll" 200' in line


def test_a_handshake_is_in_the_access_log_as_101(three: Three) -> None:
    asked = f"socket-of-{three.bob.name}"
    WebSocket.open(three.bob.port, "/ws", {**three.bob.headers, "X-Request-ID": asked}).hello()
    (line,) = wait_for(lambda: logged(three.bob, asked), "the line in the log")
    assert '"GET /ws" 101' in line


# -- places


@pytest.fixture
def full(probed: AppServer) -> Iterator[Three]:
    """Three people of a server that has two places, both taken by alice."""
    three = people_of(probed)
    no_one_waits(probed)
    before = probe(probed)["max_clients"]
    fetch(probed.port, "POST", "/_max-clients/2")
    three.alice.websocket().hello()
    three.alice.long_poll(0, timeout=50)
    wait_for(lambda: probe(probed)["clients"] == 2, "both to be parked")
    yield three
    fetch(probed.port, "POST", f"/_max-clients/{before}")
    three.bob.send(three.alice, "this answers the long poll")


def refusal_of_websocket(who: Someone) -> Answer:
    wire = Wire(who.port)
    wire.send(upgrade_bytes("/ws", who.headers))
    return wire.read_answer()


def test_beyond_the_places_a_websocket_gets_503_and_when_to_come_back(full: Three) -> None:
    answer = refusal_of_websocket(full.bob)
    assert (answer.status, answer.header("content-type")) == (503, "application/problem+json")
    assert int(answer.header("retry-after") or 0) > 0


def test_beyond_the_places_a_long_poll_gets_503_and_when_to_come_back(full: Three) -> None:
    answer = full.bob.get("/messages/long-poll?timeout=20")
    assert answer.status == 503
    assert int(answer.header("retry-after") or 0) > 0


def test_beyond_the_places_a_stream_gets_503_and_when_to_come_back(full: Three) -> None:
    answer = full.bob.get("/messages/stream?seq=0")
    assert answer.status == 503
    assert int(answer.header("retry-after") or 0) > 0


def test_beyond_the_places_a_long_poll_with_news_is_answered(full: Three) -> None:
    full.bob.send(full.carol, "hi")
    assert full.carol.get("/messages/long-poll?timeout=20").status == 200


def test_beyond_the_places_polls_and_pages_go_on(full: Three) -> None:
    assert full.bob.poll()["events"] == []
    assert full.bob.get("/healthz").status == 200
    assert full.bob.get("/auth/login", {"Accept": "text/html"}).status == 200
    full.bob.send(full.carol, "sending, too")


def test_a_place_that_is_freed_is_used_again(full: Three) -> None:
    assert full.bob.get("/messages/long-poll?timeout=20").status == 503
    full.bob.send(full.alice, "this answers alice's long poll")
    wait_for(lambda: probe(full.bob.server)["clients"] == 1, "a free place")
    full.bob.websocket(full.bob.latest).hello()
    assert refusal_of_websocket(full.bob).status == 503


def test_the_setting_says_how_many_places_there_are(start: Servers) -> None:
    three = people_of(start(MAX_CLIENTS="3"))
    for _ in range(3):
        three.bob.websocket().hello()
    assert refusal_of_websocket(three.bob).status == 503


def test_by_default_the_places_come_from_the_processs_descriptors(start: Servers, kind: str) -> None:
    server = start.make(probed=True)
    server.command = ["sh", "-c", 'ulimit -n 600; exec "$@"', "sh", *server.command]
    three = people_of(server.start())
    places = probe(server)["max_clients"]
    assert 100 < places < 600
    for _ in range(places):
        three.bob.websocket().hello()
    assert refusal_of_websocket(three.bob).status == 503
    assert three.bob.poll()["events"] == []
    assert three.bob.get("/auth/login", {"Accept": "text/html"}).status == 200


# -- refusals


def _answered(status: int) -> Callable[[WebSocket], None]:
    def check(wire: WebSocket) -> None:
        assert wire.read_answer().status == status

    return check


def _closed(wire: WebSocket) -> None:
    assert wire.read_answer().status == 101
    assert wire.read_frame().code == 4401
    wire.say_close(4401)
    assert wire.read_to_end() == b""


#: what is sent, and what has to come back
REFUSALS: dict[str, tuple[Callable[[Someone], bytes], Callable[[WebSocket], None]]] = {
    "foreign-origin": (
        lambda who: upgrade_bytes("/ws", {**who.headers, "Origin": "https://evil.example"}),
        _answered(403),
    ),
    "null-origin": (lambda who: upgrade_bytes("/ws", {**who.headers, "Origin": "null"}), _answered(403)),
    "bad-query": (lambda who: upgrade_bytes("/ws?seq=x", who.headers), _answered(422)),
    "malformed": (lambda who: upgrade_bytes("/ws", {**who.headers, "Sec-WebSocket-Key": "short"}), _answered(400)),
    "other-version": (lambda who: upgrade_bytes("/ws", {**who.headers, "Sec-WebSocket-Version": "8"}), _answered(426)),
    "not-signed-in": (lambda who: upgrade_bytes("/ws"), _closed),
    "full": (lambda who: upgrade_bytes("/ws", who.headers), _answered(503)),
    "plain-get": (lambda who: request_bytes("GET", "/ws", who.headers), _answered(426)),
}


@pytest.fixture
def only_place_taken(at_rest: Three) -> Iterator[None]:
    """There is one place, and alice has it."""
    port = at_rest.alice.port
    places = probe(at_rest.alice.server)["max_clients"]
    at_rest.alice.websocket().hello()
    fetch(port, "POST", "/_max-clients/1")
    yield
    fetch(port, "POST", f"/_max-clients/{places}")


@pytest.mark.parametrize("refusal", REFUSALS)
def test_hundreds_of_refused_upgrades_leave_no_descriptor_open(
    at_rest: Three, refusal: str, request: pytest.FixtureRequest
) -> None:
    """With gc off, so that it is not gc that closes them."""
    if refusal == "full":
        request.getfixturevalue("only_place_taken")
    make, check = REFUSALS[refusal]
    bob = at_rest.bob
    data = make(bob)
    fetch(bob.port, "POST", "/_gc/off")
    try:
        clients, before = probe(bob.server)["clients"], descriptors(bob.server)
        for number in range(REFUSED):
            wire = WebSocket(bob.port)
            wire.send(data)
            check(wire)
            wire.cut() if number % 2 else wire.close()
        wait_for(lambda: probe(bob.server)["clients"] == clients, "the refused to be gone")
        wait_for(lambda: descriptors(bob.server) <= before, "the descriptors of the refused to be closed")
    finally:
        fetch(bob.port, "POST", "/_gc/on")


def test_refused_upgrades_whose_client_stays_silent_are_closed_in_time(at_rest: Three) -> None:
    """Ten who are told 4401 and never answer the Close: the server ends them by itself."""
    for _ in range(10):
        wire = WebSocket.open(at_rest.bob.port, "/ws")
        assert wire.read_frame().code == 4401
    wait_for(lambda: probe(at_rest.bob.server)["clients"] == 0, "them to be ended", patience=10)


def test_beyond_the_places_of_an_address_all_ways_get_503_and_polls_go_on(start: Servers) -> None:
    three = people_of(start(MAX_CLIENTS_PER_ADDRESS="2"))
    sockets = [three.alice.websocket() for _ in range(2)]
    for ws in sockets:
        ws.hello()
    answers = [refusal_of_websocket(three.bob), three.bob.get("/messages/long-poll?timeout=20")]
    answers.append(three.bob.get("/messages/stream"))
    for answer in answers:
        assert answer.status == 503
        assert "from this address" in answer.json()["detail"]
        assert int(answer.header("retry-after") or 0) > 0
    assert three.bob.poll()["events"] == []
    sockets[0].close()
    wait_for(lambda: three.bob.get("/messages/long-poll?timeout=0.1").status == 200, "the place to be free")


def test_beyond_the_places_of_a_user_the_oldest_goes_and_the_new_one_stays(start: Servers) -> None:
    three = people_of(start(MAX_CLIENTS_PER_USER="2"))
    first, second, third = (three.bob.websocket() for _ in range(3))
    first.hello()
    frame = first.read_frame()
    assert (frame.code, frame.reason.partition("=")[0]) == (4429, "retry")
    three.alice.send(three.bob, "hi")
    for ws in (second, third):
        ws.hello()
        assert [event["data"]["body"] for event in ws.events(1)] == ["hi"]
