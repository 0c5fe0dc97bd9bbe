"""What is stored is compared with the database, always: a lost notification costs latency and never a wrong number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from myapp.live.bus import AWAY, OK
from myapp.live.rounds import MOST
from myapp.live.topics import Watch

from .parking import USER, Peer, until
from .stored import StoredWorld, a_world, numbers, snapshots

EVERY = 5.0  # seconds, as promised


@pytest.fixture
def world() -> Iterator[StoredWorld]:
    with a_world() as world:
        yield world


def three_who_watch(world: StoredWorld) -> list[Peer]:
    version = world.change("a", 1).version
    peers = [world.websocket_on("fact:a"), world.stream_on("fact:a"), world.poll_on([version], "fact:a")]
    world.pass_time(1)
    return peers


@pytest.mark.parametrize("state", [OK, AWAY])
def test_a_change_that_nobody_was_told_of_is_found_within_five_seconds(state: str, world: StoredWorld) -> None:
    world.bus.state = state
    peers = three_who_watch(world)
    world.change("a", 2, is_told=False)
    world.pass_time(EVERY if state == OK else EVERY / 2)
    assert [numbers(peer)[-1:] for peer in peers] == [[2], [2], [2]]


def test_it_is_read_once_in_each_round_and_told_only_when_it_is_newer(world: StoredWorld) -> None:
    peers = three_who_watch(world)
    world.stored_reads.clear()
    world.pass_time(20)
    assert 4 <= len(world.stored_reads) <= 6
    assert [numbers(peer) for peer in peers] == [[1], [1], []]


def test_what_a_comparison_read_late_takes_nothing_back(world: StoredWorld) -> None:
    peers = three_who_watch(world)
    world.stored_reads.clear()
    world.after_read.clear()
    world.pass_time(EVERY, 0.5)
    assert len(world.stored_reads) == 1  # it has looked, and not answered yet
    world.change("a", 2)
    world.after_read.set()
    world.pass_time(EVERY)
    assert [numbers(peer) for peer in peers] == [[1, 2], [1, 2], [2]]


def test_a_comparison_that_fails_is_tried_again_soon(world: StoredWorld) -> None:
    peers = three_who_watch(world)
    world.change("a", 2, is_told=False)
    world.failing_stored_reads = 2
    world.pass_time(EVERY)
    assert world.failing_stored_reads == 0
    assert [numbers(peer)[-1] for peer in peers] == [2, 2, 2]


@pytest.mark.parametrize("way", ["websocket", "stream", "long-poll"])
def test_what_could_not_be_read_at_first_comes_soon_after(way: str, world: StoredWorld) -> None:
    world.change("a", 1)
    world.failing_stored_reads = 2
    peer = {"websocket": world.websocket_on, "stream": world.stream_on}.get(way, lambda t: world.poll_on([0], t))(
        "fact:a"
    )
    assert numbers(peer) == []
    world.pass_time(1)
    assert numbers(peer) == [1]
    assert all(said["type"] != "error" for said in (peer.said() if way == "websocket" else ()))


def test_everything_is_compared_at_once_when_the_bus_carries_again(world: StoredWorld) -> None:
    peers = three_who_watch(world)
    world.pass_time(0.5)
    world.change("a", 2, is_told=False)
    world.dispatcher._resumed()
    world.pass_time(0.2)
    assert [numbers(peer)[-1] for peer in peers] == [2, 2, 2]


def test_one_query_asks_for_five_hundred_at_most_and_each_is_compared_in_each_round(world: StoredWorld) -> None:
    topics = world.dispatcher.topics
    watches = [Watch(f"fact:{number}", f"fact:{number}") for number in range(1800)]
    peer = world.stream()
    topics.hold(watches)
    topics.watch(peer.client, watches)
    topics.release(watches)
    world.pass_time(4)
    world.stored_reads.clear()
    world.pass_time(EVERY)
    assert max(map(len, world.stored_reads)) <= MOST
    assert len({key for keys in world.stored_reads for key in keys}) == 1800
    world.stored_reads.clear()
    topics.stored.compare_soon()
    world.pass_time(0.1)
    assert [len(keys) for keys in world.stored_reads[:4]] == [500, 500, 500, 300]


def test_what_nobody_watches_any_more_is_not_read(world: StoredWorld) -> None:
    for peer in three_who_watch(world):
        peer.client.drop()
    world.stored_reads.clear()
    world.pass_time(2 * EVERY)
    assert world.stored_reads == []
    assert len(world.dispatcher._sweep._topics) == 0


def test_what_is_not_stored_is_not_read(world: StoredWorld) -> None:
    world.stream_on("presence:1")
    world.pass_time(2 * EVERY)
    assert world.stored_reads == []


# -- a database that was put back


def put_back(world: StoredWorld, name: str, number: int) -> int:
    """A backup in which this fact is an hour older."""
    world.epoch = "e2"
    world.facts[f"fact:{name}"] = world.now_ms - 3_600_000, f'{{"n":{number}}}'
    return world.facts[f"fact:{name}"][0]


def test_after_a_backup_was_put_back_watchers_are_given_what_stands_there_although_its_version_is_smaller(
    world: StoredWorld,
) -> None:
    world.change("a", 5)
    peers = [world.websocket_on("fact:a"), world.stream_on("fact:a")]
    world.pass_time(1)
    version = put_back(world, "a", 2)
    world.pass_time(EVERY)
    assert [numbers(peer) for peer in peers] == [[5, 2], [5, 2]]
    assert [snapshots(peer)[-1]["version"] for peer in peers] == [version, version]
    world.change("a", 3)
    assert [numbers(peer) for peer in peers] == [[5, 2, 3], [5, 2, 3]]


def test_who_was_told_of_the_reset_and_asks_anew_is_given_nothing_of_before(world: StoredWorld) -> None:
    world.change("a", 5)
    peer = world.websocket_on("fact:a")
    put_back(world, "a", 2)
    world.dispatcher.delivery.compare("e2", {USER: 0})
    until(lambda: any(said["type"] == "reset" for said in peer.said()))
    world.dispatcher.topics.watch_later(peer.client, ["fact:a"])
    until(lambda: numbers(peer) == [5, 2])


def test_what_was_read_of_the_database_before_is_not_taken_for_what_stands_there_now(world: StoredWorld) -> None:
    world.change("a", 5)
    peer = world.websocket_on("fact:a")
    world.pass_time(1)
    world.stored_reads.clear()
    world.after_read.clear()
    world.pass_time(EVERY)
    assert len(world.stored_reads) == 1  # it has looked, and not answered yet
    put_back(world, "a", 2)
    world.dispatcher.topics.stored.in_epoch("e2")
    world.after_read.set()
    world.pass_time(1)
    assert numbers(peer) == [5, 2]


def test_what_comes_late_of_an_epoch_before_changes_nothing(world: StoredWorld) -> None:
    peers = three_who_watch(world)
    put_back(world, "a", 2)
    world.pass_time(EVERY)
    world.stored_reads.clear()
    world.dispatcher.topics.stored.in_epoch("e1")
    world.pass_time(0.2)
    assert world.stored_reads == []
    assert numbers(peers[0]) == [1, 2]


def test_of_what_does_not_stand_in_the_backup_nothing_is_said_not_even_what_was_due(world: StoredWorld) -> None:
    peer = world.stream_on("fact:a")
    world.pass_time(1)
    world.change("a", 1)
    world.change("a", 2)
    world.facts.clear()
    world.dispatcher.topics.stored.in_epoch("e2")
    world.pass_time(EVERY)
    assert numbers(peer) == [1]
    world.change("a", 3)
    assert numbers(peer) == [1, 3]
