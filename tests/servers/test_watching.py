"""What is watched, over all four ways: who is writing, and long polls that come back; on both servers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ..support import wait_for
from .conftest import Servers
from .someone import Browser, Someone, Three, people_of, wait_until_parked
from .stream import EventStream
from .talk import probe
from .watchers import WAYS, States, Way, by_websocket
from .wire import fetch


def said_by(states: States) -> str:
    """The next state's one word."""
    state: str = next(states).data["state"]
    return state


def note(writer: Someone, reader: Someone) -> None:
    answer = writer.post("/messages/typing", {"to": reader.name})
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("way", WAYS)
def test_who_is_writing_is_told_to_the_reader_and_ends_with_the_message(way: Way, three: Three) -> None:
    alice, bob, carol = three
    states = way(bob, f"typing:{alice.name}")
    assert said_by(states) == "idle"
    note(alice, carol)  # is not told to Bob
    note(alice, bob)
    note(alice, bob)
    assert said_by(states) == "typing"
    alice.send(bob, "there")
    assert said_by(states) == "idle"


def test_who_falls_silent_is_idle_after_five_seconds(three: Three) -> None:
    alice, bob, _ = three
    states = by_websocket(bob, f"typing:{alice.name}")
    assert said_by(states) == "idle"
    began = time.monotonic()
    note(alice, bob)
    assert [said_by(states), said_by(states)] == ["typing", "idle"]
    assert 4.5 < time.monotonic() - began < 8


def test_a_message_sent_from_the_page_ends_it_too(server: object, three: Three) -> None:
    alice, bob, _ = people_of(three.bob.server, password=True)
    browser = Browser(alice)
    states = by_websocket(bob, f"typing:{alice.name}")
    assert said_by(states) == "idle"
    assert browser.change("POST", "/messages/typing", {"to": bob.name}).status == 204
    assert said_by(states) == "typing"
    form = f"body=hi&csrf_token={browser.csrf}".encode()
    headers = {**browser.headers, "Content-Type": "application/x-www-form-urlencoded"}
    assert fetch(alice.port, "POST", f"/chats/{bob.name}", headers, body=form).status == 303
    assert said_by(states) == "idle"


def test_to_whom_one_cannot_write_one_is_not_writing(three: Three) -> None:
    alice, bob, _ = three
    assert alice.post("/messages/typing", {"to": "nobody-at-all"}).status == 404
    assert list(alice.post("/messages/typing", {"to": alice.name}).json()["errors"]) == ["to"]
    assert "body" in str(alice.post("/messages/typing", {"to": bob.name, "body": "x"}).json())
    assert fetch(alice.port, "POST", "/messages/typing", {}, {"to": bob.name}).status == 401


def test_saying_so_is_limited(start: Servers) -> None:
    alice, bob, _ = people_of(start(RATE_LIMITS="on"))
    statuses = [alice.post("/messages/typing", {"to": bob.name}).status for _ in range(121)]
    assert statuses[:119] == [204] * 119
    assert statuses[-1] == 429 or len(set(statuses)) == 1, "a minute may have turned"


# -- between two long polls


def ask(who: Someone, topic: str, have: int, timeout: float = 20) -> tuple[Any, float]:
    """A long poll's answer, and after how many seconds it came."""
    began = time.monotonic()
    said = who.long_poll(0, timeout=timeout, watch=topic, have=have).read_answer().json()
    assert said["events"] == []
    return said["snapshots"][topic], time.monotonic() - began


def test_a_change_between_two_long_polls_is_told_at_once(three: Three) -> None:
    alice, bob, _ = three
    topic = f"typing:{alice.name}"
    first, took = ask(bob, topic, 0)
    assert (first["data"], took < 5) == ({"state": "idle"}, True)
    note(alice, bob)
    second, took = ask(bob, topic, first["version"])
    assert (second["data"], took < 4) == ({"state": "typing"}, True)
    assert second["version"] > first["version"]


def test_an_idle_watcher_asks_once_in_each_timeout(three: Three) -> None:
    alice, bob, carol = three
    topic = f"typing:{alice.name}"
    have = ask(bob, topic, 0)[0]["version"]
    for _ in range(3):
        snapshot, took = ask(bob, topic, have, 0.5)
        assert took >= 0.5
        assert snapshot == {"version": have, "data": {"state": "idle"}}
        ask(carol, topic, 0)  # what others ask does not make it newer
        bob.poll(watch=topic)


def test_without_a_version_it_waits_as_it_always_did(three: Three) -> None:
    alice, bob, _ = three
    began = time.monotonic()
    said = bob.long_poll(0, timeout=0.5, watch=f"typing:{alice.name}").read_answer().json()
    assert time.monotonic() - began >= 0.5
    assert said["snapshots"][f"typing:{alice.name}"]["data"] == {"state": "idle"}


def test_what_may_not_be_watched_does_not_answer_at_once(three: Three) -> None:
    bob = three.bob
    began = time.monotonic()
    said = bob.long_poll(0, timeout=0.5, watch="post:0", have=0).read_answer().json()
    assert time.monotonic() - began >= 0.5
    assert "post:0" in said["errors"]["watch"]


# -- nothing stays


def test_of_writers_and_of_watchers_that_went_nothing_stays(watched: Three) -> None:
    alice, bob, carol = watched
    server = alice.server
    wait_for(lambda: probe(server)["watched"] == 0, "nobody to watch")
    socket = bob.websocket()
    socket.hello()
    socket.say(f'{{"type": "watch", "topics": ["typing:{alice.name}", "presence:{alice.name}"]}}')
    assert [socket.next()["type"] for _ in range(2)] == ["snapshot", "snapshot"]
    stream = EventStream.open(carol, watch=f"typing:{alice.name}").began()
    assert stream.next().event == "snapshot"
    assert probe(server)["watched"] > 0
    for reader in (bob, carol):
        note(alice, reader)
    wait_until_parked(carol, "sse")
    socket.cut()
    stream.cut()
    wait_for(lambda: probe(server)["watched"] == 0, "watchers to be forgotten")
    wait_for(lambda: probe(server)["typing"] == 0, "writers to be forgotten")
