"""Each event exactly once and in order, over whatever transport; and the proof that a breach would be found."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..support import AppServer
from .checker import Broken, Checker, Reader, stored, write
from .someone import Someone, Three, people_of
from .stream import EventStream
from .wire import fetch

WRITERS, EACH, READERS = 2, 60, 5


@pytest.fixture
def seed() -> int:
    """Another one each time; TEST_SEED repeats one. It is shown where a test fails."""
    number = int(os.environ.get("TEST_SEED") or random.randrange(10**6))
    print(f"TEST_SEED={number}")
    return number


def story(three: Three, seed: int) -> list[Reader]:
    """Two write to carol while readers of hers cut and switch. Raises Broken."""
    readers = [Reader(three.carol, WRITERS * EACH, seed + number) for number in range(READERS)]
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(reader.run) for reader in readers]
        futures += [pool.submit(write, who, three.carol, EACH, seed) for who in (three.alice, three.bob)]
        for future in futures:
            future.result()
    everything = stored(three.carol)
    assert len(everything) == WRITERS * EACH
    for reader in readers:
        reader.checker.finish(everything)
    return readers


def test_readers_that_cut_and_switch_at_random_get_everything_once_and_in_order(anywhere: Three, seed: int) -> None:
    readers = story(anywhere, seed)
    used = {way for reader in readers for way, count in reader.used.items() if count}
    assert used == {"short-poll", "long-poll", "sse", "websocket", "push-new"}


def by_poll(who: Someone, checker: Checker) -> None:
    checker.take(who.poll(0))


def by_long_poll(who: Someone, checker: Checker) -> None:
    checker.take(who.long_poll(0).read_answer().json())


def by_websocket(who: Someone, checker: Checker) -> None:
    ws = who.websocket(0)
    ws.hello()
    checker.take(ws.next())


def by_stream(who: Someone, checker: Checker) -> None:
    events = []
    stream = EventStream.open(who, 0).began()
    while (block := stream.next()).event != "badges":
        events.append(block.json())
    checker.take({"events": events, "seq": 5, "latest": 5})


@pytest.fixture(params=["drop", "double", "swap"])
def tampered(request: pytest.FixtureRequest, probed: AppServer) -> Iterator[Three]:
    """Three people of a server that drops an event, doubles one, or swaps two, in every batch."""
    three = people_of(probed)
    for number in range(5):
        three.alice.send(three.bob, str(number))
    assert fetch(probed.port, "POST", f"/_tamper/{request.param}").status == 200
    yield three
    fetch(probed.port, "POST", "/_tamper/off")


@pytest.mark.parametrize("way", [by_poll, by_long_poll, by_stream, by_websocket])
def test_the_checker_finds_a_spoiled_batch(tampered: Three, way: object) -> None:
    assert callable(way)
    with pytest.raises(Broken):
        way(tampered.bob, Checker())


@pytest.mark.parametrize("way", [by_poll, by_long_poll, by_stream, by_websocket])
def test_the_checker_is_content_with_a_right_batch(watched: Three, way: object) -> None:
    assert callable(way)
    for number in range(5):
        watched.alice.send(watched.bob, str(number))
    checker = Checker()
    way(watched.bob, checker)
    checker.finish(stored(watched.bob))


def test_a_server_that_spoils_its_batches_is_found_out_by_the_readers(tampered: Three, seed: int) -> None:
    """All of them: a single spoiled one may go to a reader who has just cut, and then nobody was given it."""
    with pytest.raises(Broken):
        story(tampered, seed)


@pytest.mark.parametrize(
    "given",
    [
        {"events": [{"seq": 1}, {"seq": 3}], "seq": 3, "latest": 3},
        {"events": [{"seq": 1}, {"seq": 1}], "seq": 1, "latest": 1},
        {"events": [{"seq": 2}, {"seq": 1}], "seq": 2, "latest": 2},
        {"events": [], "seq": 1, "latest": 1},
        {"events": [{"seq": 1}], "seq": 2, "latest": 2},
        {"events": [{"seq": 1}], "seq": 1, "latest": 0},
        {"events": [], "seq": 0, "latest": 0, "reset": True},
    ],
    ids=["hole", "twice", "out-of-order", "dropped-all", "dropped-last", "beyond-the-end", "reset"],
)
def test_the_checker_knows_every_breach(given: dict[str, object]) -> None:
    with pytest.raises(Broken):
        Checker().take(given)
