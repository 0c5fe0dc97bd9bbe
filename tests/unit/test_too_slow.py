"""Peers that are too slow for too long: when they are sent away, what they are told, and how they come back."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from myapp.live import frames
from myapp.live.bus import News
from myapp.live.clients import BEHIND, CLOSED, CLOSING_PATIENCE, CURRENT, SLOW_PATIENCE
from myapp.live.slow_clients import MOST_DISMISSED

from . import wire
from .parking import USER, until
from .slow_peers import LARGE, SlowWorld, a_world, fill, make_slow, post, read_to_the_end, turn

#: The sweep meets a deadline at most so many seconds late.
LATE = 0.3
FOLLOWING = ["websocket", "stream"]


@pytest.fixture
def world() -> Iterator[SlowWorld]:
    with a_world() as world:
        yield world


@pytest.mark.parametrize("over", ["tcp", "unix"])
@pytest.mark.parametrize("transport", [*FOLLOWING, "push-new"])
def test_client_too_slow_for_30_seconds_is_sent_away_with_4409_and_not_before(
    transport: str, over: str, world: SlowWorld
) -> None:
    slow = make_slow(world, transport, over="unix" if transport == "push-new" else over)
    world.turns(SLOW_PATIENCE - 0.1)
    assert world.dispatcher.is_here(USER)
    world.turns(LATE + 0.1)
    assert not world.dispatcher.is_here(USER)
    until(lambda: slow.drain() == 0 and slow.close is not None, "to be told why")
    assert slow.close is not None and slow.close[0] == 4409
    assert 0 < (slow.close[1] or 0) < 10
    assert slow.half == b""  # and what was half written is whole
    assert world.dispatcher.count == (0 if transport == "stream" else 1)


@pytest.mark.parametrize("transport", FOLLOWING)
def test_client_sent_away_for_slowness_comes_back_and_is_given_exactly_what_is_missing(
    transport: str, world: SlowWorld
) -> None:
    slow = make_slow(world, transport)
    post(world, 30, 5000)
    world.turns(SLOW_PATIENCE + LATE)
    until(lambda: slow.drain() == 0 and slow.close is not None)
    post(world, 30, 300)
    assert 0 < slow.cursor < 61
    again = world.park(transport, cursor=slow.cursor)
    until(lambda: again.drain() == 0 and again.cursor == 61)
    assert slow.events + again.events == world.expected()


@pytest.mark.parametrize("transport", FOLLOWING)
def test_client_sent_away_for_slowness_that_reads_nothing_is_ended_5_seconds_later(
    transport: str, world: SlowWorld
) -> None:
    slow = make_slow(world, transport)
    descriptor = slow.client.fd
    world.turns(SLOW_PATIENCE + LATE)
    assert world.dispatcher.count == 1
    world.turns(CLOSING_PATIENCE + LATE)
    assert (world.dispatcher.count, slow.client.state) == (0, CLOSED)
    with pytest.raises(OSError, match="Bad file descriptor"):
        socket.socket(fileno=descriptor)
    read_to_the_end(slow)
    assert slow.is_reset  # the kernel keeps nothing for it


@pytest.mark.parametrize("transport", FOLLOWING)
def test_client_sent_away_has_5_seconds_for_the_last_bytes_whenever_it_came(transport: str, world: SlowWorld) -> None:
    """Some of the thirty have another deadline, of heartbeats or comments, within these seconds."""
    slow = []
    for _ in range(30):
        slow.append(world.park(transport, over="unix"))
        world.turns(0.9, step=0.3)
    post(world, size=LARGE)
    turn(2)
    assert all(peer.client.state == BEHIND for peer in slow)
    world.turns(SLOW_PATIENCE)
    world.turns(CLOSING_PATIENCE - 0.2)
    for peer in slow:
        until(lambda peer=peer: peer.drain() == 0 and peer.close is not None, "the last words")
    assert {peer.close[0] for peer in slow} == {4409}


def test_long_poll_has_30_seconds_for_its_answer_wherever_its_deadline_is(world: SlowWorld) -> None:
    slow = [world.park("long-poll", over="unix", timeout=timeout) for timeout in (0.5, 5, 20, 29.5, 40)]
    post(world, size=LARGE)
    turn(2)
    assert all(peer.client.rest for peer in slow)
    assert not world.dispatcher.is_here(USER)
    world.turns(SLOW_PATIENCE - 0.2)
    for peer in slow:
        until(lambda peer=peer: peer.drain() == 0 and peer.is_answered, "the whole answer")
        assert peer.events == world.expected()


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_long_poll_whose_answer_is_not_read_within_30_seconds_is_ended(over: str, world: SlowWorld) -> None:
    slow = make_slow(world, "long-poll", over=over)
    world.turns(SLOW_PATIENCE - 0.1)
    assert world.dispatcher.count == 1
    world.turns(LATE + 0.1)
    assert world.dispatcher.count == 0
    read_to_the_end(slow)
    assert not slow.is_answered
    assert slow.is_reset or over == "unix"
    again = world.park("long-poll", cursor=0)
    until(lambda: again.drain() == 0 and again.is_answered)
    assert again.events == world.expected()[:1]


@pytest.mark.parametrize("transport", FOLLOWING)
def test_client_that_takes_each_frame_within_30_seconds_is_never_sent_away(transport: str, world: SlowWorld) -> None:
    slow = make_slow(world, transport)
    for _ in range(8):
        world.turns(SLOW_PATIENCE - 1)
        assert slow.client.state == BEHIND
        until(lambda: slow.drain() == 0 and slow.client.state != BEHIND)
        if transport == "websocket":
            slow.write(wire.masked(b"heartCheck"))
        fill(world, slow)
    assert slow.close is None
    until(lambda: slow.drain() == 0 and slow.cursor == len(world.inboxes[USER]))
    assert slow.events == world.expected()


@pytest.mark.parametrize(("transport", "first"), [("websocket", wire.PONG), ("stream", None)])
def test_client_that_is_behind_from_its_first_frame_on_is_no_exception(
    transport: str, first: int | None, world: SlowWorld
) -> None:
    """What the view gives with the answer's head can be too much for the socket already, before it is parked."""
    beginning = b"x" * LARGE if first is None else frames.frame(first, b"x" * LARGE)
    given = [world.park(transport, user=user, first=beginning + b"\n\n" * (first is None)) for user in (1, 2)]
    post(world, 3, user=1)
    turn(2)
    assert [peer.client.state for peer in given] == [BEHIND, BEHIND]
    until(lambda: given[0].sock.recv(1 << 16) and given[0].client.state == CURRENT)
    world.turns(SLOW_PATIENCE + LATE)
    assert [world.dispatcher.is_here(user) for user in (1, 2)] == [True, False]


