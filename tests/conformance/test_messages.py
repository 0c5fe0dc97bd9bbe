"""Messages that are right: of every size, in fragments, cut anywhere (RFC 6455 sections 5.2 to 5.6)."""

from __future__ import annotations

import pytest

from .peer import BINARY, CONTINUATION, MIB, PING, PONG, TEXT, Frame, Peer, large, masked

SIZES = [0, 1, 125, 126, 127, 128, 65535, 65536]
KINDS = pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])


def payload_of(opcode: int, size: int) -> bytes:
    """Text of characters of three lengths, or bytes that are no text."""
    some = "ž€🐎-".encode() if opcode == TEXT else bytes(range(256))
    whole = some * (size // len(some))
    return whole + b"*" * (size - len(whole))


@KINDS
@pytest.mark.parametrize("size", SIZES)
def test_a_message_of_any_size_comes_back(peer: Peer, opcode: int, size: int) -> None:
    payload = payload_of(opcode, size)
    peer.send(masked(payload, opcode))
    assert peer.echoes(payload, opcode)


@KINDS
@pytest.mark.parametrize(("size", "piece"), [(125, 1), (128, 1), (65535, 997), (65536, 997)])
def test_a_message_in_pieces_of_any_size_comes_back(peer: Peer, opcode: int, size: int, piece: int) -> None:
    payload = payload_of(opcode, size)
    peer.send_in_pieces(masked(payload, opcode), piece)
    assert peer.echoes(payload, opcode)


def test_many_messages_in_one_packet_come_back_in_order(peer: Peer) -> None:
    texts = [str(number).encode() for number in range(1000)]
    peer.send(b"".join(masked(text) for text in texts))
    assert [peer.read_frame() for _ in texts] == [Frame(TEXT, text) for text in texts]


@KINDS
@pytest.mark.parametrize("size", [0, 1, 10])
def test_a_message_in_fragments_comes_back_as_one(peer: Peer, opcode: int, size: int) -> None:
    parts = [payload_of(BINARY, size), b"", b"second", b"", b"third", b""]
    data = masked(parts[0].hex().encode(), opcode, final=False)
    for at, part in enumerate(parts[1:], 2):
        data += masked(part, CONTINUATION, final=at == len(parts))
    peer.send(data)
    assert peer.echoes(parts[0].hex().encode() + b"secondthird", opcode)


@pytest.mark.parametrize("piece", [None, 1])
def test_control_frames_between_fragments_are_answered_at_once(peer: Peer, piece: int | None) -> None:
    data = masked(b"one ", final=False) + masked(b"first", PING) + masked(b"two ", CONTINUATION, final=False)
    data += masked(b"nobody asked", PONG) + masked(b"", PING) + masked(b"three", CONTINUATION)
    peer.send_in_pieces(data, piece or len(data))
    assert peer.read_frame() == Frame(PONG, b"first")
    assert peer.read_frame() == Frame(PONG, b"")
    assert peer.echoes(b"one two three")


def test_a_ping_inside_a_message_is_answered_before_the_message_is_whole(peer: Peer) -> None:
    peer.send(masked(b"half", final=False) + masked(b"now", PING))
    assert peer.read_frame() == Frame(PONG, b"now")
    peer.send(masked(b" whole", CONTINUATION))
    assert peer.echoes(b"half whole")


def test_a_message_of_nothing_but_empty_fragments_is_empty(peer: Peer) -> None:
    peer.send(masked(b"", final=False) + masked(b"", CONTINUATION, final=False) * 100 + masked(b"", CONTINUATION))
    assert peer.echoes(b"")


@KINDS
@pytest.mark.parametrize("size", [MIB, 16 * MIB])
def test_a_large_message_comes_back(peer: Peer, opcode: int, size: int) -> None:
    payload = payload_of(opcode, size)
    peer.send(large(payload, opcode))
    assert peer.echoes(payload, opcode)


@pytest.mark.parametrize(("size", "part"), [(MIB, 64), (4 * MIB, 4096), (16 * MIB, MIB)])
def test_a_large_message_in_fragments_comes_back(peer: Peer, size: int, part: int) -> None:
    payload = payload_of(BINARY, size)
    parts = [payload[at : at + part] for at in range(0, size, part)]
    data = [
        large(piece, CONTINUATION if at else BINARY, final=at == len(parts) - 1)
        if part >= 65536
        else masked(piece, CONTINUATION if at else BINARY, final=at == len(parts) - 1, key=bytes(4))
        for at, piece in enumerate(parts)
    ]
    peer.send(b"".join(data))
    assert peer.echoes(payload, BINARY)


@pytest.mark.parametrize("piece", [64, 1000])
def test_a_large_message_in_small_packets_comes_back(peer: Peer, piece: int) -> None:
    payload = payload_of(TEXT, MIB)
    peer.send_in_pieces(large(payload), piece)
    assert peer.echoes(payload)


def test_a_hundred_exchanges_are_answered_one_by_one(peer: Peer) -> None:
    """Without a pause: with Nagle's algorithm each would wait 40 ms for an acknowledgement."""
    for number in range(100):
        payload = payload_of(BINARY, 2048 + number)
        peer.send(masked(payload, BINARY))
        assert peer.echoes(payload, BINARY)


def test_a_frame_of_64_kb_is_given_back_in_one_frame(peer: Peer) -> None:
    """Autobahn's 10.1.1: a message that its sender fragments by itself."""
    payload = b"*" * 65536
    parts = [payload[at : at + 1300] for at in range(0, len(payload), 1300)]
    for at, part in enumerate(parts):
        peer.send(masked(part, CONTINUATION if at else TEXT, final=at == len(parts) - 1))
    assert peer.echoes(payload)
