"""How often watchers are told of what is stored: at once, then once in half a second, and the last state always."""

from __future__ import annotations

import random
import select
from collections import defaultdict
from collections.abc import Iterator

import gevent
import pytest

from myapp.live import frames
from myapp.live.pace import PACE
from myapp.live.returns import SKEW

from .parking import Peer, until
from .stored import BEGAN_MS, StoredWorld, a_world, numbers, snapshots


@pytest.fixture
def world() -> Iterator[StoredWorld]:
    with a_world() as world:
        yield world


def test_the_first_change_goes_out_at_once_and_then_the_newest_in_each_half_second(world: StoredWorld) -> None:
    world.change("a", 0)
    peers = [world.websocket_on("fact:a"), world.stream_on("fact:a")]
    world.pass_time(PACE)
    world.change("a", 1)
    assert [numbers(peer) for peer in peers] == [[0, 1], [0, 1]]
    for number in (2, 3, 4):
        world.pass_time(0.1)
        world.change("a", number)
    world.pass_time(0.2)
    assert numbers(peers[0]) == [0, 1]
    world.pass_time(0.05)
    assert [numbers(peer) for peer in peers] == [[0, 1, 4], [0, 1, 4]]
    world.pass_time(5)
    assert numbers(peers[0]) == [0, 1, 4]
    world.change("a", 5)
    assert [numbers(peer) for peer in peers] == [[0, 1, 4, 5], [0, 1, 4, 5]]


def test_other_topics_have_their_own_pace(world: StoredWorld) -> None:
    peer = world.stream_on("fact:a", "fact:b")
    world.pass_time(PACE)
    world.change("a", 1)
    world.change("a", 2)
    world.change("b", 3)
    assert numbers(peer) == [1, 3]


def test_what_is_not_stored_has_none(world: StoredWorld) -> None:
    peer = world.stream_on("presence:1", "fact:a")
    for state in ("online", "offline", "online"):
        world.dispatcher.topics.put("presence:1", f'{{"state":"{state}"}}')
    assert [said["data"]["state"] for said in snapshots(peer)] == ["offline", "online", "offline", "online"]


def test_who_came_is_given_nothing_more_for_half_a_second_and_then_what_changed(world: StoredWorld) -> None:
    world.change("a", 0)
    world.stream_on("fact:a")
    world.pass_time(1)
    late = [world.stream_on("fact:a"), world.websocket_on("fact:a")]
    world.pass_time(0.1)
    world.change("a", 1)
    world.pass_time(0.4)
    assert [numbers(peer) for peer in late] == [[0], [0]]
    world.pass_time(0.15)
    assert [numbers(peer) for peer in late] == [[0, 1], [0, 1]]
    world.pass_time(3)
    assert [numbers(peer) for peer in late] == [[0, 1], [0, 1]]


def test_who_came_with_the_newest_is_not_given_it_again(world: StoredWorld) -> None:
    first = world.stream_on("fact:a")
    world.pass_time(1)
    world.change("a", 1)
    world.pass_time(0.1)
    world.change("a", 2)
    late = world.stream_on("fact:a")
    world.pass_time(2)
    assert (numbers(first), numbers(late)) == ([1, 2], [2])


def test_who_came_with_the_newest_is_not_given_it_again_though_its_time_comes_late(world: StoredWorld) -> None:
    first = world.stream_on("fact:a")
    world.pass_time(1)
    world.change("a", 1)
    world.change("a", 2)
    late = world.stream_on("fact:a")
    world.pass_time(3, step=3)  # the machine is busy
    assert (numbers(first), numbers(late)) == ([1, 2], [2])


def test_who_has_room_again_counts_as_one_who_came(world: StoredWorld) -> None:
    peer, other = world.stream_on("fact:a", buffers=4096), world.stream_on("fact:a")
    world.pass_time(1)
    while not peer.client.rest:
        peer.client.send(b":" + b"x" * 5000 + b"\n\n")
    for number in (1, 2, 3):
        world.change("a", number)
        world.pass_time(0.6)
    assert numbers(other) == [1, 2, 3]
    until(lambda: numbers(peer) == [3])  # the newest, once
    world.change("a", 4)
    assert (numbers(peer), numbers(other)) == ([3], [1, 2, 3, 4])
    world.pass_time(1)
    assert numbers(peer) == [3, 4]


def test_a_websocket_that_was_behind_when_it_asked_gets_all_when_there_is_room(world: StoredWorld) -> None:
    world.change("a", 1)
    peer = world.connect(buffers=4096)
    while not peer.client.rest:
        peer.client.send(frames.pong(1) * 500)
    world.dispatcher.topics.watch_later(peer.client, ["fact:a", "presence:1"])
    gevent.sleep(0.01)
    assert peer.client.is_behind
    until(lambda: len(snapshots(peer)) == 2)


