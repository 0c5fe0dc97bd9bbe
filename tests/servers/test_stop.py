"""Stopping: everybody is sent away politely, what runs is finished, and the port is free at once."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass
from typing import Any

import pytest

from .conftest import Servers
from .someone import people_of, wait_until_parked
from .wire import Answer, Frame, Wire, fetch, request_bytes

#: "Within seconds".
SECONDS = 8.0
GOING = {"pywsgi": 1001, "uwsgi": 1012}


@pytest.fixture(scope="module", params=[signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def number(request: pytest.FixtureRequest) -> int:
    """The signal."""
    found: int = request.param
    return found


@dataclass
class Stopped:
    """What became of a server to which others were connected, and of them."""

    kind: str
    status: int | None
    seconds: float
    log: str
    #: to each parked long poll: its answer, and what came behind it
    answers: list[tuple[Answer, bytes]]
    #: to each WebSocket: its last frame, and what came behind it
    frames: list[tuple[Frame, bytes]]


@pytest.fixture(scope="module")
def stopped(kind: str, number: int, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """A server that was stopped while twenty waited by each of two ways."""
    servers = Servers(kind, tmp_path_factory.mktemp(f"{kind}-stopped"))
    try:
        bob = people_of(servers()).bob
        waiting = [bob.long_poll(0, timeout=50) for _ in range(20)]
        sockets = [bob.websocket() for _ in range(20)]
        for ws in sockets:
            ws.hello()
        wait_until_parked(bob, "long-poll", 20)
        began = time.monotonic()
        status = bob.server.stop(number)
        seconds = time.monotonic() - began
        answers = [(wire.read_answer(), wire.read_to_end()) for wire in waiting]
        frames = [(ws.read_frame(), ws.read_to_end()) for ws in sockets]
        return Stopped(kind, status, seconds, bob.server.log(), answers, frames)
    finally:
        servers.end()


def test_a_signal_ends_the_process_with_status_0_within_seconds(stopped: Stopped) -> None:
    assert stopped.status == 0
    assert stopped.seconds < SECONDS


def test_a_stop_answers_parked_long_polls_with_an_empty_200(stopped: Stopped) -> None:
    assert len(stopped.answers) == 20
    for answer, behind in stopped.answers:
        assert (answer.status, answer.json()["events"], answer.json()["seq"]) == (200, [], 0)
        assert behind == b""


def test_a_stop_closes_websockets_with_a_time_to_come_back(stopped: Stopped) -> None:
    waits = set()
    for frame, behind in stopped.frames:
        assert frame.code == GOING[stopped.kind]
        found = re.fullmatch(r"retry=(\d+(?:\.\d+)?)", frame.reason)
        assert found, frame
        waits.add(float(found[1]))
        assert behind == b""
    assert len(stopped.frames) == 20
    assert len(waits) > 1  # spread, or all come back at once


def test_a_stop_leaves_no_traceback_in_the_log(stopped: Stopped) -> None:
    assert "Traceback" not in stopped.log


def test_a_stop_does_not_wait_for_clients_that_do_not_answer_or_read(start: Servers) -> None:
    bob = people_of(start()).bob
    sockets = [bob.websocket() for _ in range(5)]
    kept = Wire(bob.port)
    kept.send(request_bytes("GET", "/healthz"))
    kept.read_answer()
    half = Wire(bob.port)
    half.send(b"GET /healthz HT")
    began = time.monotonic()
    assert bob.server.stop() == 0
    assert time.monotonic() - began < SECONDS
    assert len(sockets) == 5


def test_a_running_request_is_finished(start: Servers, number: int) -> None:
    server = start(probed=True)
    running = Wire(server.port)
    running.send(request_bytes("GET", "/_slow?seconds=1.5", {"Connection": "close"}))
    fetch(server.port, "GET", "/healthz")  # behind it, so that it runs by now
    assert server.stop(number) == 0
    assert running.read_answer().json() == {"slept": True}


def test_after_a_stop_the_same_port_serves_at_once(start: Servers) -> None:
    server = start()
    bob = people_of(server).bob
    bob.websocket().hello()
    bob.long_poll(0, timeout=50)
    wait_until_parked(bob, "long-poll")
    assert server.stop() == 0
    server.start()
    bob.websocket().hello()


def test_nothing_is_lost_over_a_stop(start: Servers) -> None:
    server = start()
    alice, bob, _ = people_of(server)
    ws = bob.websocket()
    ws.hello()
    alice.send(bob, "before")
    seen: list[dict[str, Any]] = list(ws.events(1))
    alice.send(bob, "just before")
    assert server.stop() == 0
    server.start()
    again = bob.websocket(len(seen))
    again.hello()
    assert [event["data"]["body"] for event in seen + list(again.events(1))] == ["before", "just before"]
