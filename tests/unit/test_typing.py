"""Who is writing to whom: when it begins and ends, whom it is told, and that nothing of it stays."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from myapp.live.typing import IDLE, LIFE, MOST_READERS, TYPING, Typing

from .parking import USER, Clock, Peer, World, until

ALICE, BOB = 5, USER


class Noted:
    """Typing with a clock in the hand, and what it told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[tuple[str, str]] = []
        self.typing = Typing(lambda key, data: self.told.append((key, json.loads(data)["state"])), self.clock)

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.typing.expire(self.clock.now)

    @property
    def is_empty(self) -> bool:
        return not (self.typing._said or self.typing._readers)


@pytest.fixture
def noted() -> Noted:
    return Noted()


def test_it_is_told_when_it_begins_and_when_it_ends_and_not_in_between(noted: Noted) -> None:
    for _ in range(4):
        noted.typing.note(1, 2)
        noted.pass_time(LIFE - 1)
    assert noted.told == [("typing:1:2", TYPING)]
    noted.pass_time(1)
    assert noted.told[1:] == [("typing:1:2", IDLE)]
    assert noted.is_empty


def test_it_lives_for_its_seconds_since_it_was_said_last(noted: Noted) -> None:
    noted.typing.note(1, 2)
    noted.pass_time(1)
    noted.typing.note(1, 3)
    noted.pass_time(1)
    noted.typing.note(1, 2)
    noted.pass_time(LIFE - 1)
    assert (noted.typing.state(1, 2), noted.typing.state(1, 3)) == (TYPING, IDLE)


def test_it_goes_to_one_reader_and_in_one_direction(noted: Noted) -> None:
    noted.typing.note(1, 2)
    assert [noted.typing.state(*pair) for pair in ((1, 2), (2, 1), (1, 3))] == [TYPING, IDLE, IDLE]
    assert json.loads(noted.typing.data("1:2")) == {"state": TYPING}
    assert json.loads(noted.typing.data("2:1")) == {"state": IDLE}


def test_who_has_sent_it_is_idle_at_once_and_is_told_so_once(noted: Noted) -> None:
    noted.typing.note(1, 2)
    noted.typing.note(1, 3)
    noted.typing.stop(1, 2)
    noted.typing.stop(1, 2)
    noted.typing.stop(9, 9)
    assert noted.told[2:] == [("typing:1:2", IDLE)]
    noted.typing.stop(1, 3)
    assert noted.is_empty


def test_who_writes_to_many_is_kept_for_the_last_of_them_only(noted: Noted) -> None:
    for reader in range(10 * MOST_READERS):
        noted.typing.note(1, reader)
        assert len(noted.typing._said) == len(noted.typing._readers[1]) <= MOST_READERS
    assert noted.typing.state(1, 10 * MOST_READERS - 1) == TYPING
    assert [state for _key, state in noted.told].count(IDLE) == 9 * MOST_READERS
    noted.pass_time(LIFE)
    assert noted.is_empty


def test_saying_so_again_at_the_limit_lets_nobody_go(noted: Noted) -> None:
    for reader in range(MOST_READERS):
        noted.typing.note(1, reader)
    noted.typing.note(1, 0)
    assert IDLE not in [state for _key, state in noted.told]
    noted.typing.note(1, 999)  # the one said so longest ago makes room
    assert (noted.typing.state(1, 0), noted.typing.state(1, 1)) == (TYPING, IDLE)


# -- as its watchers see it


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def watch(world: World, peer: Peer, *topics: str, user: int = USER) -> None:
    kept = world.dispatcher.topics
    kept.watch(peer.client, kept.resolve(user, topics))
    peer.client.give_snapshots(kept.of(peer.client))


def pass_time(world: World, seconds: float) -> None:
    for _ in range(round(seconds * 4)):
        world.clock.now += 0.25
        world.dispatcher._sweep.turn()


def states(peer: Peer) -> list[str]:
    return [said["data"]["state"] for said in peer.said() if said["type"] == "snapshot"]


def test_only_the_reader_is_told(world: World) -> None:
    bob, carol = world.connect(), world.connect(user=8)
    watch(world, bob, f"typing:{ALICE}")
    watch(world, carol, f"typing:{ALICE}", user=8)
    world.dispatcher.note_typing(ALICE, BOB)
    pass_time(world, LIFE + 0.5)
    until(lambda: len(states(bob)) == 3)
    assert states(bob) == [IDLE, TYPING, IDLE]
    assert states(carol) == [IDLE]
    assert {said["topic"] for said in bob.said()} == {f"typing:{ALICE}"}


def test_who_begins_to_watch_is_told_that_somebody_is_writing(world: World) -> None:
    bob = world.connect()
    world.dispatcher.note_typing(ALICE, BOB)
    watch(world, bob, f"typing:{ALICE}")
    until(lambda: states(bob) == [TYPING])


def test_it_ends_also_where_nobody_waits(world: World) -> None:
    world.dispatcher.note_typing(ALICE, BOB)
    pass_time(world, LIFE + 0.5)
    assert world.dispatcher.typing.state(ALICE, BOB) == IDLE
    assert not (world.dispatcher.typing._said or world.dispatcher.typing._readers)


def test_a_watcher_who_has_gone_leaves_nothing_behind(world: World) -> None:
    bob = world.connect()
    watch(world, bob, f"typing:{ALICE}")
    world.dispatcher.note_typing(ALICE, BOB)
    bob.client.drop()
    pass_time(world, LIFE + 0.5)
    topics = world.dispatcher.topics
    assert not (topics.size or world.dispatcher.typing._said)
