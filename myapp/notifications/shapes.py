"""How notices and preferences look on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from ..inbox.shapes import Badges, Url
from ..shapes import Epoch, Seq, Shape, Time


class Notice(Shape):
    """Something that happened: the event, whether it was seen, and where it leads."""

    seq: Annotated[int, Meta(ge=1)]
    kind: Annotated[str, Meta(description="As of the event.", examples=["notification"])]
    at: Time
    seen: bool
    url: Url | None
    data: Annotated[dict[str, Any], Meta(description="By kind, as of the event.")]


class Notices(Shape):
    """What happened, newest first, and where the inbox stood."""

    notifications: list[Notice]
    more: Annotated[bool, Meta(description="Whether there are older ones.")]
    seq: Seq
    epoch: Epoch
    badges: Badges


class Preferences(Shape):
    """Whether one wants to hear of it: by kind, and by the name of a system that has sent something."""

    kinds: Annotated[dict[str, bool], Meta(examples=[{"like": True}])]
    systems: Annotated[dict[str, bool], Meta(examples=[{"shop": True}])]
