"""How late events are written: what is counted, for whom, and for whom not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from myapp.live.bus import News
from myapp.live.frames import Batch, written_at
from myapp.live.histogram import Histogram

from .parking import USER, World, badges, settle, until


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def happen(world: World, age: float) -> Batch:
    """An event that was stored `age` seconds ago, and that nobody was told of."""
    texts = world.inboxes[USER]
    seq = len(texts) + 1
    at = time.time() - age
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"
    texts.append(f'{{"seq":{seq},"kind":"note","at":"{stamp}","data":{{}}}}')
    return Batch((texts[-1],), seq, seq, seq, badges(seq))


def counted(world: World, how: str) -> tuple[int, float]:
    lags = world.dispatcher.lags[how]
    return sum(lags.counts), lags.sum


def test_a_value_counts_for_the_first_bound_that_it_does_not_exceed() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert (histogram.counts, histogram.sum) == ([2, 2, 1], 7.5)


def test_a_lag_below_zero_is_none_because_two_hosts_clocks_differ() -> None:
    histogram = Histogram((1.0,))
    histogram.observe(-3.0)
    assert (histogram.counts, histogram.sum) == ([1, 0], 0.0)


def test_an_events_text_says_when_it_happened() -> None:
    assert written_at('{"seq":1,"kind":"message","at":"2026-11-20T09:00:00.250Z","data":{}}') == 1795165200.25
    assert written_at('{"seq":1}') == 0.0


def test_pushed_news_counts_once_however_many_are_given_it(world: World) -> None:
    peers = [world.connect(), world.connect(), world.stream()]
    world.bus.publish(News(USER, happen(world, 0.0), at=time.time() - 0.3))
    until(lambda: all(peer.client.cursor == 1 for peer in peers))
    count, total = counted(world, "push")
    assert count == 1
    assert 0.3 <= total < 3
    assert counted(world, "read") == (0, 0.0)


def test_pushed_news_that_nobody_was_given_counts_nothing(world: World) -> None:
    world.connect(cursor=0)
    batch = happen(world, 0.0)
    world.bus.publish(News(USER, batch._replace(texts=()), at=time.time()))
    settle()
    assert counted(world, "push") == (0, 0.0)


def test_what_the_sweep_found_counts_from_when_it_happened(world: World) -> None:
    peer = world.connect()
    happen(world, 2.5)
    world.dispatcher.delivery.compare(world.epoch, {USER: 1})
    until(lambda: peer.client.cursor == 1)
    count, total = counted(world, "read")
    assert count == 1
    assert 2.5 <= total < 6


def test_what_was_announced_without_its_text_counts_as_read(world: World) -> None:
    peer = world.connect()
    world.bus.publish(News(USER, happen(world, 0.1)._replace(texts=()), at=time.time()))
    until(lambda: peer.client.cursor == 1)
    assert counted(world, "read")[0] == 1


def test_a_read_after_one_that_failed_counts_the_wait_too(world: World) -> None:
    peer = world.connect()
    world.failing_reads = 1
    happen(world, 0.0)
    world.dispatcher.delivery.compare(world.epoch, {USER: 1})
    until(lambda: peer.client.cursor == 1)
    count, total = counted(world, "read")
    assert count == 1
    assert total >= 0.4


def test_who_comes_back_after_an_hour_has_no_lag_of_an_hour(world: World) -> None:
    for _ in range(3):
        happen(world, 3600.0)
    peer = world.connect(cursor=0)
    until(lambda: peer.client.cursor == 3)
    assert counted(world, "read") == (0, 0.0)


def test_nothing_is_kept_of_who_leaves_before_the_read(world: World) -> None:
    peer = world.connect()
    world.gate.clear()
    happen(world, 0.0)
    world.dispatcher.delivery.compare(world.epoch, {USER: 1})
    peer.client.drop()
    world.gate.set()
    settle()
    assert world.dispatcher.catch_up._expected == {}
