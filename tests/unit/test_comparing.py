"""What a comparison of the sweep finds, and what holds when a database was put back from a backup."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from myapp.live import frames
from myapp.live.bus import News
from myapp.live.clients import BEHIND, CURRENT

from .followed import FollowedWorld, a_world, turn
from .followers import SocketFollower, TellingFollower, check_end, read_all
from .parking import USER


@pytest.fixture
def world() -> Iterator[FollowedWorld]:
    with a_world() as world:
        yield world


# -- comparisons


def test_a_comparison_does_not_take_news_that_came_during_its_query_for_a_loss(world: FollowedWorld) -> None:
    """PostgreSQL answers after a while, in which clients may have gone on."""
    follower = SocketFollower(world)
    heads = world.dispatcher._sweep._read_heads

    def slow(users: list[int]) -> tuple[str, dict[int, int]]:
        answer = heads(users)
        world.post()
        turn(3)
        return answer

    world.dispatcher._sweep._read_heads = slow  # type: ignore[assignment]
    world.clock.now += 5
    world.dispatcher._sweep.turn()
    assert follower.client.state == CURRENT
    assert world.dispatcher.counts["sweep_finds"] == 0
    world.dispatcher._sweep._read_heads = heads
    read_all(follower)
    check_end(world, follower)
    assert world.reads == []


def test_a_comparison_finds_a_loss_behind_news_that_came_during_its_query(world: FollowedWorld) -> None:
    follower = SocketFollower(world)
    heads = world.dispatcher._sweep._read_heads
    late = world.store()
    world.store()  # nobody is told of this one

    def slow(users: list[int]) -> tuple[str, dict[int, int]]:
        answer = heads(users)
        world.tell(late)
        turn(3)
        return answer

    world.dispatcher._sweep._read_heads = slow  # type: ignore[assignment]
    world.clock.now += 5
    world.dispatcher._sweep.turn()
    world.dispatcher._sweep._read_heads = heads
    read_all(follower)
    check_end(world, follower)
    assert world.dispatcher.counts["sweep_finds"] == 1


def test_who_has_room_again_before_the_read_that_a_comparison_asked_for_still_waits_for_it(
    world: FollowedWorld,
) -> None:
    world.gate.clear()
    others = [SocketFollower(world, user=user) for user in range(20, 24)]
    for other in others:  # all who read are busy
        world.tell(world.store(user=other.user)._replace(texts=()), other.user)
    follower = SocketFollower(world, buffers=2048)
    world.store()
    turn(2)
    world.compare()
    follower.client.send(frames.frame(frames.PONG, b"x" * 5_000))
    assert follower.client.state == BEHIND
    while follower.client.rest:
        follower.read()
        turn()
    world.gate.set()
    read_all(follower, *others)
    check_end(world, follower, *others)


# -- a database that was put back


LOTS = pytest.mark.parametrize("lot", [0, -1], ids=["the hindmost first", "the foremost first"])


def put_back(world: FollowedWorld, latest: int) -> None:
    """A backup that ends there."""
    world.epoch = "e2"
    del world.inboxes[USER][latest:]


def test_who_is_only_told_is_reset_although_news_comes_in_the_turn_in_which_the_sweep_finds_another_epoch(
    world: FollowedWorld,
) -> None:
    world.store(5)
    follower = TellingFollower(world)
    put_back(world, 4)
    world.post(3)
    world.compare()
    read_all(follower)
    check_end(world, follower)
    assert follower.resets == 1


def test_who_is_only_told_is_not_told_of_what_was_before_a_backup_was_put_back(world: FollowedWorld) -> None:
    world.store(5)
    before = SocketFollower(world)
    put_back(world, 2)
    after = TellingFollower(world)
    world.post()
    read_all(before, after)
    assert (after.told, after.pulls, after.cursor) == (3, 1, 3)
    world.compare()
    read_all(before, after)
    check_end(world, before, after)
    assert (before.resets, after.resets) == (1, 0)


def test_news_of_another_epoch_is_not_handed_out_but_read(world: FollowedWorld) -> None:
    """It can begin right behind the cursor, which means something else there."""
    world.store(5)
    follower = SocketFollower(world)
    put_back(world, 3)
    world.bus.publish(News(USER, world.store(2), epoch="e2"))
    world.bus.publish(News(USER, world.store(2), epoch="e2"))
    read_all(follower)
    check_end(world, follower)
    assert (follower.resets, follower.most_events) == (1, 0)


def test_news_of_an_epoch_before_that_comes_late_changes_nothing(world: FollowedWorld) -> None:
    before = world.store(5)
    put_back(world, 2)
    follower = SocketFollower(world)
    world.bus.publish(News(USER, before, epoch="e1"))
    read_all(follower)
    check_end(world, follower)
    assert (follower.resets, follower.cursor) == (0, 2)


@LOTS
def test_reset_of_one_who_stands_beyond_the_inbox_is_no_reset_of_the_others(
    lot: int, world: FollowedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "choice", lambda ends: lot)
    world.store(5)
    beyond = SocketFollower(world, 9)
    behind = SocketFollower(world, 2)
    world.compare()
    read_all(beyond, behind)
    check_end(world, beyond, behind)
    assert (beyond.resets, behind.resets, behind.frames) == (1, 0, 1)


@LOTS
def test_clients_of_two_epochs_at_the_same_cursor_are_read_for_apart(
    lot: int, world: FollowedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "choice", lambda ends: lot)
    world.store(5)
    before = SocketFollower(world, 3)
    put_back(world, 5)
    after = SocketFollower(world, 3)
    read_all(before, after)
    check_end(world, before, after)
    assert (before.resets, before.frames, after.resets, after.frames) == (1, 0, 0, 1)


@LOTS
def test_who_stands_at_the_inbox_s_end_but_in_an_epoch_before_is_reset_and_not_taken_for_current(
    lot: int, world: FollowedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first read after a backup is not sure, and resets who stands there; the second one is, and two are left."""
    monkeypatch.setattr(random, "choice", lambda ends: lot)
    world.store(5)
    everybody = []
    for _ in range(3):  # each stands further on: nobody is told of what another process writes
        everybody.append(SocketFollower(world))
        world.store()
    everybody.append(SocketFollower(world))
    put_back(world, 8)
    world.compare()
    read_all(*everybody)
    check_end(world, *everybody)
    assert [follower.resets for follower in everybody] == [1, 1, 1, 1]


def test_page_from_before_a_database_was_put_back_says_nothing_about_the_new_one(world: FollowedWorld) -> None:
    world.store(5)
    world.answer_gate.clear()
    before = SocketFollower(world, 1)
    turn(2)
    put_back(world, 2)
    after = TellingFollower(world)
    world.gate.clear()  # for the next read
    world.answer_gate.set()
    turn(3)
    world.post()
    turn(3)
    after.read()
    assert (after.told, after.cursor) == (3, 3)
    world.gate.set()
    read_all(before, after)
    world.compare()
    read_all(before, after)
    check_end(world, before, after)


def test_news_of_an_inbox_that_was_cut_within_its_epoch_is_not_lost_during_the_read_that_finds_it(
    world: FollowedWorld,
) -> None:
    world.store(5)
    follower = SocketFollower(world)
    del world.inboxes[USER][2:]
    world.answer_gate.clear()
    world.compare()
    turn(2)
    world.post()
    turn(2)
    world.answer_gate.set()
    read_all(follower)
    check_end(world, follower)
    assert (follower.resets, follower.frames) == (1, 1)
