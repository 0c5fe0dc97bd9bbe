"""What watches parked sockets: one epoll, or a watcher each, under one list of tests."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import monkey

from myapp.live.poller import MOST_READY, READ, WRITE, EpollPoller, Poller, WatcherPoller, open_poller

from .parking import open_descriptors
from .slow_peers import tcp_pair, turn
from .watched import Noted, Sockets


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    sockets = Sockets()
    yield sockets
    for sock in sockets.all:
        sock.close()


@pytest.fixture
def noted() -> Noted:
    return Noted()


KINDS = [EpollPoller, WatcherPoller]


@pytest.fixture(params=KINDS)
def poller(request: pytest.FixtureRequest, noted: Noted, sockets: Sockets) -> Iterator[Poller]:
    poller: Poller = request.param(gevent.get_hub().loop, noted)
    yield poller
    poller.close()  # before its sockets


def test_client_is_called_when_bytes_come_and_not_before(poller: Poller, noted: Noted, sockets: Sockets) -> None:
    ours, theirs = sockets.pair()
    poller.add(ours.fileno(), "client")
    turn(3)
    assert noted.take() == []
    theirs.send(b"x")
    turn()
    assert noted.take() == [("client", READ)]


def test_client_is_called_again_as_long_as_there_is_something(poller: Poller, noted: Noted, sockets: Sockets) -> None:
    ours, theirs = sockets.pair()
    poller.add(ours.fileno(), "client")
    theirs.send(b"ab")
    turn(3)
    assert len(noted.take()) == 3
    ours.recv(1)
    turn()
    assert len(noted.take()) == 1
    ours.recv(1)
    turn(3)
    assert noted.take() == []


def test_client_is_not_called_for_room_it_has_not_asked_for(poller: Poller, noted: Noted, sockets: Sockets) -> None:
    poller.add(sockets.pair()[0].fileno(), "client")
    turn(3)
    assert noted.take() == []


def test_client_that_asks_for_room_is_called_when_there_is_some(poller: Poller, noted: Noted, sockets: Sockets) -> None:
    ours, theirs = sockets.full()
    poller.add(ours.fileno(), "client")
    poller.change(ours.fileno(), READ | WRITE)
    turn(3)
    assert noted.take() == []
    while True:
        try:
            theirs.recv(1 << 20)
        except BlockingIOError:
            break
    turn()
    ((client, events),) = noted.take()
    assert (client, events & WRITE) == ("client", WRITE)
    poller.change(ours.fileno(), READ)
    turn(3)
    assert noted.take() == []
    theirs.send(b"x")
    turn()
    assert noted.take() == [("client", READ)]


def test_client_that_asks_for_room_alone_is_not_called_for_bytes(
    poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    ours, theirs = sockets.full()
    poller.add(ours.fileno(), "client")
    poller.change(ours.fileno(), WRITE)
    theirs.send(b"x")
    turn(3)
    assert noted.take() == []


def test_client_may_change_what_it_is_called_for_while_it_is_called(
    poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    ours, theirs = sockets.pair()
    fd = ours.fileno()
    poller.add(fd, "client")

    def want_room() -> None:
        ours.recv(9)
        poller.change(fd, READ | WRITE)
        noted.do.clear()

    noted.do["client"] = want_room
    theirs.send(b"x")
    turn(2)
    assert [bool(events & WRITE) for _client, events in noted.take()] == [False, True]


@pytest.mark.parametrize("is_written", [False, True], ids=["idle", "full"])
def test_client_whose_other_side_ends_is_called_to_read(
    is_written: bool, poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    ours, theirs = sockets.full() if is_written else sockets.pair()
    poller.add(ours.fileno(), "client")
    if is_written:
        poller.change(ours.fileno(), READ | WRITE)
    theirs.close()
    turn()
    ((client, events),) = noted.take()
    assert (client, events & READ) == ("client", READ)
    assert events & ~(READ | WRITE) == 0


@pytest.mark.parametrize("events", [READ, WRITE, READ | WRITE])
def test_client_whose_connection_is_reset_is_called_to_read(
    events: int, poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    fd, theirs = tcp_pair(4096)
    ours = socket.socket(fileno=fd)
    sockets.all.append(ours)
    poller.add(fd, "client")
    poller.change(fd, events)
    turn()
    noted.take()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    turn()
    ((client, said),) = noted.take()
    assert client == "client"
    assert said & READ or isinstance(poller, WatcherPoller)  # libev says what was asked for
    assert said & ~(READ | WRITE) == 0
    poller.remove(fd)


def test_client_that_is_removed_is_not_called_and_its_descriptor_may_be_closed(
    poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    ours, theirs = sockets.pair()
    poller.add(ours.fileno(), "client")
    theirs.send(b"x")
    poller.remove(ours.fileno())
    turn(3)
    ours.close()
    turn(3)
    assert noted.take() == []


def test_client_closed_by_another_ones_callback_in_the_same_turn_is_not_called(
    poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    pairs = [sockets.pair() for _ in range(2)]

    def close_the_other(number: int) -> Callable[[], None]:
        def close() -> None:
            noted.do.clear()
            poller.remove(pairs[1 - number][0].fileno())
            pairs[1 - number][0].close()

        return close

    for number, (ours, theirs) in enumerate(pairs):
        poller.add(ours.fileno(), number)
        noted.do[number] = close_the_other(number)
        theirs.send(b"x")
    turn(3)
    called = noted.called
    assert len(called) == 3
    assert len(set(called)) == 1  # whichever was first


def test_number_that_is_used_again_in_the_same_turn_belongs_to_the_new_client(
    poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    pairs = [sockets.pair() for _ in range(2)]
    new, its_peer = sockets.pair()

    def replace_the_other(number: int) -> Callable[[], None]:
        def replace() -> None:
            noted.do.clear()
            pairs[number][0].recv(9)
            fd = pairs[1 - number][0].fileno()
            poller.remove(fd)
            pairs[1 - number][0].close()
            os.dup2(new.fileno(), fd)
            sockets.all.append(socket.socket(fileno=fd))
            poller.add(fd, "new")

        return replace

    for number, (ours, theirs) in enumerate(pairs):
        poller.add(ours.fileno(), number)
        noted.do[number] = replace_the_other(number)
        theirs.send(b"x")
    turn(4)
    called = noted.called
    assert [client for client in called if client != "new"] == called[:1]
    assert len(called) <= 2  # one call too many finds nothing to read
    its_peer.send(b"x")
    turn()
    assert noted.called == ["new"]


def test_number_that_is_used_again_later_belongs_to_the_new_client(
    poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    for number in range(50):
        ours, theirs = sockets.pair()
        poller.add(ours.fileno(), number)
        theirs.send(b"x")
        turn()
        assert noted.called == [number]
        poller.remove(ours.fileno())
        ours.close()
        theirs.close()


@pytest.mark.parametrize("count", [MOST_READY - 1, MOST_READY, MOST_READY + 1, 10 * MOST_READY + 7])
def test_all_are_served_when_many_are_ready_at_once(count: int, poller: Poller, noted: Noted, sockets: Sockets) -> None:
    pairs = [sockets.pair() for _ in range(count)]
    for number, (ours, theirs) in enumerate(pairs):
        poller.add(ours.fileno(), number)
        noted.do[number] = lambda ours=ours: ours.recv(9)  # type: ignore[misc]
        theirs.send(b"x")
    turn(count // MOST_READY + 1)
    assert sorted(noted.called) == list(range(count))


def test_none_is_left_out_while_all_are_ready_all_the_time(poller: Poller, noted: Noted, sockets: Sockets) -> None:
    count = 5 * MOST_READY
    for number in range(count):
        ours, theirs = sockets.pair()
        poller.add(ours.fileno(), number)
        theirs.send(b"x")
    turn(10)
    called = noted.called
    assert {called.count(number) for number in range(count)} <= {1, 2, 3, 10}
    assert min(called.count(number) for number in range(count)) >= 1


def test_others_have_their_turns_while_many_are_ready(noted: Noted, sockets: Sockets) -> None:
    """The loop's other work (requests, timers, callbacks) comes between any MOST_READY of them."""
    loop = gevent.get_hub().loop
    poller = EpollPoller(loop, noted)
    for number in range(5 * MOST_READY):
        ours, theirs = sockets.pair()
        poller.add(ours.fileno(), number)
        theirs.send(b"x")
    ours, theirs = sockets.pair()
    between: list[int] = []
    watcher = loop.io(ours.fileno(), 1)
    watcher.start(lambda: between.append(len(noted.take())))
    theirs.send(b"x")
    turn(20)
    assert len(between) == 20
    assert max(between) == MOST_READY
    watcher.stop()
    watcher.close()
    poller.close()


