"""How posts, replies and what is current of them look on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from ..inbox.shapes import Body
from ..shapes import Avatar, Count, Epoch, Id, Name, Seq, Shape, ShownName, Time

Reaction = Annotated[Literal["like", "dislike"] | None, Meta(description="What one thinks of it oneself.")]
Version = Annotated[
    int, Meta(description="Of the counts, as of the snapshot `post:<id>`: a greater one is newer.", ge=0)
]


class Counts(Shape):
    """What people think of a post, and how many replies there are."""

    likes: Count
    dislikes: Count
    replies: Count


class Post(Shape):
    """A post, or a reply to one."""

    id: Id
    thread: Annotated[int | None, Meta(description="The post that this is a reply to; null: it is a post itself.")]
    by: Name
    by_name: ShownName
    avatar: Avatar
    body: Body
    at: Time
    deleted: bool
    blocked: Annotated[bool, Meta(description="Whether one has blocked who wrote it.")]
    counts: Counts
    version: Version
    reaction: Reaction


class Feed(Shape):
    """Posts, newest first, and where the inbox stood."""

    posts: list[Post]
    more: Annotated[bool, Meta(description="Whether there are older ones.")]
    seq: Seq
    epoch: Epoch


class Replies(Shape):
    """Replies, oldest first."""

    replies: list[Post]
    more: Annotated[bool, Meta(description="Whether there are newer ones.")]


class Reacted(Shape):
    """What people think of a post now, oneself included."""

    counts: Counts
    version: Version
    reaction: Reaction


class FeedState(Shape):
    """The data of the topic `posts`."""

    newest: Annotated[int, Meta(description="The id of the newest post; 0: there is none.", ge=0)]
    recent: Annotated[
        list[RecentPost], Meta(description="The newest, at most 20, the newest of them first; deleted ones are not.")
    ]


class RecentPost(Shape):
    """One of the newest posts."""

    id: Id
    by: Name


class PostState(Shape):
    """The data of the topic `post:<id>`."""

    likes: Count
    dislikes: Count
    replies: Count
    deleted: bool


#: What is called by a name of its own in the description, or named by it in words only.
NAMED: dict[str, Any] = {"FeedState": FeedState, "PostState": PostState}