@pytest.mark.parametrize("transport", FOLLOWING)
def test_client_that_was_behind_and_has_caught_up_is_left_in_peace(transport: str, world: SlowWorld) -> None:
    slow = make_slow(world, transport)
    world.turns(10)
    until(lambda: slow.drain() == 0 and slow.client.state == CURRENT)
    world.turns(SLOW_PATIENCE + 10)
    slow.drain()
    assert slow.close is None
    assert world.dispatcher.is_here(USER)


def test_each_is_sent_away_30_seconds_after_it_fell_behind_whoever_did_before(world: SlowWorld) -> None:
    first = make_slow(world, "stream", user=1)
    world.turns(10)
    second = make_slow(world, "stream", user=2)
    world.turns(10)
    until(lambda: first.drain() == 0 and first.client.state == CURRENT)
    fill(world, first, user=1)  # it is behind once more, and now the later one
    world.turns(20 + LATE)
    assert [world.dispatcher.is_here(user) for user in (1, 2)] == [True, False]
    world.turns(9.5)
    assert world.dispatcher.is_here(1)
    world.turns(0.5)
    assert not world.dispatcher.is_here(1)
    assert second.client.state == CLOSED


def test_client_that_is_always_behind_and_answers_pings_is_not_taken_for_silent(world: SlowWorld) -> None:
    """Its next frame is half written as soon as the one before is out, so there is never a moment between two."""
    slow = world.park("websocket", over="unix")
    post(world, 40, 60_000)
    turn(2)
    for _ in range(12):
        world.turns(20)
        cursor = slow.cursor
        until(lambda cursor=cursor: slow.read(4096) and slow.cursor > cursor, "a whole frame")
        assert slow.client.state == BEHIND
        slow.answer_pings()
        turn(2)
    assert slow.close is None
    assert slow.events == world.expected()[: slow.cursor]


def test_many_slow_ones_are_sent_away_over_several_turns(world: SlowWorld) -> None:
    slow = [make_slow(world, FOLLOWING[number % 2], user=number, over="unix") for number in range(200)]
    other = world.park("websocket")
    world.turns(SLOW_PATIENCE - 0.1)
    assert world.dispatcher.parked.total() == 201
    left = []
    while world.dispatcher.parked.total() > 1:
        before = world.dispatcher.parked.total()
        world.turns(0.1)
        left.append(before - world.dispatcher.parked.total())
        post(world)
        turn()
        assert other.drain() > 0
    assert max(left) == MOST_DISMISSED
    assert len(left) <= 200 / MOST_DISMISSED + 2
    world.turns(CLOSING_PATIENCE + 2 * LATE)
    assert world.dispatcher.count == 1
    assert all(peer.client.state == CLOSED for peer in slow)


def test_client_that_is_told_to_go_while_it_is_behind_is_told_once_and_goes_in_time(world: SlowWorld) -> None:
    slow = make_slow(world, "websocket")
    world.turns(SLOW_PATIENCE - 2)
    world.bus.publish(News(USER, None, "session:1"))
    turn(2)
    world.turns(CLOSING_PATIENCE - 0.2)
    until(lambda: slow.drain() == 0 and slow.close is not None)
    assert slow.close == (4401, None)
    world.turns(0.2 + LATE)
    assert world.dispatcher.count == 0
    assert world.dispatcher.counts["closes_4409"] == 0
