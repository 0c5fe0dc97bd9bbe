"""Frames that are wrong: bits, opcodes, masks, lengths, order, text (RFC 6455 sections 5, 7.4.1 and 8.1)."""

from __future__ import annotations

import struct

import pytest

from .peer import BINARY, CLOSE, CONTINUATION, MIB, PING, PONG, TEXT, Peer, close, large, masked


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG])
@pytest.mark.parametrize("bits", [0x40, 0x20, 0x10, 0x70])
def test_reserved_bits_are_refused(peer: Peer, opcode: int, bits: int) -> None:
    payload = struct.pack("!H", 1000) if opcode == CLOSE else b"x"
    peer.send(masked(payload, opcode, rsv=bits))
    assert peer.is_failed(1002)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"hello"])
def test_reserved_opcodes_are_refused(peer: Peer, opcode: int, payload: bytes) -> None:
    peer.send(masked(payload, opcode))
    assert peer.is_failed(1002)


@pytest.mark.parametrize("wrong", [masked(b"x", rsv=0x40), masked(b"x", 0x3)], ids=["bit", "opcode"])
def test_what_came_before_something_wrong_is_answered(peer: Peer, wrong: bytes) -> None:
    peer.send(masked(b"right") + masked(b"p", PING) + wrong + masked(b"after"))
    assert peer.echoes(b"right")
    assert peer.read_frame() == (PONG, b"p")
    assert peer.is_failed(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
def test_frames_without_a_mask_are_refused(peer: Peer, opcode: int) -> None:
    peer.send(masked(struct.pack("!H", 1000), opcode, is_masked=False))
    assert peer.is_failed(1002)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (masked(b"x" * 125, size_bytes=2), 1002),
        (masked(b"x" * 125, size_bytes=8), 1002),
        (masked(b"x" * 65535, size_bytes=8), 1002),
        (b"\x82\xff" + struct.pack("!Q", 2**63), 1002),
        (b"\x82\xff" + struct.pack("!Q", 2**63 - 1), 1009),
        (b"\x82\xff" + struct.pack("!Q", 16 * MIB + 1), 1009),
    ],
    ids=["short in 2", "short in 8", "middle in 8", "highest bit", "enormous", "one too many"],
)
def test_wrong_lengths_are_refused_before_the_payload_comes(peer: Peer, data: bytes, code: int) -> None:
    peer.send(data)
    assert peer.is_failed(code)


def test_fragments_that_are_too_long_together_are_refused_by_the_length_of_the_last(peer: Peer) -> None:
    peer.send(large(bytes(10 * MIB), BINARY, final=False) + b"\x80\xff" + struct.pack("!Q", 7 * MIB))
    assert peer.is_failed(1009)


@pytest.mark.parametrize(
    "data",
    [
        masked(b"", CONTINUATION),
        masked(b"", CONTINUATION, final=False),
        masked(b"whole") + masked(b"more", CONTINUATION),
        masked(b"a", final=False) + masked(b"b"),
        masked(b"a", final=False) + masked(b"b", BINARY, final=False),
        masked(b"a", BINARY, final=False) + masked(b"?", PING) + masked(b"b", BINARY),
    ],
    ids=["alone", "alone and unfinished", "after a whole", "text in text", "binary in text", "after a ping"],
)
def test_fragments_in_the_wrong_order_are_refused(peer: Peer, data: bytes) -> None:
    peer.send(data)
    while (frame := peer.read_frame()).opcode != CLOSE:
        assert frame.payload in (b"whole", b"?")
    assert frame.code == 1002
    assert peer.is_ended()


@pytest.mark.parametrize("first", [b"\xc1", b"\x83", b"\x09", b"\x80"], ids=["bit", "opcode", "ping", "continuation"])
def test_one_byte_is_enough_to_be_refused(peer: Peer, first: bytes) -> None:
    peer.send(first)
    assert peer.is_failed(1002)


# -- text

#: Code points at the edges of what UTF-8 can say (RFC 3629), and texts of them.
RIGHT = [
    *(chr(point).encode() for point in (0x0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF)),
    *(chr(point).encode() for point in (0x10000, 0x1FFFE, 0x3FFFF, 0x7FFFE, 0x10FFFE, 0x10FFFF)),
    "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    "κόσμε".encode(),
    "🐎👩‍👩‍👧‍👦".encode(),
]

