"""Handshakes beyond the first few give their places back and wait for their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from myapp import postgres_pool
from myapp.live import anteroom, takeover
from myapp.live.anteroom import Anteroom


class Handler:
    """A server's handler that gives one end of a pair of sockets away."""

    def __init__(self) -> None:
        self.client, self.server = socket.socketpair()
        self.client.settimeout(5)

    def take(self) -> takeover.Taken:
        return takeover.Taken(self.server.detach(), b"")


class Door:
    """An application that takes each socket when it may, or answers as its name says."""

    def __init__(self) -> None:
        self.is_open = Event()
        #: what each does inside
        self.take_time: Callable[[], None] = lambda: gevent.sleep(0)
        self.met: list[str] = []
        self.refused: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        name = environ["name"]
        if takeover.REFUSED in environ:
            self.refused.append(name)
            start_response("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "5")])
            return []
        self.is_open.wait()
        self.take_time()
        self.met.append(name)
        if name == "broken":
            raise RuntimeError("as asked")
        if name == "refused":
            start_response("403 Forbidden", [("Content-Length", "2"), ("Connection", "keep-alive")])
            return [b"no"]
        if environ["PATH_INFO"] == "/ws":
            takeover.end(takeover.take(environ).fd)
        return []


class Guests:
    """Requests to an anteroom, each in a greenlet of its own, as a server makes them."""

    def __init__(self, door: Door, most: int) -> None:
        self.places = 100
        self._room = Anteroom(door, "/ws", most, lambda waiting: waiting <= self.places)
        self.handlers: dict[str, Handler] = {}

    def come(self, name: str, path: str = "/ws", **more: str) -> gevent.Greenlet:
        handler = self.handlers[name] = Handler()
        environ = {"PATH_INFO": path, "name": name, takeover.KEY: handler, "HTTP_UPGRADE": "websocket", **more}
        request = gevent.spawn(self._room, environ, lambda status, headers: None)
        gevent.sleep(0)
        return request

    def close(self) -> None:
        for handler in self.handlers.values():
            handler.client.close()
            handler.server.close()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def guests(door: Door) -> Iterable[Guests]:
    guests = Guests(door, most=1)
    yield guests
    guests.close()


def test_who_comes_behind_the_first_gives_its_place_back_and_is_served_in_turn(door: Door, guests: Guests) -> None:
    first, second, third = (guests.come(name) for name in ("first", "second", "third"))
    assert (first.dead, second.dead, third.dead) == (False, True, True)
    door.is_open.set()
    for name in ("first", "second", "third"):
        assert guests.handlers[name].client.recv(1) == b""
    assert door.met == ["first", "second", "third"]


def test_a_page_does_not_wait_behind_handshakes(door: Door, guests: Guests) -> None:
    for name in ("first", "second"):
        guests.come(name)
    page = guests.come("page", "/")
    door.is_open.set()
    page.get(timeout=5)
    assert set(door.met) == {"first", "page"}, "the second still waits for others that may come"


def test_who_is_refused_after_waiting_is_answered_by_http(door: Door, guests: Guests) -> None:
    guests.come("first")
    guests.come("refused")
    door.is_open.set()
    client = guests.handlers["refused"].client
    answer = b""
    while data := client.recv(1000):
        answer += data
    assert answer == b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"


def test_one_that_fails_is_closed_and_the_next_has_its_turn(door: Door, guests: Guests) -> None:
    for name in ("first", "broken", "next"):
        guests.come(name)
    door.is_open.set()
    assert guests.handlers["broken"].client.recv(1) == b""
    assert guests.handlers["next"].client.recv(1) == b""
    assert door.met == ["first", "broken", "next"]


def test_who_sends_a_body_does_not_wait_in_the_queue(door: Door, guests: Guests) -> None:
    guests.come("first")
    assert not guests.come("with a body", CONTENT_LENGTH="3").dead
    door.is_open.set()


def test_who_finds_no_place_is_refused_at_once(door: Door, guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    guests.come("first")
    guests.places = 1
    guests.come("waits")
    assert guests.come("one too many").dead
    guests.places = 2
    with monkeypatch.context() as without_descriptors:
        without_descriptors.setattr(takeover, "take", fail)
        assert guests.come("without a descriptor").dead
    assert door.refused == ["one too many", "without a descriptor"]
    door.is_open.set()
    assert guests.handlers["waits"].client.recv(1) == b""
    assert door.met == ["first", "waits"]


def fail(environ: dict[str, Any]) -> None:
    raise OSError("no descriptor is left")


REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"


def clock_of(monkeypatch: pytest.MonkeyPatch, longest: float) -> dict[str, float]:
    """What the anteroom takes for now, until it is set forward; so many seconds of it are too long to wait."""
    clock = {"now": 0.0}
    monkeypatch.setattr(anteroom, "time", SimpleNamespace(monotonic=lambda: clock["now"]))
    monkeypatch.setattr(anteroom, "LONGEST", longest)
    return clock


def test_who_has_waited_for_too_long_is_refused_whatever_those_in_front_do(
    door: Door, guests: Guests, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert anteroom.LONGEST == postgres_pool.POOL_PATIENCE
    clock = clock_of(monkeypatch, 0.05)
    first = guests.come("first")
    names = [f"waits {number}" for number in range(20)]
    for name in names:
        guests.come(name)
    clock["now"] = 0.04
    guests.come("later")
    clock["now"] = 0.08  # beyond 0.05, and not yet 0.09
    for name in names:
        assert guests.handlers[name].client.recv(1000) == REFUSED
        assert guests.handlers[name].client.recv(1) == b""
    assert (first.dead, door.refused) == (False, names)
    door.is_open.set()
    assert guests.handlers["later"].client.recv(1000) == b""
    assert door.met == ["first", "later"]


def test_nobody_is_refused_in_a_long_queue_that_moves(
    door: Door, guests: Guests, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = clock_of(monkeypatch, 0.05)

    def take_time() -> None:
        gevent.sleep(0.03)
        clock["now"] += 0.03

    door.take_time = take_time
    door.is_open.set()
    names = [f"guest {number}" for number in range(10)]
    for name in names:
        guests.come(name)
    assert [guests.handlers[name].client.recv(1000) for name in names] == [b""] * 10
    assert (door.met, door.refused) == (names, [])


def test_who_comes_when_nobody_waits_any_more_is_refused_in_time_too(
    door: Door, guests: Guests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anteroom, "LONGEST", 0.05)
    guests.come("first")
    for name in ("second", "third"):
        guests.come(name)
        assert guests.handlers[name].client.recv(1000) == REFUSED
        gevent.sleep(0.1)
    door.is_open.set()
