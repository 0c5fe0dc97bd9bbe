"""How what other systems ask and are answered looks on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ..inbox.shapes import Url
from ..shapes import Avatar, Count, Id, Name, Shape, ShownName, Time


class Accepted(Shape):
    """Who is told."""

    accepted: Annotated[int, Meta(description="How many, those included who were told before by the same key.", ge=0)]
    unknown: Annotated[list[str], Meta(description="Names of nobody, as they were given.")]


class Announcement(Shape):
    """An announcement, and how far it is."""

    id: Id
    source: Annotated[str | None, Meta(description="The system that made it.")]
    title: str
    body: str | None
    url: Url | None
    at: Time
    state: Literal["running", "done"]
    reached: Annotated[int, Meta(description="How many users have it in their inboxes.", ge=0)]
    total: Count
    finished_at: Time | None


class OwnUser(Shape):
    """A user of the system's own."""

    name: Name
    display_name: ShownName
    avatar: Avatar
