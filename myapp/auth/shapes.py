"""How people, sessions and tokens look on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ..shapes import Avatar, Id, Name, Shape, ShownName, Time


class Me(Shape, kw_only=True):
    """Who one is: a user, or a system with what its token allows."""

    id: Annotated[Id | UnsetType, Meta(description="Of a user.")] = UNSET
    name: Name
    display_name: ShownName
    avatar: Annotated[Avatar | UnsetType, Meta(description="Of a user.")] = UNSET
    is_admin: Annotated[bool | UnsetType, Meta(description="Of a user.")] = UNSET
    via: Annotated[Literal["session", "token", "ticket", "system"], Meta(description="By what one is signed in.")]
    scopes: Annotated[list[str] | UnsetType, Meta(description="Of a system.", examples=[["notify"]])] = UNSET


class Ticket(Shape):
    """A bearer that may only follow, and mark as read and seen."""

    ticket: Annotated[str, Meta(examples=["ticket_InRva2VuOjEi.Zz0h2g.4Tn0"])]
    expires_in: Annotated[int, Meta(description="Seconds for which it is good.")]


class Session(Shape):
    """A browser that is signed in."""

    id: Id
    created_at: Time
    last_seen_at: Time
    address: Annotated[str, Meta(description="From where it signed in.", examples=["192.0.2.7"])]
    user_agent: Annotated[str, Meta(description="What the browser says it is.")]
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]


class Sessions(Shape):
    """One's sessions, the latest used first."""

    sessions: list[Session]


class Token(Shape):
    """A token, without its text."""

    id: Id
    label: str
    created_at: Time
    last_used_at: Time | None


class Tokens(Shape):
    """One's tokens."""

    tokens: list[Token]


class NewToken(Shape):
    """A token; its text is given this once."""

    id: Id
    token: Annotated[str, Meta(description="For `Authorization: Bearer`.", examples=["myapp_Qm9i"])]
    label: str
    created_at: Time


Presence = Annotated[
    Literal["online", "offline"],
    Meta(description="Online is who has a client that waits anywhere, and who had one in the last 5 s."),
]


class Person(Shape):
    """Somebody one may write to."""

    name: Name
    display_name: ShownName
    avatar: Avatar
    presence: Presence


class People(Shape):
    """People, in order of name."""

    users: list[Person]


#: By the names as they were asked for.
PresenceOf = Annotated[dict[str, Presence], Meta(description="By name.", examples=[{"alice": "online"}])]
