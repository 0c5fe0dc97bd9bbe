"""How events and badges look on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from ..shapes import Avatar, Count, Id, Name, Seq, Shape, ShownName, Time
from .badges import BADGES, pattern

Badges = Annotated[
    dict[str, Count],
    Meta(
        description="Absolute numbers by name; others than these can come with a notification. Ignore unknown ones.",
        examples=[{**dict.fromkeys(BADGES, 0), "messages": 3}],
        extra_json_schema={
            "properties": {name: {"type": "integer", "minimum": 0} for name in BADGES},
            "required": list(BADGES),
        },
    ),
]
BadgeName = Annotated[str, Meta(description="The badge that counts it.", pattern=pattern())]
Body = Annotated[str, Meta(description="Text, exactly as it was sent; empty when it was deleted.", examples=["hi"])]
Url = Annotated[str, Meta(description="Where it is shown.", examples=["/tasks/7"])]


class MessageData(Shape):
    """A message, to both sides."""

    id: Id
    from_: Name = field(name="from")
    from_name: ShownName
    avatar: Avatar
    to: Name
    body: Body


class ReadData(Shape):
    """Messages were read, to reader and writer: those in the conversation of `by` and `with` with ids up to `upto`."""

    by: Annotated[str, Meta(description="Who has read.", examples=["alice"])]
    with_: Name = field(name="with")
    upto: Id


class SeenData(Shape):
    """What some badges count was seen, to oneself: what happened at or before seq `upto`; or some notices were."""

    badges: Annotated[list[str], Meta(description="Names of badges.", examples=[["likes"]])]
    upto: Seq
    seqs: Annotated[list[int], Meta(description="Instead: the seqs of what was seen.")] | UnsetType = UNSET


class ReactionData(Shape):
    """A like or dislike, to the post's author."""

    post: Id
    by: Name
    by_name: ShownName
    withdrawn: Annotated[bool, Meta(description="Whether it was taken back.")]


class ReplyData(Shape):
    """A reply, to the post's author and those in the thread."""

    post: Id
    reply: Id
    by: Name
    by_name: ShownName
    body: Body


class TaskData(Shape):
    """How a task stands, to its owner."""

    id: Id
    title: str
    kind: Annotated[str, Meta(description="What is done.", examples=["export-messages"])]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    result_url: Annotated[str | None, Meta(description="Where its result is, when it is done.")]
    error: Annotated[str | None, Meta(description="Why it failed.")]


class NotificationData(Shape):
    """What another system, or the application itself, tells somebody. What was not given is null."""

    id: Id
    source: Annotated[str | None, Meta(description="The name of the system; null: the application itself.")]
    title: str
    body: Body | None
    url: Url | None
    badge: BadgeName | None
    data: Annotated[dict[str, Any], Meta(description="The sender's own.")]


class AnnouncementData(Shape):
    """What everybody is told. What was not given is null."""

    id: Id
    source: Annotated[str | None, Meta(description="The name of the system; null: an administrator.")]
    title: str
    body: Body | None
    url: Url | None


class DeletedData(Shape):
    """Something was deleted, to all whose inbox had its content: the events that had it have none any more."""

    kind: Literal["message", "post", "reply"]
    id: Id
    with_: Annotated[Name, Meta(description="Of a message: the other side.")] | UnsetType = field(
        name="with", default=UNSET
    )
    post: Annotated[Id, Meta(description="Of a post itself, of a reply the post it is to.")] | UnsetType = UNSET


class AnyEvent(Shape, tag_field="kind", tag="any"):
    """What all events have."""

    seq: Seq
    at: Time


class MessageEvent(AnyEvent, tag="message"):
    """A message was sent or received."""

    data: MessageData


class ReadEvent(AnyEvent, tag="read"):
    """Messages were read."""

    data: ReadData


class SeenEvent(AnyEvent, tag="seen"):
    """Badges were seen."""

    data: SeenData


class LikeEvent(AnyEvent, tag="like"):
    """Somebody likes a post, or took it back."""

    data: ReactionData


class DislikeEvent(AnyEvent, tag="dislike"):
    """Somebody dislikes a post, or took it back."""

    data: ReactionData


class ReplyEvent(AnyEvent, tag="reply"):
    """Somebody replied."""

    data: ReplyData


class TaskEvent(AnyEvent, tag="task"):
    """A task is in another state."""

    data: TaskData


class NotificationEvent(AnyEvent, tag="notification"):
    """Another system has something to tell."""

    data: NotificationData


class AnnouncementEvent(AnyEvent, tag="announcement"):
    """Everybody is told something."""

    data: AnnouncementData


class DeletedEvent(AnyEvent, tag="deleted"):
    """Something was deleted."""

    data: DeletedData


Event = (
    MessageEvent
    | ReadEvent
    | SeenEvent
    | LikeEvent
    | DislikeEvent
    | ReplyEvent
    | TaskEvent
    | NotificationEvent
    | AnnouncementEvent
    | DeletedEvent
)

#: What is called by a name of its own in the description.
NAMED: dict[str, Any] = {"Badges": Badges, "Event": Event}
