"""Peers that read slowly: every frame whole, every event once, bounded memory, and nobody else waits."""

from __future__ import annotations

import array
import fcntl
import os
import termios
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from myapp.live import clients
from myapp.live.batches import FRAME_BYTES
from myapp.live.clients import BEHIND, CURRENT, MOST_REST

from . import wire
from .parking import USER, until
from .slow_peers import SlowWorld, a_world, held, odd_sizes, post, turn
from .slow_readers import Peer

#: What a frame's head and the JSON around its events may add, generously.
AROUND = 1024
LARGE, MANY = (40, 200_000), (40_000, 300)
OTHERS = range(100, 120)
#: Turns of the loop within which everybody else has what was posted.
AT_ONCE = 1


@pytest.fixture
def world() -> Iterator[SlowWorld]:
    with a_world() as world:
        yield world


class Crowd:
    """Twenty others who are written to all the time, and one more client of the slow one's user."""

    def __init__(self, world: SlowWorld) -> None:
        self.world = world
        self.peers = [world.park("websocket", user, over="unix", window=1 << 18) for user in OTHERS]
        self.quick = world.park("websocket", over="unix", window=1 << 18)

    def talk(self) -> None:
        """Each is written to, and has it at once."""
        for user in OTHERS:
            post(self.world, user=user)
        turn(AT_ONCE)
        for peer in self.peers:
            peer.drain()
        waiting = [user for user, peer in zip(OTHERS, self.peers, strict=True) if peer.cursor != self.posted]
        assert waiting == []

    @property
    def posted(self) -> int:
        return len(self.world.inboxes[OTHERS[0]])


class Story:
    """Events are posted, a few a turn, while the slow peer reads now and then; then it reads all that is left."""

    def __init__(self, world: SlowWorld, count: int, size: int) -> None:
        self.world = world
        self.left, self.size = count, size
        self.crowd = Crowd(world)
        self.most_held = 0
        self.times_behind = 0

    def step(self, number: int, peer: Peer, read: int) -> None:
        if self.left and number % 4 == 0:
            some = min(self.left, 1 if self.size > 1000 else 80)
            post(self.world, some, self.size, is_inline=number % 16 != 0)
            self.left -= some
        if number % 50 == 0:
            self.crowd.talk()
        turn()
        if read:
            peer.read(read)
        self.crowd.quick.drain()
        self.most_held = max(self.most_held, held(peer.client))
        self.times_behind += peer.client.state == BEHIND

    def run(self, peer: Peer, is_done: Callable[[], bool], also: Callable[[int], None] = lambda number: None) -> None:
        sizes = odd_sizes(self.size, 16_000 if self.size > 1000 else 6000)
        number = 0
        with gevent.Timeout(30, AssertionError(f"stuck at {peer.cursor} of {len(self.world.inboxes[USER])}")):
            while self.left or not is_done():
                number += 1
                also(number)
                self.step(number, peer, sizes())
        until(lambda: self.crowd.quick.drain() == 0 and self.crowd.quick.cursor == len(self.world.inboxes[USER]))

    def check(self, peer: Peer) -> None:
        """Each event once, in order and unspoilt; and never more kept than one frame and the control frames."""
        assert peer.events == self.world.expected()
        assert self.crowd.quick.events == self.world.expected()
        assert self.times_behind > 100
        assert self.most_held <= max(FRAME_BYTES, self.size) + AROUND + MOST_REST


@pytest.mark.parametrize("transport", ["websocket", "stream"])
@pytest.mark.parametrize(
    ("over", "window", "count", "size"),
    [("tcp", 4096, *LARGE), ("unix", 32_768, *LARGE), ("tcp", 4096, *MANY)],
    ids=["large-tcp", "large-unix", "many-tcp"],
)
def test_slow_reader_is_given_every_event_whole_and_once_while_others_talk(
    over: str, window: int, count: int, size: int, transport: str, world: SlowWorld
) -> None:
    story = Story(world, count, size)
    slow = world.park(transport, over=over, window=window)
    story.run(slow, lambda: slow.cursor == count)
    story.check(slow)
    # the read that brought the last event may have ended within the badges that follow it
    until(lambda: (slow.drain(), slow.half, slow.client.state) == (0, b"", CURRENT))


@pytest.mark.parametrize(("count", "size", "window"), [(*LARGE, 32_768), (10_000, 300, 4096)], ids=["large", "many"])
def test_slow_reader_is_given_every_event_whole_and_once_by_long_polls(
    count: int, size: int, window: int, world: SlowWorld
) -> None:
    story = Story(world, count, size)
    given: list[Any] = []
    slow = world.park("long-poll", over="unix", window=window)

    def ask_again() -> None:
        nonlocal slow
        if slow.is_ended:
            assert slow.is_answered
            given.extend(slow.events)
            slow = world.park("long-poll", cursor=len(given), over="unix", window=window)

    sizes = odd_sizes(size, 16_000)
    most = behind = number = 0
    with gevent.Timeout(30, AssertionError("stuck")):
        while len(given) < count:
            number += 1
            ask_again()
            story.step(number, slow, sizes())
            most = max(most, held(slow.client))
            behind += bool(slow.client.rest)
    assert given == world.expected()
    assert behind > 100
    assert most <= max(FRAME_BYTES, size) + AROUND


def test_slow_reader_with_push_new_is_told_ever_newer_ones_and_the_last(world: SlowWorld) -> None:
    count, size = MANY
    slow = world.park("push-new", over="unix")
    most_held = times_behind = 0
    for number in range(count):
        post(world, 1, size)
        turn()
        times_behind += slow.client.state == BEHIND
        most_held = max(most_held, held(slow.client))
        if number % 5000 == 4999:
            slow.read(1999)
    assert times_behind > count / 2
    assert most_held <= 100
    until(lambda: slow.drain() == 0 and slow.told[-1] == count)
    assert slow.told == sorted(set(slow.told))
    assert slow.events == []


