"""The closing handshake where both sides, or neither, keep to their turn; on the project's own client, in this process.

Deadlines do not pass here: what ends, ends by itself and not because the server lost its patience.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from myapp.live.clients import CLOSED, CLOSING

from ..unit.parking import Peer, World, until
from ..unit.wire import PING, close, masked


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def peer(world: World) -> Peer:
    return world.connect()


def is_sent(peer: Peer, data: bytes) -> bool:
    """Whether the socket has room for some of it."""
    try:
        return peer.sock.send(data) > 0
    except BlockingIOError:
        return False


def test_a_close_behind_the_rest_of_a_frame_is_found_after_the_server_has_closed(peer: Peer) -> None:
    data = masked(b"x" * 50)
    peer.write(data[:20])
    until(lambda: peer.client.reader is not None)
    peer.client.close(4408, "no heartbeat")
    peer.write(data[20:] + masked(b"", PING) + close(4408))
    until(lambda: peer.client.state == CLOSED)
    peer.read()
    assert peer.is_ended
    assert peer.close_code() == 4408
    assert len(peer.frames) == 1


def test_who_breaks_the_protocol_sees_the_end_at_once_and_may_go_on_sending(peer: Peer) -> None:
    """A socket that is closed with bytes unread is reset, and a reset can overtake the Close."""
    peer.write(b"\xff")
    until(lambda: peer.receive() == b"" and peer.is_ended)
    assert peer.client.state == CLOSING
    for _ in range(100):  # more than the socket holds
        until(lambda: is_sent(peer, bytes(10_000)), "the server to go on reading")
    assert peer.client.state == CLOSING
    peer.sock.close()
    until(lambda: peer.client.state == CLOSED)


def test_who_breaks_the_protocol_after_the_servers_close_sees_the_end_at_once(peer: Peer) -> None:
    peer.client.close(1012, "retry=1.0")
    peer.write(b"\xff")
    until(lambda: peer.receive() == b"" and peer.is_ended)
    assert peer.raw.count(b"\x88") == 1


def test_a_close_while_a_frame_is_half_written_is_answered_behind_it(world: World) -> None:
    """RFC 6455 section 5.5.1: the answer may wait until the current message is sent, and must come."""
    peer = world.connect(buffers=4096)
    world.post(1, size=60_000)
    until(lambda: peer.client.rest)
    peer.write(close(1000, b"enough"))
    until(lambda: peer.client.state == CLOSING)
    until(lambda: peer.read() and peer.is_ended)
    assert peer.seqs() == [1]
    assert peer.close_code() == 1000
