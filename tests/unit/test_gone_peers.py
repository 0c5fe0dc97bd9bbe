"""Peers that half-close, break off, say goodbye while they are slow, fall silent or stop: when each of them goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from myapp.live import takeover
from myapp.live.clients import CLOSED, CLOSING_PATIENCE
from myapp.live.websocket import QUIET, SILENT

from . import wire
from .parking import USER, until
from .slow_peers import SlowWorld, a_world, fill, make_slow, post, read_to_the_end, turn
from .slow_readers import Peer

#: The sweep meets a deadline at most so many seconds late.
LATE = 0.3


@pytest.fixture
def world() -> Iterator[SlowWorld]:
    with a_world() as world:
        yield world


@pytest.mark.parametrize("is_behind", [False, True], ids=["idle", "behind"])
@pytest.mark.parametrize("leave", [Peer.shut, Peer.reset])
@pytest.mark.parametrize("transport", ["websocket", "push-new", "stream", "long-poll"])
def test_client_that_half_closes_or_resets_is_gone_in_the_next_turn(
    transport: str, leave: Callable[[Peer], None], is_behind: bool, world: SlowWorld
) -> None:
    over = "unix" if transport == "push-new" and leave is Peer.shut else "tcp"
    if transport == "push-new" and leave is Peer.reset:
        is_behind = False  # it takes too long to fill by what it is told
    peer = make_slow(world, transport, over=over) if is_behind else world.park(transport, over=over)
    other = world.park("websocket")
    leave(peer)
    turn()
    assert peer.client.state == CLOSED
    assert world.dispatcher.count == 1
    post(world)
    turn(2)
    assert other.drain() > 0


def test_client_that_says_close_while_a_frame_is_half_written_is_given_its_rest_and_the_answer(
    world: SlowWorld,
) -> None:
    """RFC 6455 section 5.5.1: a Close is answered, if need be behind the message that is being sent."""
    slow = make_slow(world, "websocket")
    slow.write(wire.close(1000, b"bye"))
    turn(2)
    assert not world.dispatcher.is_here(USER)
    read_to_the_end(slow)
    assert slow.events == world.expected()
    assert (slow.close, slow.is_reset) == ((1000, None), False)
    slow.sock.close()
    turn(2)
    assert world.dispatcher.count == 0


def test_client_that_says_close_and_reads_no_more_is_ended_5_seconds_later(world: SlowWorld) -> None:
    slow = make_slow(world, "websocket")
    slow.write(wire.close(1000))
    turn(2)
    world.turns(CLOSING_PATIENCE + LATE)
    assert world.dispatcher.count == 0


def test_stopped_websocket_that_is_sent_nothing_is_closed_after_75_seconds(world: SlowWorld) -> None:
    peer = world.park("websocket")
    world.turns(SILENT - 0.2, step=0.2)
    assert world.dispatcher.is_here(USER)
    world.turns(LATE + 0.2)
    assert not world.dispatcher.is_here(USER)
    world.turns(CLOSING_PATIENCE + LATE)
    assert world.dispatcher.count == 0
    peer.drain()
    assert peer.close == (4408, None)


def test_stopped_long_poll_goes_at_its_timeout(world: SlowWorld) -> None:
    peer = world.park("long-poll", timeout=QUIET)
    world.turns(QUIET - 0.2)
    assert world.dispatcher.is_here(USER)
    world.turns(0.2 + LATE)
    assert world.dispatcher.count == 0
    read_to_the_end(peer)
    assert (peer.is_answered, peer.events) == (True, [])


def test_stream_whose_client_acknowledges_nothing_is_ended_by_the_kernel(world: SlowWorld) -> None:
    """Here after one second, on a socket that is full: as with a machine that has gone, nothing is acknowledged."""
    slow = world.park("stream")
    takeover.watch_for_silence(slow.client.fd, 1.0)
    fill(world, slow)
    until(lambda: slow.client.state == CLOSED, "the kernel to give up", patience=10)
    assert world.dispatcher.count == 0
