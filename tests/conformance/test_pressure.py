"""Who sends and does not read, and who reads slowly: the echo's queue is bounded, and nothing is lost."""

from __future__ import annotations

import select

from .conftest import EchoServer
from .peer import BINARY, MIB, Peer, large

#: tests.echo.client.MOST_WAITING, and some: what is on its way through it, and what the allocator keeps.
MOST_GROWTH = (48 + 16) * MIB
#: Seconds without room in the socket after which the server is taken to have stopped reading.
STALLED = 0.5


def send_until_stalled(peer: Peer, data: memoryview) -> int:
    """Send without reading. How many bytes the server, and the kernel's buffers, took."""
    sent = 0
    peer.sock.setblocking(False)
    while sent < len(data) and select.select([], [peer.sock], [], STALLED)[1]:
        sent += peer.sock.send(data[sent : sent + MIB])
    return sent


def exchange(peer: Peer, data: memoryview, size: int, at_once: int) -> bytearray:
    """Send the data while reading, at most `at_once` bytes for each bit that is sent, until `size` bytes have come."""
    came = bytearray()
    peer.sock.setblocking(False)
    while len(came) < size:
        wanted = [peer.sock] if data else []
        readable, writable, _ = select.select([peer.sock], wanted, [], 10)
        assert readable or writable, f"nothing goes on after {len(came)} of {size} bytes"
        if writable:
            data = data[peer.sock.send(data[:MIB]) :]
        if readable:
            piece = peer.sock.recv(at_once)
            assert piece, f"ended after {len(came)} of {size} bytes"
            came += piece
    return came


def numbered(count: int, size: int) -> tuple[bytes, bytes]:
    """So many messages, each other than the one before; as a client sends them, and as they come back."""
    payloads = [bytes((number,)) * size for number in range(count)]
    head = b"\x82\x7f" + size.to_bytes(8, "big")
    return b"".join(large(payload, BINARY) for payload in payloads), b"".join(head + payload for payload in payloads)


def test_who_sends_and_does_not_read_is_no_longer_read_and_costs_no_more_than_the_bound(echo: EchoServer) -> None:
    sent, answer = numbered(128, MIB)
    peer = Peer.join(echo.port)
    before = echo.memory
    data = memoryview(sent)
    taken = send_until_stalled(peer, data)
    assert taken < len(data)
    assert echo.memory - before < MOST_GROWTH
    assert exchange(peer, data[taken:], len(answer), MIB) == answer
    assert echo.memory - before < MOST_GROWTH
    peer.sock.settimeout(10)
    assert peer.is_alive()


def test_who_reads_slowly_gets_everything_in_order(echo: EchoServer) -> None:
    """Messages as large as they may be, so that the echo stops reading and goes on again and again."""
    sent, answer = numbered(6, 16 * MIB)
    peer = Peer.join(echo.port)
    assert exchange(peer, memoryview(sent), len(answer), 65536) == answer


def test_others_are_served_while_one_does_not_read(echo: EchoServer, peer: Peer) -> None:
    sent, _answer = numbered(64, MIB)
    send_until_stalled(Peer.join(echo.port), memoryview(sent))
    assert peer.is_alive()