def test_close_ends_all_watching_and_may_be_repeated(poller: Poller, noted: Noted, sockets: Sockets) -> None:
    for number in range(3):
        ours, theirs = sockets.pair()
        poller.add(ours.fileno(), number)
        theirs.send(b"x")
    poller.close()
    poller.close()
    turn(3)
    assert noted.take() == []


def test_client_that_closes_the_poller_while_it_is_called_is_the_last_one(
    poller: Poller, noted: Noted, sockets: Sockets
) -> None:
    for number in range(3):
        ours, theirs = sockets.pair()
        poller.add(ours.fileno(), number)
        noted.do[number] = poller.close
        theirs.send(b"x")
    turn(3)
    assert len(noted.called) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_no_descriptor_is_left_open(kind: Any, noted: Noted, sockets: Sockets) -> None:
    numbers = [sockets.pair()[0].fileno() for _ in range(20)]
    turn()
    before = open_descriptors()
    for _ in range(10):
        poller = kind(gevent.get_hub().loop, noted)
        for number in numbers:
            poller.add(number, "client")
        poller.remove(numbers[0])
        turn()
        poller.close()
        poller.close()
    assert open_descriptors() == before


def test_descriptor_that_the_kernel_refuses_is_said_so(noted: Noted, tmp_path: Path) -> None:
    poller = EpollPoller(gevent.get_hub().loop, noted)
    with (tmp_path / "file").open("w") as file, pytest.raises(PermissionError):
        poller.add(file.fileno(), "client")  # files are always ready
    poller.close()


def test_this_system_has_the_better_one_with_gevents_patch_or_without() -> None:
    poller = open_poller(gevent.get_hub().loop, lambda client, events: None)
    assert isinstance(poller, EpollPoller)
    poller.close()
    assert monkey.get_original("select", "epoll") is not None