@pytest.mark.parametrize("seed", range(4))
def test_whoever_comes_and_goes_is_given_at_most_two_a_second_and_the_last_state(seed: int, world: StoredWorld) -> None:
    """Streams and WebSockets that come, leave and lag at any time, and a topic that is now hot and now not."""
    lots = random.Random(seed)
    watching: list[Peer] = []
    given: dict[Peer, list[tuple[float, int]]] = defaultdict(list)

    def note() -> None:
        gevent.sleep(0)
        readable = select.select([peer.sock for peer in watching], [], [], 0)[0]
        for peer in watching:
            for number in numbers(peer)[len(given[peer]) :] if peer.sock in readable else ():
                given[peer].append((world.clock.now, number))

    for number in range(1, 200):
        if lots.random() < 0.1:
            watching.append(lots.choice([world.websocket_on, world.stream_on])("fact:a"))
        if watching and lots.random() < 0.05:
            watching.pop(lots.randrange(len(watching))).client.drop()
        if lots.random() < (0.9 if number % 100 < 50 else 0.05):
            world.change("a", number)
        for _ in range(lots.choice([1, 5, 10])):
            note()
            world.pass_time(0.01, 0.01)
    for _ in range(100):
        note()
        world.pass_time(0.01, 0.01)
    assert len(watching) > 5
    for peer in watching:
        times = [at for at, _number in given[peer]]
        assert all(after - before >= PACE - 1e-6 for before, after in zip(times, times[1:], strict=False))
        told = [number for _at, number in given[peer]]
        assert told == sorted(set(told))
        assert f'{{"n":{told[-1]}}}' == world.facts["fact:a"][1]


