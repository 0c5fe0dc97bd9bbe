"""Pings, pongs, and the closing handshake (RFC 6455 sections 5.5 and 7)."""

from __future__ import annotations

import struct

import pytest

from ..servers.wire import request_bytes
from .peer import BINARY, CLOSE, CONTINUATION, PING, PONG, Frame, Peer, close, large, masked


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(range(125)), b"\xff\xfe\x00", b"x" * 125])
def test_a_ping_is_answered_with_its_payload(peer: Peer, payload: bytes) -> None:
    peer.send(masked(payload, PING))
    assert peer.read_frame() == Frame(PONG, payload)


@pytest.mark.parametrize("piece", [None, 1])
def test_ten_pings_get_ten_pongs_in_order(peer: Peer, piece: int | None) -> None:
    data = b"".join(masked(b"payload-%d" % number, PING) for number in range(10))
    peer.send_in_pieces(data, piece or len(data))
    assert [peer.read_frame() for _ in range(10)] == [Frame(PONG, b"payload-%d" % number) for number in range(10)]


@pytest.mark.parametrize("payload", [b"", b"nobody asked"])
def test_a_pong_that_nobody_asked_for_is_no_error(peer: Peer, payload: bytes) -> None:
    peer.send(masked(payload, PONG) * 3)
    assert peer.is_alive()


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_a_control_frame_over_125_bytes_is_refused(peer: Peer, opcode: int) -> None:
    peer.send(masked(struct.pack("!H", 1000) + b"x" * 124, opcode))
    assert peer.is_failed(1002)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_a_control_frame_in_fragments_is_refused(peer: Peer, opcode: int) -> None:
    peer.send(masked(b"", opcode, final=False) + masked(b"", CONTINUATION))
    assert peer.is_failed(1002)


# -- closing

CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]


@pytest.mark.parametrize("code", CODES)
def test_a_close_is_answered_with_its_code_and_tcp_ends(peer: Peer, code: int) -> None:
    peer.send(close(code, b"because"))
    assert peer.read_frame() == Frame(CLOSE, struct.pack("!H", code))
    assert peer.is_ended()


@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_close_code_that_may_not_be_sent_is_refused(peer: Peer, code: int) -> None:
    peer.send(close(code))
    assert peer.is_failed(1002)


def test_a_close_without_a_code_is_answered_without_one(peer: Peer) -> None:
    peer.send(close())
    assert peer.read_frame() == Frame(CLOSE, b"")
    assert peer.is_ended()


def test_half_a_close_code_is_refused(peer: Peer) -> None:
    peer.send(masked(b"\x03", CLOSE))
    assert peer.is_failed(1002)


@pytest.mark.parametrize("reason", [b"x" * 123, "ž€🐎".encode() * 13 + b"xxxxx"])
def test_a_reason_may_have_123_bytes(peer: Peer, reason: bytes) -> None:
    peer.send(close(1000, reason[:123]))
    assert peer.read_frame().code == 1000
    assert peer.is_ended()


@pytest.mark.parametrize("reason", [b"\xff", b"because\xc3", b"\xed\xa0\x80", b"\xce\xba\xe1\xbd\xb9\xf4\x90\x80\x80"])
def test_a_reason_that_is_not_utf_8_is_refused(peer: Peer, reason: bytes) -> None:
    peer.send(close(1000, reason))
    assert peer.is_failed(1007)


@pytest.mark.parametrize("piece", [None, 1])
def test_a_close_in_pieces_is_one_close(peer: Peer, piece: int | None) -> None:
    data = close(1001, b"leaving")
    peer.send_in_pieces(data, piece or len(data))
    assert peer.read_frame().code == 1001
    assert peer.is_ended()


def test_a_close_inside_a_message_ends_both(peer: Peer) -> None:
    peer.send(masked(b"half", final=False) + close(1000) + masked(b"other half", CONTINUATION))
    assert peer.read_frame().code == 1000
    assert peer.is_ended()


@pytest.mark.parametrize(
    "data",
    [masked(b"too late"), masked(b"too late", PING), close(1001), b"\xff" * 100, request_bytes("GET", "/")],
    ids=["message", "ping", "close", "broken", "http"],
)
def test_nothing_behind_a_close_is_looked_at(peer: Peer, data: bytes) -> None:
    peer.send(close(1000) + data)
    assert peer.read_frame() == Frame(CLOSE, struct.pack("!H", 1000))
    assert peer.is_ended()


@pytest.mark.parametrize("data", [masked(b"late"), request_bytes("GET", "/")], ids=["message", "http"])
def test_nothing_is_answered_after_the_closing_handshake(peer: Peer, data: bytes) -> None:
    peer.send(close(1000))
    assert peer.read_frame().code == 1000
    try:
        peer.send(data)
    except ConnectionError:
        return  # it is closed already
    assert peer.is_ended()


@pytest.mark.parametrize(
    "data",
    [masked(b"late"), close(1002), b"\xff" * 1000, request_bytes("GET", "/")],
    ids=["message", "close", "broken", "http"],
)
def test_nothing_behind_a_violation_is_looked_at(peer: Peer, data: bytes) -> None:
    peer.send(masked(b"", 0x3) + data)
    assert peer.is_failed(1002)


def test_a_violation_in_the_middle_of_a_frame_ends_tcp_although_the_answer_cannot_be_understood(peer: Peer) -> None:
    """The client answers our Close, and for us its bytes are the rest of the payload of its broken frame."""
    peer.send(masked(b"\xff" + b"x" * 1000)[:20])
    assert peer.read_frame().code == 1007
    peer.send(close(1007))
    assert peer.is_ended()


def test_a_close_behind_large_messages_is_answered_behind_their_echoes(peer: Peer) -> None:
    """Section 5.5.1: the answer may wait until the current message is sent; what was accepted is not cut off."""
    payload = bytes(4 * 1024 * 1024)
    peer.send(large(payload, BINARY) * 2 + close(1000))
    assert peer.echoes(payload, BINARY)
    assert peer.echoes(payload, BINARY)
    assert peer.read_frame().code == 1000
    assert peer.is_ended()


def test_a_violation_behind_a_large_message_is_told_behind_its_echo(peer: Peer) -> None:
    payload = bytes(8 * 1024 * 1024)
    peer.send(large(payload, BINARY) + b"\xff")
    assert peer.echoes(payload, BINARY)
    assert peer.is_failed(1002)
