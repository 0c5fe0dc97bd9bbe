"""What goes over the wire, where HTTP's answers do not show it, has the shapes that the description says."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from myapp import inbox
from myapp.inbox.shapes import Event
from myapp.live import frames
from myapp.live.frames import Batch, CloseCode
from myapp.live.topic import state_data
from myapp.messages.shapes import ClientFrame, PresenceState, ServerFrame, StreamClose, TypingState

from . import wire
from .test_frames import Page

MESSAGE = {
    "seq": 4,
    "kind": "message",
    "at": "2026-11-20T09:00:00.000Z",
    "data": {"id": 1, "from": "bob", "from_name": "Bob", "avatar": "/avatars/bob?v=1", "to": "alice", "body": "hi"},
}
BATCH = Batch((json.dumps(MESSAGE),), 4, 4, 7, json.dumps(dict.fromkeys(inbox.BADGES, 0)))


def fits(value: Any, shape: Any) -> bool:
    """Whether the value has this shape, and no other field. Raises ValidationError, naming what is wrong."""
    return bool(msgspec.to_builtins(msgspec.convert(value, shape)) == value)


def parsed(data: bytes) -> Any:
    (frame,), _rest = wire.frames(data)
    return frame.json


FRAMES = {
    "hello": frames.hello(Page(), 3),
    "events": frames.events(BATCH),
    "new": frames.new(7),
    "pong": frames.pong(7),
    "reset": frames.reset("e", 7),
    "error": frames.error("Send something else."),
    "snapshot": frames.snapshot("presence:bob", 3, state_data("online")),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frame_of_the_server_has_its_shape(name: str) -> None:
    assert fits(parsed(FRAMES[name]), ServerFrame)


@pytest.mark.parametrize(
    "frame", [{"type": "ping"}, {"type": "ping", "seq": 4}, {"type": "watch", "topics": ["presence:bob"]}]
)
def test_frame_of_a_client_has_its_shape(frame: dict[str, Any]) -> None:
    assert fits(frame, ClientFrame)


@pytest.mark.parametrize("retry", [4.25, None])
def test_end_of_a_stream_has_its_shape(retry: float | None) -> None:
    text = frames.stream_close(CloseCode.RESTARTING, retry).decode()
    assert fits(json.loads(text.partition("data: ")[2]), StreamClose)


@pytest.mark.parametrize(
    ("state", "shape"),
    [("online", PresenceState), ("offline", PresenceState), ("typing", TypingState), ("idle", TypingState)],
)
def test_state_of_a_topic_has_its_shape(state: str, shape: Any) -> None:
    assert fits(json.loads(state_data(state)), shape)


DATA = {
    "message": MESSAGE["data"],
    "read": {"by": "alice", "with": "bob", "upto": 17},
    "seen": {"badges": ["likes"], "upto": 18},
    "like": {"post": 1, "by": "bob", "by_name": "Bob", "withdrawn": False},
    "dislike": {"post": 1, "by": "bob", "by_name": "Bob", "withdrawn": True},
    "reply": {"post": 1, "reply": 2, "by": "bob", "by_name": "Bob", "body": "yes"},
    "task": {"id": 1, "title": "Export", "kind": "export-messages", "state": "done", "result_url": "/x", "error": None},
    "notification": {
        "id": 1,
        "source": "shop",
        "title": "Sold",
        "body": "",
        "url": None,
        "badge": "orders",
        "data": {"order": [7]},
    },
    "announcement": {"id": 1, "source": None, "title": "Tonight", "body": "We move.", "url": None},
}


@pytest.mark.parametrize("kind", DATA)
def test_event_of_the_contract_has_its_shape(kind: str) -> None:
    assert fits({"seq": 1, "kind": kind, "at": MESSAGE["at"], "data": DATA[kind]}, Event)


def test_field_that_is_not_described_is_found_out() -> None:
    assert not fits({"type": "new", "seq": 1, "more": True}, ServerFrame)
    with pytest.raises(msgspec.ValidationError, match="seq"):
        fits({"type": "new"}, ServerFrame)
