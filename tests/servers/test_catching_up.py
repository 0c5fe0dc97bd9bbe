"""Far behind, under a flood, and with half of all news lost: every transport comes to the same end, on both servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from myapp import inbox
from myapp.auth.people import by_name
from myapp.extensions import database

from ..support import AppServer
from .checker import Checker, stored
from .someone import Someone, Three, people_of
from .stream import EventStream
from .wire import fetch

FAR = 20_000
#: Where frames, answers and batches end; the JSON around the events comes on top.
MOST_EVENTS, MOST_BYTES = 100, 64 * 1024
AROUND = 400
SENDERS, EACH = 4, 250
#: Seconds between two short polls while there is nothing; clients are asked to wait longer.
POLL_EVERY = 0.05
#: The promise, and what a busy machine may add, in seconds.
LATEST, SLACK = 5.0, 3.0


def store(who: Someone, count: int) -> None:
    """So many events in the inbox of somebody who is not there, past the server; every other thousand is large."""
    with who.server.app.app_context(), database().transaction() as transaction:
        user = by_name(transaction, who.name).id
        inbox.lock(transaction, (user,))
        for number in range(count):
            body = "x" * (number % 7 * (400 if number // 1_000 % 2 else 10))
            inbox.append(transaction, user, "note", {"number": number, "body": body})


# -- following by each transport until `count` events are there


def take(checker: Checker, said: dict[str, Any], size: int) -> None:
    """A frame, answer or batch of so many bytes."""
    assert len(said["events"]) <= MOST_EVENTS
    assert size <= MOST_BYTES + AROUND + len(said["events"])
    checker.take(said)


def by_short_poll(who: Someone, checker: Checker, count: int) -> None:
    while checker.cursor < count:
        answer = who.get("/messages/poll?" + urlencode({"seq": checker.cursor}))
        take(checker, answer.json(), len(answer.body))
        if answer.json()["next"]:
            time.sleep(POLL_EVERY)


def by_long_poll(who: Someone, checker: Checker, count: int) -> None:
    while checker.cursor < count:
        with who.long_poll(checker.cursor) as wire:
            answer = wire.read_answer()
        take(checker, answer.json(), len(answer.body))


def by_stream(who: Someone, checker: Checker, count: int) -> None:
    stream = EventStream.open(who, checker.cursor).began()
    while checker.cursor < count:
        batch: list[dict[str, Any]] = []
        size = 0
        while (block := stream.next()).event != "badges":
            batch.append(block.json())
            size += len(block.data.encode())
            assert block.id == str(batch[-1]["seq"])
        last = batch[-1]["seq"]
        take(checker, {"events": batch, "seq": last, "latest": last}, size)
    stream.close()


def by_websocket(who: Someone, checker: Checker, count: int) -> None:
    ws = who.websocket(checker.cursor)
    ws.hello()
    while checker.cursor < count:
        frame = ws.read_message()
        take(checker, frame.json(), len(frame.payload))
    ws.leave()


def by_push_new(who: Someone, checker: Checker, count: int) -> None:
    """Told by a WebSocket, pulled by short polls."""
    ws = who.websocket(checker.cursor, push="new")
    ws.hello()
    while checker.cursor < count:
        told = ws.next()["seq"]
        by_short_poll(who, checker, told)
    ws.leave()


Way = Callable[[Someone, Checker, int], None]
WAYS: tuple[Way, ...] = (by_short_poll, by_long_poll, by_stream, by_websocket, by_push_new)


def follow_by_all(who: Someone, count: int, pool: ThreadPoolExecutor) -> Callable[[], list[Checker]]:
    """Begin to follow by every transport; call what is given back to wait for their end."""
    checkers = [Checker() for _ in WAYS]
    futures = [pool.submit(way, who, checker, count) for way, checker in zip(WAYS, checkers, strict=True)]

    def wait() -> list[Checker]:
        for future in futures:
            future.result()
        return checkers

    return wait


# -- far behind


@pytest.fixture(scope="module")
def far_behind(server: AppServer) -> Someone:
    """Somebody with 20,000 events."""
    bob = people_of(server).bob
    store(bob, FAR)
    return bob


@pytest.fixture(scope="module")
def everything(far_behind: Someone) -> list[dict[str, Any]]:
    """What is stored, as the database has it."""
    server = far_behind.server
    with server.app.app_context(), database().read() as connection:
        user = by_name(connection, far_behind.name).id
        texts: list[str] = []
        while (page := inbox.after(connection, user, len(texts), limit=500)).events:
            texts += [event.text for event in page.events]
    assert len(texts) == FAR
    return [json.loads(text) for text in texts]


@pytest.mark.parametrize("way", WAYS)
def test_a_cursor_20_000_behind_gets_all_in_order_in_bounded_pages(
    way: Way, far_behind: Someone, everything: list[dict[str, Any]]
) -> None:
    checker = Checker()
    way(far_behind, checker, FAR)
    checker.finish(everything)


def test_somebody_else_is_not_kept_waiting_while_20_000_events_are_read(far_behind: Someone) -> None:
    """What comes at once otherwise still does, while five follow from 0."""
    alice, bob, _ = people_of(far_behind.server)
    ws = bob.websocket()
    ws.hello()
    waits: list[float] = []
    with ThreadPoolExecutor() as pool:
        wait = follow_by_all(far_behind, FAR, pool)
        for number in range(20):
            began = time.monotonic()
            alice.send(bob, str(number))
            assert [event["data"]["body"] for event in ws.events(1)] == [str(number)]
            waits.append(time.monotonic() - began)
        wait()
    assert sorted(waits)[len(waits) // 2] < 0.5, waits


def test_two_tabs_at_different_cursors_come_to_the_same_end_and_the_nearer_one_does_not_wait(server: AppServer) -> None:
    alice, bob, _ = people_of(server)
    store(bob, 5_000)
    known = stored(bob)
    far, near = bob.websocket(0), bob.websocket(4_950)
    far.hello(), near.hello()
    of_near = Checker()
    of_near.events = known[:4_950]
    while of_near.cursor < 5_000:
        of_near.take(near.next())
    alice.send(bob, "for both tabs")
    of_near.take(near.next())  # the other one has read nothing so far
    of_far = Checker()
    while of_far.cursor < 5_001:
        of_far.take(far.next())
    for checker in (of_far, of_near):
        checker.finish(stored(bob))


# -- a flood


def send_all(sender: Someone, to: Someone, number: int) -> None:
    """As fast as it goes, on one connection."""
    with sender.server.client(sender.token) as client:
        for count in range(EACH):
            answer = client.post("/messages", json={"to": to.name, "body": f"{number} {count}"})
            assert answer.status_code == 201


def test_a_thousand_messages_to_one_user_from_several_senders_come_to_the_same_end_by_every_transport(
    server: AppServer,
) -> None:
    alice, bob, carol = people_of(server)
    with ThreadPoolExecutor() as pool:
        wait = follow_by_all(carol, SENDERS * EACH, pool)
        sending = [pool.submit(send_all, (alice, bob)[number % 2], carol, number) for number in range(SENDERS)]
        for future in sending:
            future.result()
        checkers = wait()
    everything = stored(carol)
    for checker in checkers:
        checker.finish(everything)
    bodies = [event["data"]["body"] for event in everything]
    for number in range(SENDERS):  # each sender's in the order in which they were answered
        assert [body for body in bodies if body.startswith(f"{number} ")] == [f"{number} {n}" for n in range(EACH)]


# -- half of all news lost


@pytest.fixture
def spoiled(probed: AppServer) -> Iterator[Three]:
    """Three people of a server whose bus is mended after the test."""
    yield people_of(probed)
    fetch(probed.port, "POST", "/_bus/works")


def test_with_half_of_all_news_lost_everything_arrives_within_5_s_by_every_transport(spoiled: Three) -> None:
    alice, bob, _ = spoiled
    count = 30
    with ThreadPoolExecutor() as pool:
        wait = follow_by_all(bob, count, pool)
        for number in range(count):
            fetch(bob.port, "POST", "/_bus/lose" if number % 2 else "/_bus/works")
            alice.send(bob, str(number))
        began = time.monotonic()
        checkers = wait()
        assert time.monotonic() - began < LATEST + SLACK
    everything = stored(bob)
    for checker in checkers:
        checker.finish(everything)
