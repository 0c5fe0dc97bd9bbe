"""Reading a client's frames, by RFC 6455 section 5."""

from __future__ import annotations

import contextlib
import gc
import itertools
import re
import struct
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myapp.live.frames import BINARY, CLOSE, CONTINUATION, LONGEST_MESSAGE, PING, PONG, TEXT, CloseCode
from myapp.live.reader import FrameReader, Message, ProtocolViolation, unmask

from .wire import close, masked


def read(data: bytes, *sizes: int) -> tuple[list[Message], int, str]:
    """All messages of a stream that comes in pieces of these sizes, over and over; why it broke, if it did."""
    reader = FrameReader()
    messages: list[Message] = []
    try:
        for piece in cut(data, *sizes):
            messages.extend(reader.feed(piece))
    except ProtocolViolation as broken:
        return messages, broken.code, broken.reason
    return messages, 0, ""


def cut(data: bytes, *sizes: int) -> Iterator[bytes]:
    at = 0
    for size in itertools.cycle(sizes or (max(1, len(data)),)):
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size


def first_wrong(data: bytes) -> int:
    """How many bytes of the stream were read when it was found to be wrong; -1 for a right one."""
    reader = FrameReader()
    for at in range(len(data)):
        try:
            list(reader.feed(data[at : at + 1]))
        except ProtocolViolation:
            return at + 1
    return -1


# -- what is right


def test_example_of_the_rfc_is_read() -> None:
    """RFC 6455 section 5.7: a single-frame masked text message."""
    data = bytes.fromhex("818537fa213d7f9f4d5158")
    assert read(data) == ([Message(TEXT, b"Hello")], 0, "")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, LONGEST_MESSAGE])
def test_message_of_any_allowed_length_is_read(size: int) -> None:
    assert read(masked(b"x" * size)) == ([Message(TEXT, b"x" * size)], 0, "")


def test_fragments_are_put_together() -> None:
    data = masked(b"Hel", final=False) + masked(b"", CONTINUATION, final=False) + masked(b"lo", CONTINUATION)
    assert read(data) == ([Message(TEXT, b"Hello")], 0, "")


def test_control_frames_may_come_between_fragments() -> None:
    data = masked(b"Hel", final=False) + masked(b"?", PING) + masked(b"lo", CONTINUATION)
    assert read(data) == ([Message(PING, b"?"), Message(TEXT, b"Hello")], 0, "")


def test_character_may_be_split_between_fragments() -> None:
    horse = "🐎".encode()
    data = masked(horse[:1], final=False) + masked(horse[1:], CONTINUATION)
    assert read(data) == ([Message(TEXT, horse)], 0, "")


def test_binary_message_need_not_be_text() -> None:
    assert read(masked(b"\xff\xfe", BINARY)) == ([Message(BINARY, b"\xff\xfe")], 0, "")


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
    whole, *_ = read(STREAM)
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


SIZES = st.lists(st.integers(1, 50), min_size=1)


@given(streams(), SIZES)
def test_any_stream_in_any_pieces_is_read_as_it_was_written(
    stream: tuple[bytes, list[Message]], sizes: list[int]
) -> None:
    data, expected = stream
    assert read(data, *sizes) == read(data) == (expected, 0, "")


@given(streams(), SIZES, st.data())
def test_any_broken_stream_in_any_pieces_breaks_for_the_same_reason_after_the_same_messages(
    stream: tuple[bytes, list[Message]], sizes: list[int], draw: st.DataObject
) -> None:
    data, _expected = stream
    at = draw.draw(st.integers(0, len(data)))
    broken = data[:at] + draw.draw(st.binary(min_size=1, max_size=20)) + data[at + draw.draw(st.integers(0, 4)) :]
    assert read(broken, *sizes) == read(broken, 1) == read(broken)


