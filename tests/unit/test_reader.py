"""Reading a client's frames, by RFC 6455 section 5."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myapp.live.frames import BINARY, CLOSE, CONTINUATION, LONGEST_MESSAGE, PING, PONG, TEXT, CloseCode
from myapp.live.reader import FrameReader, Message, ProtocolViolation, unmask

from .wire import close, masked


def read(data: bytes, size: int | None = None) -> tuple[list[Message], int]:
    """All messages of a stream that comes in pieces of `size` bytes, and the close code of what broke the protocol."""
    reader = FrameReader()
    messages: list[Message] = []
    size = size or max(1, len(data))
    for at in range(0, len(data), size):
        try:
            messages.extend(reader.feed(data[at : at + size]))
        except ProtocolViolation as broken:
            return messages, broken.code
    return messages, 0


# -- what is right


def test_example_of_the_rfc_is_read() -> None:
    """RFC 6455 section 5.7: a single-frame masked text message."""
    data = bytes.fromhex("818537fa213d7f9f4d5158")
    assert read(data) == ([Message(TEXT, b"Hello")], 0)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, LONGEST_MESSAGE])
def test_message_of_any_allowed_length_is_read(size: int) -> None:
    assert read(masked(b"x" * size)) == ([Message(TEXT, b"x" * size)], 0)


def test_fragments_are_put_together() -> None:
    data = masked(b"Hel", final=False) + masked(b"", CONTINUATION, final=False) + masked(b"lo", CONTINUATION)
    assert read(data) == ([Message(TEXT, b"Hello")], 0)


def test_control_frames_may_come_between_fragments() -> None:
    data = masked(b"Hel", final=False) + masked(b"?", PING) + masked(b"lo", CONTINUATION)
    assert read(data) == ([Message(PING, b"?"), Message(TEXT, b"Hello")], 0)


def test_character_may_be_split_between_fragments() -> None:
    horse = "🐎".encode()
    data = masked(horse[:1], final=False) + masked(horse[1:], CONTINUATION)
    assert read(data) == ([Message(TEXT, horse)], 0)


def test_binary_message_need_not_be_text() -> None:
    assert read(masked(b"\xff\xfe", BINARY)) == ([Message(BINARY, b"\xff\xfe")], 0)


STREAM = (
    masked(b"one")
    + masked(b"", PING)
    + masked("žlu".encode(), final=False)
    + masked(b"p" * 125, PONG)
    + masked("ť 🐎".encode(), CONTINUATION)
    + masked(b"z" * 300)
    + masked(b"\x00\x01", BINARY)
    + close(1001, b"bye")
)


@pytest.mark.parametrize("size", range(1, 40))
def test_stream_in_pieces_of_any_size_gives_the_same_messages(size: int) -> None:
    assert read(STREAM, size) == read(STREAM)


def test_stream_split_at_any_byte_gives_the_same_messages() -> None:
    whole, _code = read(STREAM)
    assert [message.opcode for message in whole] == [TEXT, PING, PONG, TEXT, TEXT, BINARY, CLOSE]
    for at in range(len(STREAM)):
        reader = FrameReader()
        assert [*reader.feed(STREAM[:at]), *reader.feed(STREAM[at:])] == whole, at


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Message]]:
    """Frames of a client that keeps to the rules, and the messages in them."""
    data = b""
    expected: list[Message] = []
    key = st.binary(min_size=4, max_size=4)
    for _ in range(draw(st.integers(0, 5))):
        text = draw(st.text(max_size=60)).encode()
        opcode = draw(st.sampled_from([TEXT, BINARY]))
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        for number, piece in enumerate(pieces):
            is_last = number == len(pieces) - 1
            data += masked(piece, CONTINUATION if number else opcode, final=is_last, key=draw(key))
            if is_last:
                expected.append(Message(opcode, text))
            elif draw(st.booleans()):
                control = draw(st.binary(max_size=125))
                data += masked(control, PING, key=draw(key))
                expected.append(Message(PING, control))
    return data, expected


@given(streams(), st.lists(st.integers(1, 50), min_size=1))
def test_any_stream_in_any_pieces_is_read_as_it_was_written(
    stream: tuple[bytes, list[Message]], sizes: list[int]
) -> None:
    data, expected = stream
    reader = FrameReader()
    found: list[Message] = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found.extend(reader.feed(data[at : at + size]))
        at, turn = at + size, turn + 1
    assert found == expected
    assert reader.is_between


@given(st.binary(max_size=400))
def test_no_bytes_whatever_do_more_than_break_the_protocol(data: bytes) -> None:
    messages, _code = read(data, 7)
    assert sum(len(message.payload) for message in messages) <= len(data)


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=300))
def test_unmasking_is_its_own_inverse(key: bytes, payload: bytes) -> None:
    assert unmask(key, unmask(key, payload)) == payload
    assert unmask(key, payload) == bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


# -- what is kept in mind


@pytest.mark.parametrize("end", [1, 5, 7])
def test_reader_in_the_middle_of_a_frame_is_not_between_two(end: int) -> None:
    reader = FrameReader()
    assert list(reader.feed(masked(b"Hello")[:end])) == []
    assert not reader.is_between


def test_reader_in_the_middle_of_a_message_is_not_between_two() -> None:
    reader = FrameReader()
    assert list(reader.feed(masked(b"", final=False))) == []
    assert not reader.is_between
    assert list(reader.feed(masked(b"", CONTINUATION))) == [Message(TEXT, b"")]
    assert reader.is_between


# -- what is wrong

WRONG = {
    "unmasked": (masked(b"Hello", is_masked=False), 1002),
    "rsv1": (masked(b"", rsv=0x40), 1002),
    "rsv2": (masked(b"", rsv=0x20), 1002),
    "rsv3": (masked(b"", rsv=0x10), 1002),
    **{f"opcode {opcode:x}": (masked(b"", opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "fragmented ping": (masked(b"", PING, final=False), 1002),
    "fragmented close": (masked(b"", CLOSE, final=False), 1002),
    "long ping": (masked(b"x" * 126, PING), 1002),
    "long close": (close(1000, b"x" * 124), 1002),
    "nothing to continue": (masked(b"", CONTINUATION), 1002),
    "message inside another": (masked(b"a", final=False) + masked(b"b"), 1002),
    "length in two bytes without need": (masked(b"x" * 125, size_bytes=2), 1002),
    "length in eight bytes without need": (masked(b"x" * 300, size_bytes=8), 1002),
    "over 4 KB": (masked(b"x" * (LONGEST_MESSAGE + 1)), 1009),
    "over 4 KB in fragments": (
        masked(b"x" * 4000, final=False) + masked(b"x" * (LONGEST_MESSAGE - 3999), CONTINUATION),
        1009,
    ),
    "announced as enormous": (b"\x81\xff" + struct.pack("!Q", 2**62), 1009),
    "not UTF-8": (masked(b"\xff"), 1007),
    "cut off character": (masked("🐎".encode()[:3]), 1007),
    "surrogate": (masked(b"\xed\xa0\x80"), 1007),
    "overlong": (masked(b"\xc0\x80"), 1007),
    "not UTF-8 in fragments": (masked(b"a", final=False) + masked(b"\xff", CONTINUATION), 1007),
    "close of one byte": (masked(b"\x03", CLOSE), 1002),
    "close with a reason that is not UTF-8": (close(1000, b"\xff"), 1007),
    **{
        f"close code {code}": (close(code), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("size", [None, 1])
def test_wrong_frame_ends_the_connection_with_its_code(case: str, size: int | None) -> None:
    data, code = WRONG[case]
    assert read(masked(b"before") + data + masked(b"after"), size) == ([Message(TEXT, b"before")], code)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4000, 4999])
def test_close_code_that_may_be_sent_is_read(code: int) -> None:
    assert read(close(code, b"why")) == ([Message(CLOSE, b"why", code)], 0)


def test_close_without_a_code_has_none() -> None:
    assert read(close()) == ([Message(CLOSE, b"", CloseCode.NO_STATUS)], 0)


def test_nothing_is_read_after_a_close() -> None:
    messages, code = read(close(1000) + masked(b"after") + b"\xff\xff")
    assert (messages, code) == ([Message(CLOSE, b"", 1000)], 0)


def test_size_that_is_too_large_is_refused_before_it_is_received() -> None:
    assert read(masked(b"x" * 5000)[:8]) == ([], 1009)


@pytest.mark.parametrize("piece", [b"\x89\x80\0\0\0\0", b"\x00\x80\0\0\0\0"], ids=["pings", "empty continuations"])
def test_flood_of_small_frames_is_cut_off(piece: bytes) -> None:
    reader = FrameReader()
    start = b"\x01\x80\0\0\0\0"  # an unfinished text
    with pytest.raises(ProtocolViolation) as broken:
        list(reader.feed(start + piece * 2000))
    assert (broken.value.code, broken.value.reason) == (4429, "retry=10")