#: What UTF-8 cannot say; how many bytes of it show that.
WRONG = [
    (b"\x80", 1),
    (b"\xbf", 1),
    (b"\xc0\xaf", 1),
    (b"\xc1\xbf", 1),
    (b"\xe0\x80\xaf", 2),
    (b"\xe0\x9f\xbf", 2),
    (b"\xf0\x80\x80\xaf", 2),
    (b"\xf0\x8f\xbf\xbf", 2),
    (b"\xf8\x88\x80\x80\x80", 1),
    (b"\xfc\x84\x80\x80\x80\x80", 1),
    (b"\xfe", 1),
    (b"\xff", 1),
    (b"\xed\xa0\x80", 2),
    (b"\xed\xad\xbf\xed\xb0\x80", 2),
    (b"\xed\xbf\xbf", 2),
    (b"\xf4\x90\x80\x80", 2),
    (b"\xf5\x80\x80\x80", 1),
    (b"\xc3(", 2),
    (b"\xe2\x82(", 3),
    (b"\xf0\x9f\x90(", 4),
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", 13),
]
CUT = ["ž".encode()[:1], "€".encode()[:1], "€".encode()[:2], "🐎".encode()[:1], "🐎".encode()[:3], b"ok \xf4\x8f"]


@pytest.mark.parametrize("text", RIGHT)
def test_text_of_any_character_comes_back(peer: Peer, text: bytes) -> None:
    peer.send(masked(text))
    assert peer.echoes(text)


@pytest.mark.parametrize("text", RIGHT)
def test_text_that_is_split_inside_its_characters_comes_back(peer: Peer, text: bytes) -> None:
    peer.send(masked(b"", final=False))
    for at in range(len(text)):
        peer.send(masked(text[at : at + 1], CONTINUATION, final=False))
    peer.send(masked(b"", CONTINUATION))
    assert peer.echoes(text)


@pytest.mark.parametrize("text", [*(text for text, _shown in WRONG), *CUT], ids=bytes.hex)
def test_text_that_is_not_utf_8_is_refused(peer: Peer, text: bytes) -> None:
    peer.send(masked(text))
    assert peer.is_failed(1007)


@pytest.mark.parametrize(("text", "shown"), WRONG, ids=lambda value: value.hex() if isinstance(value, bytes) else "")
def test_text_that_is_not_utf_8_is_refused_while_its_frame_is_unfinished(peer: Peer, text: bytes, shown: int) -> None:
    """The rest of the frame is never sent, so only a server that looks at once can answer."""
    before = b"begins well, "
    data = masked(before + text + b"x" * 1000)
    end = 8 + len(before) + shown
    peer.send_in_pieces(data[:end], 1)
    assert peer.is_failed(1007)


@pytest.mark.parametrize(("text", "shown"), WRONG, ids=lambda value: value.hex() if isinstance(value, bytes) else "")
def test_text_that_is_not_utf_8_is_refused_while_its_message_is_unfinished(peer: Peer, text: bytes, shown: int) -> None:
    peer.send(masked(b"begins well, ", final=False))
    for at in range(shown):
        peer.send(masked(text[at : at + 1], CONTINUATION, final=False))
    assert peer.is_failed(1007)


@pytest.mark.parametrize("text", CUT, ids=bytes.hex)
def test_text_that_may_go_on_is_refused_only_at_its_end(peer: Peer, text: bytes) -> None:
    peer.send(masked(text, final=False))
    assert peer.is_alive()
    peer.send(masked(b"", CONTINUATION))
    assert peer.is_failed(1007)


def test_binary_messages_need_not_be_text(peer: Peer) -> None:
    for text in (*(text for text, _shown in WRONG), *CUT):
        peer.send(masked(text, BINARY))
        assert peer.echoes(text, BINARY)


def test_a_close_reason_is_looked_at_before_its_frame_is_whole(peer: Peer) -> None:
    peer.send(close(1000, b"\xff" + b"x" * 100)[:9])
    assert peer.is_failed(1007)
