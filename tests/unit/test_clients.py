"""A parked WebSocket as its client sees it: heartbeats, pings, errors, and closing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import gevent
import pytest

from myapp.live.clients import CLOSED, CLOSING
from myapp.live.websocket import QUIET, WebSocketClient

from . import wire
from .parking import Peer, World, badges, settle, until


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()
    assert world.dispatcher.counts["callback_failures"] == 0


def says(peer: Peer, *expected: object) -> None:
    until(lambda: len(peer.said()) >= len(expected), f"{expected}, not {peer.said()}")
    assert peer.said() == list(expected)


def text(value: object) -> bytes:
    return wire.masked(json.dumps(value).encode())


def pass_time(world: World, seconds: float) -> None:
    """Let time pass, as the sweep sees it, in steps smaller than any deadline."""
    left = seconds
    while left > 0:
        step = min(left, 1.0)
        world.clock.now += step
        left -= step
        world.dispatcher._sweep.turn()
        gevent.sleep(0)


# -- heartbeats


@pytest.mark.parametrize(
    "ping",
    [b'{"type": "ping"}', b'{"type":"ping","seq":3}', b"heartCheck", b"heart_beat", b'"heart_beat"'],
)
def test_every_form_of_ping_is_answered_with_where_the_inbox_stands(ping: bytes, world: World) -> None:
    world.store(4)
    peer = world.connect()
    peer.write(wire.masked(ping))
    says(peer, {"type": "pong", "latest": 4})


def test_pong_knows_of_events_that_came_since(world: World) -> None:
    peer = world.connect()
    world.post(2)
    until(lambda: peer.seqs() == [1, 2])
    peer.write(text({"type": "ping"}))
    until(lambda: peer.said()[-1] == {"type": "pong", "latest": 2})


def test_ping_of_the_protocol_is_answered_with_its_payload(world: World) -> None:
    peer = world.connect()
    peer.write(wire.masked(b"payload", wire.PING))
    until(lambda: peer.read() == [(wire.PONG, b"payload")])


def test_silent_client_is_pinged_after_25_seconds(world: World) -> None:
    peer = world.connect()
    pass_time(world, 24.5)
    assert peer.read() == []
    pass_time(world, 1)
    assert peer.read() == [(wire.PING, b"")]


def test_client_silent_for_75_seconds_is_closed_with_4408(world: World) -> None:
    peer = world.connect()
    pass_time(world, 74.5)
    assert [frame.opcode for frame in peer.read()] == [wire.PING, wire.PING]
    pass_time(world, 1)
    assert peer.close_code() == 4408


@pytest.mark.parametrize(
    "sign", [wire.masked(b"", wire.PONG), wire.masked(b"", wire.PING), text({"type": "ping"}), text("nonsense")]
)
def test_any_frame_counts_as_life(sign: bytes, world: World) -> None:
    peer = world.connect()
    for _ in range(3):
        pass_time(world, 60)
        peer.write(sign)
        settle(0.005)
    assert peer.close_code() is None
    pass_time(world, 76)
    assert peer.close_code() == 4408


def test_events_given_do_not_count_as_life(world: World) -> None:
    peer = world.connect()
    for _ in range(8):
        world.post()
        pass_time(world, 10)
    assert peer.close_code() == 4408


def test_client_that_does_not_answer_a_close_is_ended(world: World) -> None:
    peer = world.connect()
    pass_time(world, 76)
    assert peer.client.state == CLOSING
    pass_time(world, 6)
    peer.receive()
    assert peer.is_ended
    assert world.dispatcher.count == 0


# -- what a client may say


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ({"type": "send", "to": "bob", "body": "hi"}, "POST /messages"),
        ({"type": "message", "body": "hi"}, "POST /messages"),
        ({"type": "subscribe"}, '"ping"'),
        ({"type": 5}, '"ping"'),
        ({}, '"ping"'),
        ([], '"ping"'),
        (None, '"ping"'),
        (17, '"ping"'),
        ("ping", '"ping"'),
        ({"type": "watch"}, "topics"),
        ({"type": "watch", "topics": "posts"}, "topics"),
        ({"type": "watch", "topics": [1]}, "topics"),
        ({"type": "watch", "topics": ["a"] * 51}, "topics"),
        ({"type": "watch", "topics": ["posts:bob"]}, "posts:bob"),
        ({"type": "watch", "topics": ["\ud800"]}, "topic"),
    ],
)
def test_what_is_not_understood_gets_an_error_that_says_what_to_do(said: object, part: str, world: World) -> None:
    peer = world.connect()
    peer.write(text(said))
    until(peer.said)
    (answer,) = peer.said()
    assert answer["type"] == "error"
    assert part in answer["detail"]
    assert peer.close_code() is None


@pytest.mark.parametrize("said", [b"", b"{", b"ping", b"NaN", b"[" * 4000, b"\x00", b'{"type": "ping"', b"9" * 4096])
def test_text_that_is_not_json_gets_an_error(said: bytes, world: World) -> None:
    peer = world.connect()
    peer.write(wire.masked(said))
    until(peer.said)
    assert [answer["type"] for answer in peer.said()] == ["error"]


def test_watching_nothing_is_no_error(world: World) -> None:
    peer = world.connect()
    peer.write(text({"type": "watch", "topics": []}) + text({"type": "ping"}))
    says(peer, {"type": "pong", "latest": 0})


def test_ten_errors_within_a_minute_close_with_4400(world: World) -> None:
    peer = world.connect()
    for _ in range(9):
        peer.write(text({"type": "send"}))
    until(lambda: len(peer.said()) == 9)
    assert peer.close_code() is None
    peer.write(text({"type": "send"}))
    until(lambda: peer.close_code() == 4400)
    assert len(peer.said()) == 10


def test_errors_of_more_than_a_minute_ago_are_forgiven(world: World) -> None:
    peer = world.connect()
    for _ in range(3):
        for _ in range(9):
            peer.write(text({"type": "send"}))
        settle(0.01)
        pass_time(world, 61)
        peer.write(wire.masked(b"", wire.PONG))
    until(lambda: len(peer.said()) == 27)
    assert peer.close_code() is None


def test_watching_many_topics_names_each_that_is_refused_and_is_no_offence(world: World) -> None:
    peer = world.connect()
    peer.write(text({"type": "watch", "topics": [f"topic{number}" for number in range(50)]}))
    until(lambda: len(peer.said()) == 50)
    assert "topic49" in peer.said()[-1]["detail"]
    assert peer.close_code() is None


def test_client_whose_session_another_process_ended_is_sent_away_at_its_next_heartbeat(world: World) -> None:
    ended, other = world.connect(grant="session:1"), world.connect(grant="session:2")
    world.ended.add("session:1")
    world.clock.now += QUIET + 1
    world.dispatcher._sweep.turn()
    until(lambda: ended.close_code() == 4401)
    assert other.close_code() is None


def test_client_whose_connection_broke_under_its_first_frame_is_not_parked(world: World) -> None:
    place = world.dispatcher.enter(1)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.close()
    client = WebSocketClient(world.dispatcher, place, ours.detach(), "session:1", 0, "e1")
    client.send(b"hello")
    world.dispatcher.park(client, world.page(1, 0, "e1"), 1.0)
    world.dispatcher.exit(1)
    assert world.dispatcher.count == 0


# -- frames however they come


def test_bytes_that_came_behind_the_request_are_read(world: World) -> None:
    peer = world.connect(pending=text({"type": "ping"}))
    says(peer, {"type": "pong", "latest": 0})


def test_frame_that_comes_byte_by_byte_is_answered(world: World) -> None:
    peer = world.connect()
    for byte in text({"type": "ping"}):
        peer.write(bytes((byte,)))
        settle(0.0005)
    says(peer, {"type": "pong", "latest": 0})


def test_nothing_is_kept_between_two_messages(world: World) -> None:
    peer = world.connect()
    peer.write(text({"type": "ping"})[:4])
    until(lambda: peer.client.reader is not None)
    peer.write(text({"type": "ping"})[4:])
    until(lambda: peer.client.reader is None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wire.masked(b"\x00", wire.BINARY), 1003),
        (wire.masked(b"\xff"), 1007),
        (wire.masked(b"x" * 4097), 1009),
        (wire.masked(b"x", is_masked=False), 1002),
        (b"GET / HTTP/1.1\r\n\r\n", 1002),
    ],
)
def test_what_breaks_the_protocol_is_closed_with_its_code(data: bytes, code: int, world: World) -> None:
    peer = world.connect()
    peer.write(data)
    until(lambda: peer.close_code() == code)
    assert world.dispatcher.counts[f"closes_{code}"] == 1


def test_nothing_follows_a_close(world: World) -> None:
    peer = world.connect()
    peer.write(wire.masked(b"\xff"))
    until(lambda: peer.close_code() == 1007)
    world.post(3)
    peer.write(text({"type": "ping"}))
    settle()
    assert [frame.opcode for frame in peer.read()] == [wire.CLOSE]


# -- closing


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_close_is_answered_with_its_code_and_tcp_ends_at_once(code: int, world: World) -> None:
    peer = world.connect()
    peer.write(wire.close(code, b"bye"))
    until(lambda: peer.close_code() == code)
    until(lambda: peer.receive() is not None and peer.is_ended)
    assert world.dispatcher.count == 0


def test_close_without_a_code_is_answered_without_one(world: World) -> None:
    peer = world.connect()
    peer.write(wire.close())
    until(lambda: peer.read() == [(wire.CLOSE, b"")])


def test_answer_to_our_close_ends_the_connection(world: World) -> None:
    peer = world.connect()
    peer.client.close(4408, "no heartbeat")
    assert peer.close_code() == 4408
    peer.write(wire.close(4408))
    until(lambda: peer.client.state == CLOSED)
    peer.receive()
    assert peer.is_ended
    assert len(peer.frames) == 1


def test_requests_behind_a_close_are_not_served(world: World) -> None:
    peer = world.connect()
    peer.write(wire.close(1000) + b"GET /auth/me HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: peer.receive() is not None and peer.is_ended)
    assert peer.raw == wire.close(1000)[:1] + b"\x02" + (1000).to_bytes(2, "big")


def test_client_that_vanishes_is_forgotten(world: World) -> None:
    peer = world.connect()
    peer.sock.close()
    until(lambda: world.dispatcher.count == 0)
    assert peer.client.state == CLOSED
    assert peer.client.fd == -1


def test_dropping_twice_closes_no_other_descriptor(world: World) -> None:
    first = world.connect()
    first.client.drop()
    second = world.connect()  # takes over the number of the first
    first.client.drop()
    world.post()
    until(lambda: second.seqs() == [1])


def test_clients_are_counted_by_transport(world: World) -> None:
    world.connect()
    world.telling()
    world.long_poll()
    assert world.dispatcher.parked == {"websocket": 2, "long-poll": 1}
    assert world.dispatcher.count == 3


def test_badges_stand_where_the_events_do(world: World) -> None:
    peer = world.connect()
    world.post(2)
    until(peer.said)
    assert peer.said()[0]["badges"] == json.loads(badges(2))
