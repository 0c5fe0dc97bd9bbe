"""How messages, conversations and the answers of polls look on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from ..inbox.shapes import Badges, Body, Event
from ..shapes import Avatar, Epoch, Id, Name, Seq, Shape, ShownName, Time


class Message(Shape):
    """A message between two people."""

    id: Id
    from_: Name = field(name="from")
    from_name: ShownName
    avatar: Avatar
    to: Name
    body: Body
    at: Time
    deleted: Annotated[bool, Meta(description="Whether who wrote it has deleted it; its body is then empty.")]


class SentMessage(Message):
    """A message that was stored."""

    seq: Annotated[int, Meta(description="Of the event in the sender's own inbox.", ge=1)]


class KeptMessage(Message):
    """A message of a conversation."""

    read: Annotated[bool, Meta(description="Whether who it is for has read it.")]


class Conversation(Shape):
    """What two people wrote to each other, in short."""

    with_: Name = field(name="with")
    with_name: ShownName
    avatar: Avatar
    last: KeptMessage
    unread: Annotated[int, Meta(description="Messages that one has not read.", ge=0)]


class Conversations(Shape):
    """One's conversations, the one with the newest message first, at most 200; and where the inbox stood."""

    conversations: list[Conversation]
    seq: Seq
    epoch: Epoch
    badges: Badges


class History(Shape):
    """A part of a conversation, newest first."""

    messages: list[KeptMessage]
    more: Annotated[bool, Meta(description="Whether there are older ones.")]


class BadgesAt(Shape):
    """The badges, and where the inbox stands."""

    badges: Badges
    seq: Seq


class BadgesNow(BadgesAt):
    """The badges, where the inbox stands, and which history its seqs are of."""

    epoch: Epoch


class Snapshot(Shape):
    """What is current of a topic: never replayed, only the newest."""

    version: Annotated[int, Meta(description="A greater one is newer.", ge=0)]
    data: Annotated[dict[str, Any], Meta(description="By topic, see PresenceState and TypingState.")]


class PresenceState(Shape):
    """The data of the topic `presence:<name>`."""

    state: Literal["online", "offline"]


class TypingState(Shape):
    """The data of the topic `typing:<name>`: whether that person is writing to oneself."""

    state: Literal["typing", "idle"]


class WatchErrors(Shape):
    """What was not done of a poll's wishes."""

    watch: Annotated[str, Meta(description="The topics that do not exist or may not be watched.")]


class Poll(Shape):
    """What follows a cursor."""

    epoch: Epoch
    events: list[Event]
    seq: Annotated[int, Meta(description="Of the last event in here, or the cursor: where to go on from.", ge=0)]
    latest: Annotated[int, Meta(description="The inbox's last, where `badges` stand.", ge=0)]
    badges: Badges
    snapshots: Annotated[dict[str, Snapshot], Meta(description="By topic, of those that `watch` asked for.")]
    reset: Annotated[
        bool, Meta(description="The cursor means nothing here: load the page's state anew, go on from `seq`.")
    ]
    next: Annotated[float, Meta(description="Seconds after which to ask again.", ge=0)]
    errors: WatchErrors | UnsetType = UNSET


# -- frames of the WebSocket


class Hello(Shape, tag_field="type", tag="hello"):
    """The first frame: where client and inbox stand."""

    protocol: Literal[1]
    epoch: Epoch
    seq: Annotated[int, Meta(description="As the client gave it; `latest` at a reset.", ge=0)]
    latest: Seq
    badges: Badges
    heartbeat: Annotated[int, Meta(description="Seconds after which to send a ping.")]


class Events(Shape, tag_field="type", tag="events"):
    """Events in order, without holes."""

    events: list[Event]
    seq: Seq
    latest: Seq
    badges: Badges


class New(Shape, tag_field="type", tag="new"):
    """With `push=new`: there are events up to here, to be pulled."""

    seq: Seq


class SnapshotFrame(Shape, tag_field="type", tag="snapshot"):
    """What is current of a topic."""

    topic: Annotated[str, Meta(examples=["presence:bob"])]
    version: Annotated[int, Meta(description="A greater one is newer.", ge=0)]
    data: dict[str, Any]


class Pong(Shape, tag_field="type", tag="pong"):
    """The answer to a ping."""

    latest: Seq


class Reset(Shape, tag_field="type", tag="reset"):
    """The cursor means nothing here: load the page's state anew, go on from `latest`."""

    epoch: Epoch
    latest: Seq


class ErrorFrame(Shape, tag_field="type", tag="error"):
    """A frame was not understood, or a topic may not be watched."""

    detail: Annotated[str, Meta(description="What to do in its place.")]


ServerFrame = Hello | Events | New | SnapshotFrame | Pong | Reset | ErrorFrame


class Ping(Shape, tag_field="type", tag="ping"):
    """A sign of life; the texts `heartCheck`, `heart_beat` and `"heart_beat"` count as one, too."""

    seq: Annotated[int, Meta(description="What the client has applied.", ge=0)] | UnsetType = UNSET


class WatchFrame(Shape, tag_field="type", tag="watch"):
    """What to watch, in place of what was watched before."""

    topics: Annotated[list[str], Meta(max_length=50, examples=[["presence:bob", "typing:bob"]])]


ClientFrame = Ping | WatchFrame


class StreamClose(Shape):
    """The data of an event stream's last event, `close`."""

    code: Annotated[int, Meta(description="As of a WebSocket.", examples=[1012])]
    retry: Annotated[float | None, Meta(description="Seconds after which to come back; null for never.")]


#: What is called by a name of its own in the description, or named by it in words only.
NAMED: dict[str, Any] = {
    "ServerFrame": ServerFrame,
    "ClientFrame": ClientFrame,
    "PresenceState": PresenceState,
    "TypingState": TypingState,
    "StreamClose": StreamClose,
}
