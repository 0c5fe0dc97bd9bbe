"""What goes over the wire: frames and bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myapp.live import frames
from myapp.live.frames import Batch, CloseCode

from . import wire

BADGES = '{"messages":2}'


class Page:
    """What an inbox reads."""

    epoch = 'e"1'
    events: tuple[Any, ...] = ()
    seq = 3
    latest = 7
    badges = BADGES
    reset = False


def parsed(data: bytes) -> Any:
    (frame,), rest = wire.frames(data)
    assert rest == b""
    return frame.json


@given(st.binary(max_size=70_000), st.sampled_from([frames.TEXT, frames.BINARY, frames.PING, frames.PONG]))
def test_any_payload_is_one_frame(payload: bytes, opcode: int) -> None:
    assert wire.frames(frames.frame(opcode, payload)) == ([(opcode, payload)], b"")


@pytest.mark.parametrize(("size", "head"), [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_length_is_written_in_its_shortest_form(size: int, head: int) -> None:
    assert len(frames.frame(frames.TEXT, b"x" * size)) == head + size


def test_hello_says_where_client_and_inbox_stand() -> None:
    assert parsed(frames.hello(Page(), 3)) == {
        "type": "hello",
        "protocol": 1,
        "epoch": 'e"1',
        "seq": 3,
        "latest": 7,
        "badges": {"messages": 2},
        "heartbeat": 25,
    }


def test_events_come_with_their_cursor_and_badges() -> None:
    batch = Batch(('{"seq":4}', '{"seq":5}'), 4, 5, 7, BADGES)
    assert parsed(frames.events(batch)) == {
        "type": "events",
        "events": [{"seq": 4}, {"seq": 5}],
        "seq": 5,
        "latest": 7,
        "badges": {"messages": 2},
    }


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (frames.new(18), {"type": "new", "seq": 18}),
        (frames.pong(9), {"type": "pong", "latest": 9}),
        (frames.reset('a"b', 4), {"type": "reset", "epoch": 'a"b', "latest": 4}),
        (frames.error('say "please"'), {"type": "error", "detail": 'say "please"'}),
    ],
)
def test_small_frames_have_the_shape_of_the_contract(frame: bytes, expected: dict[str, object]) -> None:
    assert parsed(frame) == expected


@pytest.mark.parametrize("reset", [True, False])
def test_answer_of_a_poll_has_the_shape_of_the_contract(reset: bool) -> None:
    body = frames.poll_body('e"1', Batch(('{"seq":4}',), 4, 4, 7, BADGES), reset, 2.5)
    assert json.loads(body) == {
        "epoch": 'e"1',
        "events": [{"seq": 4}],
        "seq": 4,
        "latest": 7,
        "badges": {"messages": 2},
        "snapshots": {},
        "reset": reset,
        "next": 2.5,
    }


def test_close_frame_carries_code_and_reason() -> None:
    (frame,), _rest = wire.frames(frames.close_frame(CloseCode.RESTARTING, "retry=4.2"))
    assert (frame.code, frame.reason) == (1012, "retry=4.2")


def test_close_frame_is_a_control_frame_however_long_its_reason() -> None:
    (frame,), _rest = wire.frames(frames.close_frame(CloseCode.BROKE_PROTOCOL, "x" * 500))
    assert len(frame.payload) == 125


def test_close_without_a_code_is_answered_without_one() -> None:
    assert frames.close_frame(CloseCode.NO_STATUS) == b"\x88\x00"


def test_close_codes_are_those_of_the_contract() -> None:
    told = {1001, 1012, 1003, 1007, 1009, 4400, 4401, 4408, 4409, 4429}
    assert told <= {int(code) for code in CloseCode}


def test_batch_of_a_page_begins_behind_its_cursor() -> None:
    class Event:
        def __init__(self, seq: int) -> None:
            self.seq = seq
            self.text = f"{seq}"

    class Three(Page):
        events = (Event(1), Event(2), Event(3))

    assert frames.batch_of(Three()) == Batch(("1", "2", "3"), 1, 3, 7, BADGES)
    assert frames.batch_of(Page()) == Batch((), 4, 3, 7, BADGES)
