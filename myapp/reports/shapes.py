"""How a report looks on the wire."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ..shapes import Id, Name, Shape, Time


class Report(Shape):
    """A report of one's own, as the administrators have it."""

    id: Id
    user: Name
    message: Annotated[Id | None, Meta(description="The message that it is about.")]
    post: Annotated[Id | None, Meta(description="The post or reply that it is about.")]
    reason: str
    at: Time