def test_piece_that_looks_like_a_frame_is_none_inside_another() -> None:
    inner = masked(b"abc", key=bytes(4))
    assert read(masked(inner, BINARY, key=bytes(4)), 6, len(inner)) == ([Message(BINARY, inner)], 0, "")


@given(st.binary(max_size=400))
def test_no_bytes_whatever_do_more_than_break_the_protocol(data: bytes) -> None:
    messages, *_ = read(data, 7)
    assert sum(len(message.payload) for message in messages) <= len(data)


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=300))
def test_unmasking_is_its_own_inverse(key: bytes, payload: bytes) -> None:
    assert unmask(key, unmask(key, payload)) == payload
    assert unmask(key, payload) == bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


# -- what is kept in mind


@pytest.mark.parametrize("opcode", [TEXT, PING])
@pytest.mark.parametrize("end", [1, 5, 6, 7])
def test_reader_in_the_middle_of_a_frame_is_not_between_two(end: int, opcode: int) -> None:
    reader = FrameReader()
    assert list(reader.feed(masked(b"Hello", opcode)[:end])) == []
    assert not reader.is_between


def test_reader_in_the_middle_of_a_message_is_not_between_two() -> None:
    reader = FrameReader()
    assert list(reader.feed(masked(b"", final=False))) == []
    assert not reader.is_between
    assert list(reader.feed(masked(b"!", PING))) == [Message(PING, b"!")]
    assert not reader.is_between
    assert list(reader.feed(masked(b"", CONTINUATION))) == [Message(TEXT, b"")]
    assert reader.is_between


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG])
def test_reader_after_a_whole_frame_is_between_two(opcode: int) -> None:
    reader = FrameReader()
    assert list(reader.feed(masked(b"abc", opcode))) == [Message(opcode, b"abc")]
    assert reader.is_between


def test_reader_that_has_read_a_close_must_not_be_replaced_by_a_new_one() -> None:
    reader = FrameReader()
    assert len(list(reader.feed(close(1000)))) == 1
    assert not reader.is_between


def held(reader: FrameReader, data: bytes, size: int) -> int:
    """Bytes of memory that a reader keeps after it was given `data`, in pieces."""
    gc.collect()
    tracemalloc.start()
    try:
        for at in range(0, len(data), size):
            assert not list(reader.feed(data[at : at + size]))
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


MIB = 1 << 20


