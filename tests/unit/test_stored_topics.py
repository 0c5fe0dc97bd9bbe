"""Topics that stand in the database: what is read when, and that nothing slips between and nothing goes back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
import pytest

from myapp.live.bus import TopicNews
from myapp.live.pace import PACE
from myapp.live.topics import Watch

from .parking import Peer, settle, until
from .stored import StoredWorld, a_world, numbers, snapshots


@pytest.fixture
def world() -> Iterator[StoredWorld]:
    with a_world() as world:
        yield world


#: Somebody who begins to watch these, and has nothing of them yet.
Way = Callable[..., Peer]


def by_websocket(world: StoredWorld, *topics: str) -> Peer:
    return world.websocket_on(*topics)


def by_stream(world: StoredWorld, *topics: str) -> Peer:
    return world.stream_on(*topics)


def by_long_poll(world: StoredWorld, *topics: str) -> Peer:
    return world.poll_on([0] * len(topics), *topics)


WAYS = [by_websocket, by_stream, by_long_poll]


# -- beginning to watch


@pytest.mark.parametrize("way", WAYS)
def test_who_begins_to_watch_is_given_what_is_stored(way: Way, world: StoredWorld) -> None:
    news = [world.change(name, 7, is_told=False) for name in "ab"]
    peer = way(world, "fact:a", "fact:b", "presence:1")
    until(lambda: len(snapshots(peer)) == 3)
    said = {snapshot["topic"]: snapshot for snapshot in snapshots(peer)}
    for item in news:
        assert (said[item.key]["version"], said[item.key]["data"]) == (item.version, {"n": 7})
    assert said["presence:1"]["data"] == {"state": "offline"}
    assert world.stored_reads == [["fact:a", "fact:b"]]


@pytest.mark.parametrize("way", WAYS)
def test_it_is_subscribed_to_before_it_is_read(way: Way, world: StoredWorld) -> None:
    world.change("a", 1, is_told=False)
    world.before_read.clear()
    greenlet = gevent.spawn(way, world, "fact:a")
    until(lambda: bool(world.stored_reads))
    assert "fact:a" in world.bus.channels
    world.before_read.set()
    until(lambda: greenlet.ready() and numbers(greenlet.get()) == [1])


@pytest.mark.parametrize("way", WAYS)
def test_what_changes_while_it_is_read_is_not_lost_and_not_taken_back(way: Way, world: StoredWorld) -> None:
    world.change("a", 1)
    world.after_read.clear()
    greenlet = gevent.spawn(way, world, "fact:a")
    until(lambda: bool(world.stored_reads))
    settle(0.005)
    world.change("a", 2)
    world.after_read.set()  # with what stood there before
    until(lambda: greenlet.ready() and numbers(greenlet.get()) == [2])


def test_who_comes_while_it_is_read_for_another_is_given_it_too(world: StoredWorld) -> None:
    world.change("a", 1)
    world.before_read.clear()
    greenlets = [gevent.spawn(by_stream, world, "fact:a") for _ in range(3)]
    until(lambda: len(world.stored_reads) == 3)
    world.before_read.set()
    until(lambda: all(greenlet.ready() and numbers(greenlet.get()) == [1] for greenlet in greenlets))


def test_what_is_watched_already_is_not_read_again(world: StoredWorld) -> None:
    world.change("a", 1)
    first = by_stream(world, "fact:a")
    world.change("a", 2)
    peers = [way(world, "fact:a") for way in WAYS]
    until(lambda: all(numbers(peer) == [2] for peer in peers))
    assert numbers(first) == [1]  # the first change comes when its time has come
    assert world.stored_reads == [["fact:a"]]


def test_what_nobody_watches_is_left_and_read_again_by_the_next(world: StoredWorld) -> None:
    world.change("a", 1)
    peers = [by_stream(world, "fact:a"), by_websocket(world, "fact:a")]
    for peer in peers:
        assert "fact:a" in world.bus.channels
        peer.client.drop()
    assert "fact:a" not in world.bus.channels
    world.change("a", 2)
    assert numbers(by_stream(world, "fact:a")) == [2]
    assert world.stored_reads == [["fact:a"]] * 2


def test_who_watches_something_else_leaves_only_what_it_no_longer_watches(world: StoredWorld) -> None:
    for name in "abc":
        world.change(name, 1)
    peer = by_websocket(world, "fact:a", "fact:b")
    until(lambda: len(snapshots(peer)) == 2)
    world.dispatcher.topics.watch_later(peer.client, ["fact:b", "fact:c"])
    until(lambda: len(snapshots(peer)) == 4)
    assert {channel for channel in world.bus.channels if isinstance(channel, str)} == {"fact:b", "fact:c"}
    assert world.stored_reads == [["fact:a", "fact:b"], ["fact:c"]]


def test_of_what_does_not_stand_there_nothing_is_said_until_it_does(world: StoredWorld) -> None:
    peers = [way(world, "fact:a") for way in WAYS]
    settle()
    assert [snapshots(peer) for peer in peers] == [[], [], []]
    assert all(said["type"] != "error" for said in peers[0].said())
    world.pass_time(PACE)
    world.change("a", 1)
    assert [numbers(peer) for peer in peers] == [[1], [1], [1]]


def test_a_websocket_that_left_while_it_was_read_leaves_nothing_behind(world: StoredWorld) -> None:
    world.before_read.clear()
    peer = by_websocket(world, "fact:a")
    peer.client.drop()
    world.before_read.set()
    until(lambda: world.dispatcher.topics.size == 0)
    assert world.bus.channels == set()


def test_two_names_of_one_topic_are_both_told(world: StoredWorld) -> None:
    world.change("a", 1)
    topics = world.dispatcher.topics
    watches = [Watch("fact:A", "fact:a"), Watch("fact:a", "fact:a")]
    peer = world.stream()
    topics.hold(watches)
    topics.watch(peer.client, watches)
    topics.release(watches)
    topics.give_all(peer.client)
    world.pass_time(PACE)
    world.change("a", 2)
    said = [(snapshot["topic"], snapshot["data"]["n"]) for snapshot in snapshots(peer)]
    assert said == [("fact:A", 1), ("fact:a", 1), ("fact:A", 2), ("fact:a", 2)]


# -- looking without watching


def test_a_look_reads_and_subscribes_to_nothing(world: StoredWorld) -> None:
    topics = world.dispatcher.topics
    watches = topics.resolve(7, ["fact:a", "fact:none", "presence:1"])
    for number in (1, 2):
        world.change("a", number, is_told=False)
        topics.stored.refresh(watches)
        fact, presence = topics.current(watches)
        assert fact == ("fact:a", world.facts["fact:a"][0], f'{{"n":{number}}}')
        assert presence.topic == "presence:1"
    assert world.bus.channels == set()
    assert world.stored_reads == [["fact:a", "fact:none"]] * 2


def test_a_look_that_fails_says_so(world: StoredWorld) -> None:
    topics = world.dispatcher.topics
    world.failing_stored_reads = 1
    with pytest.raises(ConnectionError):
        topics.stored.refresh(topics.resolve(7, ["fact:a"]))


def test_a_look_at_what_is_watched_reads_nothing_and_gives_the_newest(world: StoredWorld) -> None:
    world.change("a", 1)
    by_stream(world, "fact:a")
    world.change("a", 2)
    topics = world.dispatcher.topics
    watches = topics.resolve(7, ["fact:a"])
    topics.stored.refresh(watches)
    assert [snapshot.data for snapshot in topics.current(watches)] == ['{"n":2}']
    assert len(world.stored_reads) == 1


def test_what_was_read_by_a_look_while_somebody_began_to_watch_is_given_to_both(world: StoredWorld) -> None:
    world.change("a", 1)
    topics = world.dispatcher.topics
    watches = topics.resolve(7, ["fact:a"])
    world.after_read.clear()
    look = gevent.spawn(topics.stored.refresh, watches)
    until(lambda: len(world.stored_reads) == 1)
    watcher = gevent.spawn(by_stream, world, "fact:a")
    until(lambda: len(world.stored_reads) == 2)
    world.after_read.set()
    look.get()
    assert [snapshot.data for snapshot in topics.current(watches)] == ['{"n":1}']
    assert numbers(watcher.get()) == [1]


# -- nothing goes back


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_an_older_version_never_takes_the_place_of_a_newer_one(order: Sequence[int], world: StoredWorld) -> None:
    peer = by_stream(world, "fact:a")
    news = [TopicNews("fact:a", 100 + n, f'{{"n":{n}}}') for n in range(4)]
    ways: list[Callable[[TopicNews], Any]] = [
        world.bus.put,
        lambda item: world.dispatcher.topics.stored.compare({item.key: item[1:]}),
    ]
    newest = -1
    for turn, n in enumerate(order):
        newest = max(newest, n)
        ways[turn % 2](news[n])
        ways[turn % 2](news[n]._replace(data='{"n":-1}'))  # an equal version is the same
        world.pass_time(0.6)
        assert numbers(peer)[-1] == newest
    assert numbers(peer) == sorted(set(numbers(peer)))


def test_news_of_what_nobody_watches_and_of_what_is_not_stored_is_not_taken(world: StoredWorld) -> None:
    peer = by_stream(world, "presence:1")
    size = world.dispatcher.topics.size
    world.bus.put(TopicNews("fact:z", 5, '{"n":1}'))
    world.bus.put(TopicNews("presence:1", 2**53 - 1, '{"state":"online"}'))
    assert world.dispatcher.topics.size == size
    assert [said["data"] for said in snapshots(peer)] == [{"state": "offline"}]


def test_others_get_theirs_where_granting_a_wish_fails(world: StoredWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    topics = world.dispatcher.topics
    hold = topics.hold
    fails = [True]

    def hold_or_fail(watches: Sequence[Watch]) -> None:
        if fails and fails.pop():
            raise RuntimeError("as never expected")
        hold(watches)

    monkeypatch.setattr(topics, "hold", hold_or_fail)
    world.change("a", 1, is_told=False)
    world.websocket_on("fact:a")
    second = world.websocket_on("fact:a")
    until(lambda: numbers(second) == [1])
    assert world.dispatcher.counts.pop("callback_failures") == 1
