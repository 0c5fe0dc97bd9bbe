"""How what was found looks on the wire."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from ..shapes import Avatar, Id, Name, Shape, ShownName, Time

Snippet = Annotated[
    str,
    Meta(
        description="HTML, escaped: the part of the text around what was found, which is marked by `<mark>`.",
        examples=["see you at <mark>ten</mark>"],
    ),
]
Url = Annotated[
    str,
    Meta(description="Where it stands, below the application's root.", examples=["/chats/bob?before=18#message-17"]),
]


class FoundMessage(Shape):
    """A message that one sent or received."""

    id: Id
    from_: Name = field(name="from")
    from_name: ShownName
    avatar: Avatar
    to: Name
    with_: Name = field(name="with")
    with_name: ShownName
    at: Time
    url: Url
    snippet: Snippet


class FoundPost(Shape):
    """A post or a reply."""

    id: Id
    thread: Annotated[int | None, Meta(description="The post that it is a reply to; null: it is a post itself.")]
    by: Name
    by_name: ShownName
    avatar: Avatar
    at: Time
    url: Url
    snippet: Snippet


class Results(Shape):
    """What was found, newest first."""

    messages: list[FoundMessage]
    posts: list[FoundPost]
    before_message: Annotated[int | None, Meta(description="To go on with the messages; null: those were all.")]
    before_post: Annotated[int | None, Meta(description="To go on with the posts; null: those were all.")]
    complete: Annotated[
        bool,
        Meta(description="False while texts from before the index was made are not all in it: some are not found."),
    ]