def test_memory_of_half_a_message_is_bounded_by_the_longest_that_is_read() -> None:
    piece = masked(bytes(1000), CONTINUATION, final=False)
    whole = masked(bytes(MIB), BINARY)[:-1]
    in_fragments = masked(b"", BINARY, final=False) + piece * (MIB // 1000)
    for data in (whole, in_fragments):
        assert held(FrameReader(MIB), data, 4096) < MIB * 9 // 8 + 4096


def test_endless_empty_fragments_are_no_memory() -> None:
    reader = FrameReader()
    list(reader.feed(masked(b"", final=False)))
    assert held(reader, masked(b"", CONTINUATION, final=False) * 10_000, 600) < 16_384


@pytest.mark.parametrize("end", [b"\xff", close(1000), masked(b"", CONTINUATION) + b"\x81"])
def test_memory_is_free_after_the_end_of_a_message_or_of_everything(end: bytes) -> None:
    reader = FrameReader(MIB)
    data = masked(bytes(MIB - 10), final=False)
    tracemalloc.start()
    list(reader.feed(data))
    with contextlib.suppress(ProtocolViolation):
        list(reader.feed(end))
    left, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 20_000


@pytest.mark.parametrize(
    ("frame", "count", "size"),
    [(16 * MIB, 1, 4096), (16 * MIB, 1, 65536), (MIB, 1, 64), (64, 65536, 4096), (64, 65536, 65536)],
)
def test_work_grows_with_the_bytes_and_not_faster(frame: int, count: int, size: int) -> None:
    """Copying what is there for each piece would take a minute in each of these cases; now it is 0.2 s at most."""
    head = b"\x7f" if frame < 126 else b"\xff"
    length = b"" if frame < 126 else struct.pack("!Q", frame)
    head = bytes((0x80 | (frame if frame < 126 else 127),)) + length + bytes(4)
    frames = [bytes((0x80 if at == count - 1 else 0,)) + head + bytes(frame) for at in range(count)]
    data = memoryview(bytes((frames[0][0] | BINARY,)) + b"".join(frames)[1:])
    reader = FrameReader(16 * MIB, 1000)
    began = time.process_time()
    messages = [message for at in range(0, len(data), size) for message in reader.feed(bytes(data[at : at + size]))]
    took = time.process_time() - began
    assert messages == [Message(BINARY, bytes(frame * count))]
    assert took < 4


# -- what is wrong

WRONG = {
    "unmasked": (masked(b"Hello", is_masked=False), 1002),
    "rsv1": (masked(b"", rsv=0x40), 1002),
    "rsv2": (masked(b"", rsv=0x20), 1002),
    "rsv3": (masked(b"", rsv=0x10), 1002),
    **{f"opcode {opcode:x}": (masked(b"", opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "fragmented ping": (masked(b"", PING, final=False), 1002),
    "fragmented pong": (masked(b"", PONG, final=False), 1002),
    "fragmented close": (masked(b"", CLOSE, final=False), 1002),
    "long ping": (masked(b"x" * 126, PING), 1002),
    "long pong": (masked(b"x" * 126, PONG), 1002),
    "long close": (close(1000, b"x" * 124), 1002),
    "nothing to continue": (masked(b"", CONTINUATION), 1002),
    "unfinished, with nothing to continue": (masked(b"", CONTINUATION, final=False), 1002),
    "message inside another": (masked(b"a", final=False) + masked(b"b"), 1002),
    "binary inside a text": (masked(b"a", final=False) + masked(b"b", BINARY, final=False), 1002),
    "length in two bytes without need": (masked(b"x" * 125, size_bytes=2), 1002),
    "length in eight bytes without need": (masked(b"x" * 300, size_bytes=8), 1002),
    "length of nothing in eight bytes": (masked(b"", size_bytes=8), 1002),
    "length with its highest bit set": (b"\x81\xff" + struct.pack("!Q", 2**63 + 5), 1002),
    "over 4 KB": (masked(b"x" * (LONGEST_MESSAGE + 1)), 1009),
    "over 4 KB in fragments": (
        masked(b"x" * 4000, final=False) + masked(b"x" * (LONGEST_MESSAGE - 3999), CONTINUATION),
        1009,
    ),
    "announced as enormous": (b"\x81\xff" + struct.pack("!Q", 2**62), 1009),
    "not UTF-8": (masked(b"\xff"), 1007),
    "cut off character": (masked("🐎".encode()[:3]), 1007),
    "character cut off in fragments": (masked("🐎".encode()[:3], final=False) + masked(b"", CONTINUATION), 1007),
    "surrogate": (masked(b"\xed\xa0\x80"), 1007),
    "overlong": (masked(b"\xc0\x80"), 1007),
    "not UTF-8 in fragments": (masked(b"a", final=False) + masked(b"\xff", CONTINUATION), 1007),
    "not UTF-8 in a long text": (masked(b"x" * 1000 + b"\xfe"), 1007),
    "close of one byte": (masked(b"\x03", CLOSE), 1002),
    "close with a reason that is not UTF-8": (close(1000, b"\xff"), 1007),
    "close with a reason that is cut off": (close(1000, "ž".encode()[:1]), 1007),
    **{
        f"close code {code}": (close(code), 1002)
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("sizes", [(), (1,), (2,), (3, 5)], ids=str)
def test_wrong_frame_ends_the_connection_with_its_code(case: str, sizes: tuple[int, ...]) -> None:
    data, code = WRONG[case]
    before = masked(b"be", final=False) + masked(b"fore", CONTINUATION)
    messages, found, reason = read(before + data + masked(b"after"), *sizes)
    assert (messages, found) == ([Message(TEXT, b"before")], code)
    assert 0 < len(reason.encode()) <= 123


AT_ONCE = {
    "reserved bits": (b"", b"\xc1"),
    "an opcode that is not known": (b"", b"\x83"),
    "a fragmented ping": (b"", b"\x09"),
    "nothing to continue": (b"", b"\x00"),
    "a message inside another": (masked(b"a", final=False), b"\x81"),
    "no mask": (b"\x81", b"\x05"),
    "a ping that is too long": (b"\x89", b"\xfe"),
    "half a close code": (b"\x88", b"\x81"),
    "a length with its highest bit set": (b"\x82\xff", b"\x80"),
    "a length of 125 in two bytes": (b"\x82\xfe\x00", b"\x7d"),
    "a length of 65535 in eight bytes": (b"\x82\xff" + bytes(6) + b"\xff", b"\xff"),
    "a length that is too large": (b"\x82\xfe\x10", b"\x01"),
    "a length that is too large with what is there": (masked(bytes(4000), final=False) + b"\x80", b"\xe1"),
    "a close code": (b"\x88\x82" + bytes(4) + b"\x03", b"\xee"),
    "a close code before its reason": (b"\x88\x85" + bytes(4) + b"\x03", b"\xee"),
    "a byte of a reason": (b"\x88\x85" + bytes(4) + b"\x03\xe8a", b"\xff"),
    "a byte of a text": (masked(b"x" * 3000, key=bytes(4))[:1500], b"\xff"),
    "the last byte of a text, inside a character": (masked(b"abc\xe2\x82", key=bytes(4))[:-1], b"\x82"),
    "the end of a text, inside a character": (masked(b"abc\xe2", final=False) + b"\x80\x80" + bytes(3), b"\x00"),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_what_is_wrong_is_said_at_the_first_byte_that_shows_it(case: str) -> None:
    right, wrong = AT_ONCE[case]
    assert read(right, 1)[1] == read(right)[1] == 0
    assert read(right + wrong, 1)[1] == read(right + wrong)[1] != 0


# RFC 3629 section 4, where each alternative may end early
CHARACTER = re.compile(
    rb"[\x00-\x7f]|[\xc2-\xdf](?:[\x80-\xbf]|\Z)"
    rb"|(?:\xe0(?:[\xa0-\xbf]|\Z)|[\xe1-\xec\xee\xef](?:[\x80-\xbf]|\Z)|\xed(?:[\x80-\x9f]|\Z))(?:[\x80-\xbf]|\Z)"
    rb"|(?:\xf0(?:[\x90-\xbf]|\Z)|[\xf1-\xf3](?:[\x80-\xbf]|\Z)|\xf4(?:[\x80-\x8f]|\Z))"
    rb"(?:[\x80-\xbf]|\Z)(?:[\x80-\xbf]|\Z)"
)


def can_begin_a_text(data: bytes) -> bool:
    at = 0
    while at < len(data):
        found = CHARACTER.match(data, at)
        if found is None:
            return False
        at = found.end()
    return True


#: The bytes at which RFC 3629's table changes its mind.
EDGES = b"\x00\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_every_sequence_that_begins_no_character_is_refused_at_its_first_wrong_byte(length: int) -> None:
    for letters in itertools.product(EDGES, repeat=length):
        text = bytes(letters)
        wrong = [end for end in range(1, length + 1) if not can_begin_a_text(text[:end])]
        head = b"\x81\x90" + bytes(4)  # of a frame that goes on
        assert first_wrong(head + text) == (len(head) + wrong[0] if wrong else -1), text


@given(st.lists(st.sampled_from([bytes((edge,)) for edge in EDGES] + ["ž€🐎".encode()]), max_size=8).map(b"".join))
def test_wrong_text_is_found_at_its_first_wrong_byte_also_across_fragments(text: bytes) -> None:
    wrong = [end for end in range(1, len(text) + 1) if not can_begin_a_text(text[:end])]
    data = masked(b"", final=False) + b"".join(
        masked(text[at : at + 1], CONTINUATION, final=False) for at in range(len(text))
    )
    assert first_wrong(data) == (6 + 7 * wrong[0] if wrong else -1)


def test_text_is_checked_across_fragments_of_the_same_message_only() -> None:
    half = "ž".encode()
    data = masked(half[:1], BINARY) + masked(half[1:], BINARY) + masked(half)
    assert read(data)[0] == [Message(BINARY, half[:1]), Message(BINARY, half[1:]), Message(TEXT, half)]


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
)
def test_close_code_that_may_be_sent_is_read(code: int) -> None:
    assert read(close(code, b"why")) == ([Message(CLOSE, b"why", code)], 0, "")


def test_close_may_have_a_reason_of_123_bytes() -> None:
    assert read(close(1000, b"x" * 123), 1) == ([Message(CLOSE, b"x" * 123, 1000)], 0, "")


def test_close_without_a_code_has_none() -> None:
    assert read(close()) == ([Message(CLOSE, b"", CloseCode.NO_STATUS)], 0, "")


def test_close_inside_a_message_ends_it() -> None:
    data = masked(b"half", final=False) + close(1001) + masked(b"the other", CONTINUATION)
    assert read(data) == ([Message(CLOSE, b"", 1001)], 0, "")


@pytest.mark.parametrize("sizes", [(), (1,), (3,), (8,)], ids=str)
def test_nothing_is_read_after_a_close(sizes: tuple[int, ...]) -> None:
    data = close(1000) + masked(b"after") + b"\xff\xff" + close(1001)
    assert read(data, *sizes) == ([Message(CLOSE, b"", 1000)], 0, "")


def test_nothing_is_read_after_what_was_wrong() -> None:
    reader = FrameReader()
    with pytest.raises(ProtocolViolation):
        list(reader.feed(b"\xff"))
    assert list(reader.feed(masked(b"after") + b"\xff" + close(1000))) == []
    assert not reader.is_between


@pytest.mark.parametrize("size", [10, 100, 1000])
def test_message_may_be_as_long_as_the_reader_was_told_and_no_longer(size: int) -> None:
    assert list(FrameReader(size).feed(masked(b"x" * size))) == [Message(TEXT, b"x" * size)]
    for data in (masked(b"x" * (size + 1)), masked(b"x", final=False) + masked(b"x" * size, CONTINUATION)):
        with pytest.raises(ProtocolViolation) as broken:
            list(FrameReader(size).feed(data))
        assert (broken.value.code, broken.value.reason) == (1009, f"messages end at {size} bytes")


def test_longest_message_does_not_bound_control_frames() -> None:
    data = masked(b"x", final=False) + masked(b"y" * 125, PING)
    assert list(FrameReader(1).feed(data)) == [Message(PING, b"y" * 125)]


@pytest.mark.parametrize("piece", [b"\x89\x80\0\0\0\0", b"\x00\x80\0\0\0\0"], ids=["pings", "empty continuations"])
def test_flood_of_small_frames_is_cut_off(piece: bytes) -> None:
    reader = FrameReader()
    start = b"\x01\x80\0\0\0\0"  # an unfinished text
    with pytest.raises(ProtocolViolation) as broken:
        list(reader.feed(start + piece * 2000))
    assert (broken.value.code, broken.value.reason) == (4429, "retry=10")


def test_frames_are_no_flood_up_to_the_most_in_one_read() -> None:
    reader = FrameReader(most=10)
    for _ in range(3):
        assert len(list(reader.feed(masked(b"") * 10))) == 10
    found: list[Message] = []
    with pytest.raises(ProtocolViolation):
        found.extend(reader.feed(masked(b"") * 11))
    assert len(found) == 10