@pytest.mark.parametrize("transport", ["websocket", "stream"])
def test_client_that_is_behind_or_has_caught_up_takes_no_turns(
    transport: str, world: SlowWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = world.park(transport)
    calls: list[int] = []
    monkeypatch.setattr(world.dispatcher.poller, "_on_ready", lambda client, events: calls.append(events))
    post(world, 1, 400_000)
    turn(50)
    assert (slow.client.state, calls) == (BEHIND, [])
    monkeypatch.undo()
    until(lambda: slow.drain() == 0 and slow.client.state == CURRENT)
    monkeypatch.setattr(world.dispatcher.poller, "_on_ready", lambda client, events: calls.append(events))
    turn(50)
    assert calls == []


def test_kernel_takes_little_for_who_does_not_read(world: SlowWorld) -> None:
    """By itself it would take megabytes, as its buffers grow with what is sent."""
    slow = world.park("websocket")
    world.park("websocket").drain()
    for _ in range(20):
        post(world, 1, 400_000)
        turn(2)
    unsent = array.array("i", [0])
    fcntl.ioctl(slow.client.fd, termios.TIOCOUTQ, unsent)
    assert 0 < unsent[0] < 256 * 1024


# -- pings and pongs between


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_pongs_to_a_slow_reader_stand_between_its_frames_in_order(over: str, world: SlowWorld) -> None:
    story = Story(world, 4000, 300)
    slow = world.park("websocket", over=over, window=16_384)
    sent: list[bytes] = []

    def ping(number: int) -> None:
        if slow.cursor < 4000 and number % 5 == 0:
            sent.append(b"%d" % number)
            slow.write(wire.masked(sent[-1], wire.PING) + wire.masked(b"heartCheck"))

    story.run(slow, lambda: slow.cursor == 4000 and len(slow.said_pongs) == len(sent), ping)
    story.check(slow)
    assert slow.pongs == sent
    assert len(sent) > 100


def test_more_pongs_than_are_kept_are_left_out_whole(world: SlowWorld) -> None:
    slow = world.park("websocket", over="unix")
    post(world, 1, 60_000)
    until(lambda: slow.client.state == BEHIND)
    sent = [b"%d" % number + b"x" * 100 for number in range(1000)]
    for payload in sent:
        slow.write(wire.masked(payload, wire.PING))
        turn()
    assert MOST_REST - 200 < len(slow.client.rest) <= MOST_REST
    until(lambda: slow.drain() == 0 and slow.client.state == CURRENT)
    assert slow.events == world.expected()
    assert slow.pongs == sent[: len(slow.pongs)]
    assert 100 < len(slow.pongs) < 1000


# -- cut at every position


class Tap:
    """A socket that takes so many bytes in all, or so many at a time with every other write refused."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.at_a_time: int | None = None
        self._is_refused = False
        monkeypatch.setattr(clients, "os", SimpleNamespace(read=os.read, write=self._write))

    def _write(self, fd: int, data: Any) -> int:
        if self.left is not None:
            data = data[: self.left]
            self.left -= len(data)
        elif self.at_a_time is not None:
            self._is_refused = not self._is_refused
            data = b"" if self._is_refused else data[: self.at_a_time]
        if not len(data):
            raise BlockingIOError
        return os.write(fd, data)


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    return Tap(monkeypatch)


def what_is_written(world: SlowWorld, transport: str) -> int:
    """The length of what a client is given for one event."""
    peer = world.park(transport, user=1, over="unix")
    post(world, user=1)
    size = 0
    while not peer.cursor and not peer.told:
        turn()
        size += peer.read()
    return size


@pytest.mark.parametrize("transport", ["websocket", "push-new", "stream"])
def test_frame_that_is_cut_anywhere_is_whole_in_the_end_with_all_that_follows(
    transport: str, world: SlowWorld, tap: Tap
) -> None:
    length = what_is_written(world, transport)
    for at in range(length + 1):
        user = 1000 + at
        peer = world.park(transport, user=user, over="unix")
        tap.left = at
        post(world, user=user)
        turn()
        if transport != "stream":
            peer.write(wire.masked(b"one", wire.PING) + wire.masked(b"two", wire.PING))
        post(world, 2, user=user)
        turn(2)
        assert (peer.client.state == BEHIND, peer.read()) == (True, at)
        tap.left = None
        until(lambda peer=peer: peer.drain() == 0 and peer.client.state == CURRENT)
        assert peer.events == (world.expected(user=user) if transport != "push-new" else [])
        assert peer.told == ([1, 3] if transport == "push-new" else [])
        assert peer.pongs == ([b"one", b"two"] if transport != "stream" else [])
    assert length > 20


@pytest.mark.parametrize("transport", ["websocket", "stream", "long-poll"])
def test_socket_that_takes_a_few_bytes_at_a_time_is_given_everything(
    transport: str, world: SlowWorld, tap: Tap
) -> None:
    for size in range(1, 140):
        user = 1000 + size
        peer = world.park(transport, user=user, over="unix")
        tap.at_a_time = size
        post(world, user=user)
        post(world, 2, user=user)
        if transport == "websocket":
            peer.write(wire.masked(b"one", wire.PING))
        until(lambda peer=peer: peer.read() == 0 and (peer.cursor == 3))
        assert peer.events == world.expected(user=user)