def test_a_frame_is_made_once_for_all_and_a_change_makes_none(
    world: StoredWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    frame = frames.snapshot

    def counted(topic: str, version: int, data: str) -> bytes:
        made.append(version)
        return frame(topic, version, data)

    peers = [world.websocket_on("fact:a", "presence:1") for _ in range(40)]
    world.pass_time(1)
    monkeypatch.setattr(frames, "snapshot", counted)
    world.change("a", 1)
    assert len(made) == 1
    for number in range(2, 1000):
        world.change("a", number)
    assert len(made) == 1
    world.pass_time(PACE)
    assert len(made) == 2
    world.dispatcher.topics.put("presence:1", '{"n":1000}')
    assert len(made) == 3
    assert all(numbers(peer)[-3:] == [1, 999, 1000] for peer in peers)


# -- long polls, which say what they have


def ago(world: StoredWorld, seconds: float) -> int:
    """The version of what changed so long ago."""
    return world.now_ms - round(seconds * 1000)


def test_a_waiting_long_poll_is_answered_by_the_first_change(world: StoredWorld) -> None:
    version = world.change("a", 1).version
    world.pass_time(1)
    poll = world.poll_on([version], "fact:a")
    world.pass_time(1)
    assert poll.answer() is None
    world.change("a", 2)
    assert numbers(poll) == [2]


def test_one_whose_version_is_old_is_answered_at_once(world: StoredWorld) -> None:
    version = world.change("a", 1).version
    world.pass_time(SKEW)
    world.change("a", 2)
    assert numbers(world.poll_on([version], "fact:a")) == [2]
    assert numbers(world.poll_on([0], "fact:a")) == [2]


def test_one_whose_version_was_given_here_is_answered_half_a_second_after_that(world: StoredWorld) -> None:
    for ahead in (0, 2, -2):
        world.ahead = ahead
        version = world.change("a", 0).version
        poll = world.poll_on([version], "fact:a")
        world.pass_time(1)
        version = world.change("a", 1).version
        assert numbers(poll) == [1]
        world.pass_time(0.1)
        world.change("a", 2)
        poll = world.poll_on([version], "fact:a")
        world.pass_time(0.4)
        assert poll.answer() is None
        world.pass_time(0.1)
        assert numbers(poll) == [2]
        world.pass_time(1)


@pytest.mark.parametrize("ahead", [0, 2, -2])
@pytest.mark.parametrize("age", [0.1, 0.6, 3])
def test_one_whose_version_may_be_young_is_answered_half_a_second_later(
    age: float, ahead: float, world: StoredWorld
) -> None:
    """Another worker has given it, at a time that nobody here knows."""
    version = world.change("a", 1).version
    world.pass_time(age)
    world.change("a", 2)
    world.ahead = ahead
    poll = world.poll_on([version], "fact:a")
    world.pass_time(0.2)
    world.change("a", 3)
    world.pass_time(0.25)
    assert poll.answer() is None
    world.pass_time(0.25)  # by the sweep, in its own steps
    assert numbers(poll) == [3]


def test_one_that_has_the_newest_of_one_topic_and_an_old_state_of_another_counts_by_the_newest(
    world: StoredWorld,
) -> None:
    old = world.change("b", 1).version
    world.pass_time(2 * SKEW)
    new = world.change("a", 1).version
    world.change("b", 2)
    poll = world.poll_on([new, old], "fact:a", "fact:b")
    assert poll.answer() is None
    world.pass_time(0.7)
    assert len(numbers(poll)) == 2
    world.pass_time(SKEW)
    assert world.poll_on([new, old], "fact:a", "fact:b").answer() is not None


def test_one_whose_version_is_of_the_future_waits_no_longer_for_that(world: StoredWorld) -> None:
    world.facts["fact:a"] = world.now_ms + 60_001, '{"n":1}'
    poll = world.poll_on([world.now_ms + 60_000], "fact:a")
    world.pass_time(0.45)
    assert poll.answer() is None
    world.pass_time(0.25)
    assert numbers(poll) == [1]


def test_one_that_has_nothing_newer_is_not_answered_before_its_version_is_old(world: StoredWorld) -> None:
    stream = world.stream_on("fact:a")
    world.pass_time(1)
    version = world.change("a", 1).version
    world.pass_time(0.4)
    poll = world.poll_on([version], "fact:a")
    world.change("a", 2)
    world.pass_time(0.05)
    assert poll.answer() is None
    world.pass_time(0.25)
    assert numbers(stream) == [1, 2]
    assert numbers(poll) == [2] or poll.answer() is None
    world.pass_time(0.5)
    assert numbers(poll) == [2]


def test_one_that_lacks_a_topic_or_has_an_old_state_of_somebody_is_answered_at_once(world: StoredWorld) -> None:
    versions = [world.change(name, 1).version for name in "ab"]
    assert world.poll_on([versions[0], 0], "fact:a", "fact:b").answer() is not None
    assert world.poll_on([versions[0], 0], "fact:a", "presence:1").answer() is not None
    assert world.poll_on([*versions, BEGAN_MS - 1], "fact:a", "fact:b", "presence:1").answer() is not None
    assert world.poll_on(versions, "fact:a", "fact:b").answer() is None


def test_one_that_is_owed_something_has_nobody_else_told_again(world: StoredWorld) -> None:
    world.facts["fact:a"] = world.now_ms + 1900, '{"n":1}'
    stream = world.stream_on("fact:a")
    world.pass_time(2)
    poll = world.poll_on([world.now_ms - 200], "fact:a")
    assert poll.answer() is None
    world.pass_time(1)
    assert (numbers(poll), numbers(stream)) == ([1], [1])


def test_its_own_deadline_comes_first(world: StoredWorld) -> None:
    version = world.change("a", 1).version
    world.change("a", 2)
    poll = world.poll_on([version], "fact:a", timeout=0.1)
    world.pass_time(0.3)
    assert numbers(poll) == [2]


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize(("every", "ahead"), [*((n, 0) for n in (0.01, 0.05, 0.3, 0.55, 0.7)), (0.01, 2), (0.01, -2)])
def test_long_polls_of_a_hot_topic_are_answered_at_most_twice_a_second_and_with_the_last_state(
    every: float, ahead: float, others: bool, world: StoredWorld
) -> None:
    world.ahead = ahead
    version = world.change("a", 0).version
    if others:
        world.stream_on("fact:a")
    poll, answers, number = world.poll_on([0], "fact:a"), [], 0
    ends = world.clock.now + 10
    changes_at = world.clock.now + every
    while world.clock.now < ends + 2:
        if world.clock.now >= changes_at and world.clock.now < ends:
            number += 1
            world.change("a", number)
            changes_at += every
        if numbers(poll):
            (said,) = snapshots(poll)
            if said["version"] > version or not answers:
                answers.append((world.clock.now, said["data"]["n"]))
            version = said["version"]
            world.pass_time(0.01, 0.01)  # on its way
            poll = world.poll_on([version], "fact:a")
        world.pass_time(0.01, 0.01)
    assert [n for _at, n in answers] == sorted({n for _at, n in answers})
    assert answers[-1][1] == number
    assert len(answers) <= 2 * 10 + 2
    assert len(answers) >= min(10 / every, 12)
