"""A callback that raises closes its one client and is counted; everybody else goes on."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from myapp.live.bus import News
from myapp.live.clients import CLOSED, SLOW_PATIENCE, ParkedClient
from myapp.live.frames import CloseCode

from . import wire
from .parking import USER, open_descriptors, until
from .slow_peers import TRANSPORTS, SlowWorld, a_world, post, store, turn
from .slow_readers import Peer

OTHER = 8
BROKEN = "session:broken"


class Bystanders:
    """Clients of the same user, parked before and after the one that fails, and of another user."""

    def __init__(self, world: SlowWorld) -> None:
        self.world = world
        self.peers: list[tuple[int, Any]] = []

    def park(self) -> None:
        for transport in ("websocket", "stream", "push-new"):
            for user in (USER, OTHER):
                self.peers.append((user, self.world.park(transport, user, over="unix")))

    def have_everything(self) -> bool:
        for user, peer in self.peers:
            peer.drain()
            peer.answer_pings()
            given = peer.told or [event["seq"] for event in peer.events]
            assert given == sorted(set(given))
            if given[-1:] != [len(self.world.inboxes[user])]:
                return False
            assert peer.told or peer.events == self.world.expected(user=user)
        return True


@pytest.fixture
def world() -> Iterator[SlowWorld]:
    with a_world(failures=None) as world:
        yield world


def failing_in(method: str, kind: type[ParkedClient]) -> type[ParkedClient]:
    """The kind of client with a method that raises."""

    def fail(self: ParkedClient, *args: object) -> None:
        raise ZeroDivisionError("on purpose")

    return type("Broken", (kind,), {"__slots__": (), method: fail})


def post_one(world: SlowWorld, peer: Peer) -> None:
    post(world)


def store_one(world: SlowWorld, peer: Peer) -> None:
    """It is read from the database."""
    store(world)
    world.turns(5)


def write(world: SlowWorld, peer: Peer) -> None:
    peer.write(wire.masked(b"heartCheck"))


def fill_and_read(world: SlowWorld, peer: Peer) -> None:
    for _ in range(9999):
        post(world, size=100_000)
        turn()
        if peer.client.rest:
            break
    until(lambda: peer.drain() == 0 and peer.is_ended)


def let_time_pass(world: SlowWorld, peer: Peer) -> None:
    world.turns(26)


def end_its_session(world: SlowWorld, peer: Peer) -> None:
    world.bus.publish(News(USER, None, BROKEN))


def make_it_slow(world: SlowWorld, peer: Peer) -> None:
    dispatcher = peer.client.dispatcher
    dispatcher.slow.add(peer.client, dispatcher.now)
    world.turns(SLOW_PATIENCE + 0.3)


def replace_the_database(world: SlowWorld, peer: Peer) -> None:
    peer.client.epoch = "another"
    world.turns(5)


def put_a_snapshot(world: SlowWorld, peer: Peer) -> None:
    topics = world.dispatcher.topics
    topics.watch(peer.client, topics.resolve(USER, ["presence:99"]))
    topics.put("presence:99", "{}")


#: the method that fails, what has it called, and in whom
FAILURES: list[tuple[str, Callable[[SlowWorld, Peer], None], tuple[str, ...]]] = [
    ("give", post_one, ("websocket", "stream", "long-poll")),
    ("give", store_one, ("websocket", "stream", "long-poll")),
    ("tell", post_one, ("push-new",)),
    ("tell", store_one, ("push-new",)),
    ("received", write, ("websocket", "push-new", "stream", "long-poll")),
    ("message", write, ("websocket", "push-new")),
    ("written", fill_and_read, ("websocket", "stream", "long-poll")),
    ("check", let_time_pass, ("websocket", "push-new", "stream", "long-poll")),
    ("dismiss", end_its_session, ("websocket", "push-new", "stream", "long-poll")),
    ("dismiss", make_it_slow, ("websocket", "push-new", "stream")),
    ("give_reset", replace_the_database, ("websocket", "push-new", "stream", "long-poll")),
    ("give_change", put_a_snapshot, ("websocket", "push-new", "stream", "long-poll")),
]


@pytest.mark.parametrize(
    ("method", "provoke", "transport"),
    [(method, provoke, transport) for method, provoke, transports in FAILURES for transport in transports],
)
def test_callback_that_raises_closes_this_one_client_and_is_counted(
    method: str,
    provoke: Callable[[SlowWorld, Peer], None],
    transport: str,
    world: SlowWorld,
    caplog: pytest.LogCaptureFixture,
) -> None:
    others = Bystanders(world)
    others.park()
    kind = failing_in(method, TRANSPORTS[transport][0])
    broken = world.park(transport, over="unix", grant=BROKEN, kind=kind)
    others.park()
    with caplog.at_level(logging.ERROR):
        provoke(world, broken)
        until(lambda: broken.client.state == CLOSED)
    assert caplog.text.count("ZeroDivisionError: on purpose") == 1
    assert world.dispatcher.counts["callback_failures"] == 1
    until(lambda: broken.drain() == 0 and broken.is_ended)
    assert broken.client.fd == -1
    assert world.dispatcher.count == len(others.peers)
    for user in (USER, OTHER):
        post(world, 3, user=user)
    until(others.have_everything, "everybody else to have everything")
    assert {peer.client.state for _user, peer in others.peers}.isdisjoint({CLOSED})


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_client_that_the_kernel_does_not_watch_leaves_no_descriptor_open(
    transport: str, world: SlowWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, client: object) -> None:
        raise OSError(errno.ENOSPC, "too many watches")

    monkeypatch.setattr(world.dispatcher.poller, "add", refuse)
    before = open_descriptors()
    with pytest.raises(OSError, match="too many watches"):
        world.park(transport)
    assert open_descriptors() <= before
    assert not world.dispatcher.is_here(USER)
    assert world.dispatcher.count == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_client_that_cannot_be_told_to_go_does_not_keep_others_from_being_told(
    transport: str, world: SlowWorld
) -> None:
    broken = failing_in("dismiss", TRANSPORTS[transport][0])
    before = world.park("websocket", grant=BROKEN)
    failing = world.park(transport, grant=BROKEN, kind=broken)
    after = world.park("stream", grant=BROKEN)
    other = world.park("websocket", OTHER)
    end_its_session(world, failing)
    turn(2)
    assert failing.client.state == CLOSED
    world.park(transport, grant=BROKEN, kind=broken)
    world.dispatcher.close(CloseCode.RESTARTING, patience=0)
    for peer, code in ((before, 4401), (after, 4401), (other, 1012)):
        peer.drain()
        assert peer.close[0] == code
    assert world.dispatcher.count == 0
    assert world.dispatcher.counts["callback_failures"] == 2


def test_slow_one_that_cannot_be_told_to_go_does_not_keep_other_slow_ones(world: SlowWorld) -> None:
    kinds = [failing_in("dismiss", TRANSPORTS["websocket"][0]), None, failing_in("dismiss", TRANSPORTS["stream"][0])]
    slow = [world.park("stream" if kind else "websocket", over="unix", kind=kind) for kind in kinds]
    post(world, size=400_000)
    turn(2)
    assert all(peer.client.is_behind for peer in slow)
    world.turns(SLOW_PATIENCE + 0.3)
    until(lambda: slow[1].drain() == 0 and slow[1].close is not None)
    assert slow[1].close[0] == 4409
    assert world.dispatcher.parked.total() == 0
    assert world.dispatcher.counts["callback_failures"] == 2
