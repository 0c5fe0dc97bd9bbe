"""Catching up from far behind and under a flood of messages: bounded pages, bounded reads, and nobody else waits."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from myapp.live.batches import FRAME_EVENTS
from myapp.live.catching_up import READERS

from .followed import FollowedWorld, a_world, event_text, pages, turn
from .followers import (
    KINDS,
    Follower,
    PollFollower,
    SocketFollower,
    StreamFollower,
    TellingFollower,
    check_end,
    read_all,
)
from .parking import USER, until

FAR = 100_000
OTHER = 8
#: What more may be read than the pages there are: news and comparisons that come meanwhile.
FEW = 3


@pytest.fixture(params=[True, False], ids=["cooperative", "blocking"])
def world(request: pytest.FixtureRequest) -> Iterator[FollowedWorld]:
    """Reads that give way to others while they are under way, and reads that do not."""
    with a_world(is_cooperative=request.param) as world:
        yield world


@pytest.fixture(scope="module")
def long_inbox() -> list[str]:
    return [event_text(seq) for seq in range(1, FAR + 1)]


def follow(world: FollowedWorld, *followers: Follower) -> None:
    """Let everybody read until they have all there is."""
    latest = len(world.inboxes[USER])

    def have_read() -> bool:
        for follower in followers:
            follower.read()
        return all(follower.cursor == latest for follower in followers)

    until(have_read, f"{followers} to come to {latest}", 60)
    read_all(*followers)
    check_end(world, *followers)


# -- far behind


@pytest.mark.parametrize("kind", KINDS)
def test_a_cursor_100_000_behind_is_brought_to_the_end_in_bounded_pages(
    kind: type[Follower], world: FollowedWorld, long_inbox: list[str]
) -> None:
    world.inboxes[USER] = list(long_inbox)
    follower = kind(world, 0)
    follow(world, follower)
    needed = 0 if kind is TellingFollower else FAR // FRAME_EVENTS
    assert needed <= len(world.reads) <= needed + FEW
    assert world.most_for_a_user <= 1
    assert follower.most_events == FRAME_EVENTS
    assert follower.frames == FAR // FRAME_EVENTS


@pytest.mark.parametrize("kind", [SocketFollower, StreamFollower, PollFollower])
def test_pages_of_large_events_end_at_64_kilobytes(kind: type[Follower], world: FollowedWorld) -> None:
    world.store(2_000, size=3_000)
    needed = pages(world, 0)
    assert needed > 90
    follower = kind(world, 0)
    follow(world, follower)
    assert needed <= len(world.reads) <= needed + FEW
    assert follower.most_events == 21
    assert world.most_for_a_user <= 1


def test_clients_of_one_user_far_apart_are_all_brought_to_the_end_with_no_more_reads_than_each_alone(
    world: FollowedWorld, long_inbox: list[str]
) -> None:
    world.inboxes[USER] = list(long_inbox)
    stands = (0, 40_000, FAR - 150, FAR - 10, FAR)
    followers: list[Follower] = [SocketFollower(world, cursor) for cursor in stands]
    followers += [StreamFollower(world, 30_000), PollFollower(world, FAR - 10), TellingFollower(world, 20_000)]
    needed = sum(pages(world, cursor) for cursor in (*stands, 30_000))  # both who lack ten have them by one
    follow(world, *followers)
    assert len(world.reads) <= needed + FEW
    assert world.most_for_a_user == 1


@pytest.mark.parametrize("kind", [SocketFollower, StreamFollower, PollFollower])
def test_clients_at_the_same_cursor_are_brought_to_the_end_by_the_same_reads(
    kind: type[Follower], world: FollowedWorld
) -> None:
    world.store(5_000)
    follow(world, *(kind(world, 0) for _ in range(10)))
    assert len(world.reads) <= 50 + FEW


def test_a_client_near_the_end_does_not_wait_for_one_that_is_far_behind(world: FollowedWorld) -> None:
    """Another tab of the same user: what comes now must not come after 20,000 old events. It is drawn by lot."""
    world.store(20_000)
    far, near = SocketFollower(world, 0), SocketFollower(world)
    while far.cursor < 500:
        turn()
        far.read()
    before = len(world.reads)
    world.tell(world.store()._replace(texts=()))  # only a read brings it
    while near.cursor < 20_001:
        turn()
        far.read()
        near.read()
    assert len(world.reads) - before <= 40
    follow(world, far, near)


def test_who_is_far_behind_does_not_wait_for_one_near_the_end_who_always_lacks_something(world: FollowedWorld) -> None:
    world.store(2_000)
    far, near = SocketFollower(world, 0), SocketFollower(world)
    turns = 0
    while far.cursor < 2_000:
        world.tell(world.store(600)._replace(texts=()))  # more than is read in a turn
        turn()
        far.read()
        near.read()
        turns += 1
        assert turns < 200


def test_others_get_their_news_within_a_few_turns_while_a_user_is_far_behind(world: FollowedWorld) -> None:
    """Between two turns of the loop there is at most a read for each reader."""
    world.store(20_000)
    far = [SocketFollower(world, 0), StreamFollower(world, 7), PollFollower(world, 300)]
    other = SocketFollower(world, user=OTHER)
    most = turns = 0
    while any(follower.cursor < 20_000 for follower in far):
        before = len(world.reads)
        world.post(user=OTHER)
        for _ in range(2):
            turn()
            turns += 1
        other.read()
        assert other.cursor == len(world.inboxes[OTHER])
        most = max(most, len(world.reads) - before)
        for follower in far:
            follower.read()
    assert turns > 50
    assert most <= 3 * READERS


def test_many_users_who_are_behind_at_once_leave_turns_to_others(world: FollowedWorld) -> None:
    """All who come back after an outage: they must not be read for in one go."""
    followers = []
    for user in range(100, 300):
        world.store(150, user)
        followers.append(SocketFollower(world, 0, user=user))
    most = 0
    while not world.is_at_rest:
        before = len(world.reads)
        turn()
        most = max(most, len(world.reads) - before)
    assert most <= 2 * READERS
    read_all(*followers)
    check_end(world, *followers)
    assert len(world.reads) == 400


# -- a thousand messages a second


BURSTS, BURST = 10, 100


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_messages_to_one_user_come_in_a_frame_for_each_burst(
    kind: type[Follower], world: FollowedWorld
) -> None:
    followers = [kind(world) for _ in range(3)]
    for _ in range(BURSTS):
        for _ in range(BURST):
            world.post()
        read_all(*followers)
    check_end(world, *followers)
    assert world.reads == []
    assert [follower.frames for follower in followers] == [BURSTS] * 3


@pytest.mark.parametrize("kind", [SocketFollower, StreamFollower, PollFollower])
def test_a_burst_of_large_messages_comes_in_frames_of_64_kilobytes(kind: type[Follower], world: FollowedWorld) -> None:
    followers = [kind(world) for _ in range(3)]
    for _ in range(BURST):
        world.post(size=1_200)
    read_all(*followers)
    check_end(world, *followers)
    assert {(follower.frames, follower.most_events) for follower in followers} == {(2, 53)}
    assert len(world.reads) == (kind is PollFollower)  # it is answered once, then asks anew


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_messages_to_one_user_who_reads_slowly_come_in_bounded_frames_and_reads(
    kind: type[Follower], world: FollowedWorld
) -> None:
    slow, quick = kind(world, buffers=2048), SocketFollower(world)
    for number in range(BURSTS):
        for _ in range(BURST):
            world.post(size=200)
        turn(3)
        slow.read(700 * (number % 3))
        quick.read()
    read_all(slow, quick)
    check_end(world, slow, quick)
    assert quick.frames <= 2 * BURSTS
    assert slow.frames <= 2 * BURSTS
    assert len(world.reads) <= 2 * BURSTS


def test_a_thousand_messages_each_in_a_turn_of_its_own_come_at_once_and_without_reads(world: FollowedWorld) -> None:
    followers = [kind(world) for kind in KINDS]
    for number in range(1, 1001):
        world.post()
        turn(2)
        for follower in followers:
            follower.read()
        assert {follower.cursor for follower in followers} == {number}
    check_end(world, *followers)
    assert world.reads == []


def test_a_thousand_messages_to_one_user_in_disorder_come_with_few_reads(world: FollowedWorld) -> None:
    followers = [kind(world) for kind in KINDS]
    lots = random.Random(5)
    for _ in range(BURSTS):
        news = [world.store() for _ in range(BURST)]
        for at in range(0, BURST, 5):  # five at a time, in one turn
            some = news[at : at + 5]
            lots.shuffle(some)
            for batch in some[: lots.choice((4, 5))]:
                world.tell(batch)
            turn(2)
            for follower in followers:
                follower.read()
    world.post()
    read_all(*followers)
    check_end(world, *followers)
    assert len(world.reads) <= 2 * 20 * BURSTS
