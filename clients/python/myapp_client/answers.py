"""What the service answers, as values. Fields that are not known here are left out. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .events import time_of


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `seq` is that of its event in the sender's inbox, known to who sent it; `read` where it was asked."""

    id: int
    from_: str
    from_name: str
    to: str
    body: str
    at: datetime
    avatar: str | None = None
    seq: int | None = None
    read: bool | None = None

    @classmethod
    def of(cls, said: Any) -> Message:
        return cls(
            id=said["id"],
            from_=said["from"],
            from_name=said["from_name"],
            to=said["to"],
            body=said["body"],
            at=time_of(said["at"]),
            avatar=said.get("avatar"),
            seq=said.get("seq"),
            read=said.get("read"),
        )


@dataclass(frozen=True, slots=True)
class History:
    """Messages with somebody, newest first; `more` says whether there are older ones."""

    messages: tuple[Message, ...]
    more: bool

    @classmethod
    def of(cls, said: Any) -> History:
        return cls(tuple(map(Message.of, said["messages"])), bool(said["more"]))


@dataclass(frozen=True, slots=True)
class Conversation:
    with_: str
    with_name: str
    last: Message
    unread: int

    @classmethod
    def of(cls, said: Any) -> Conversation:
        return cls(said["with"], said.get("with_name", said["with"]), Message.of(said["last"]), said["unread"])


@dataclass(frozen=True, slots=True)
class Conversations:
    """The newest first. `seq` and `epoch` are where the inbox stood: follow from there."""

    conversations: tuple[Conversation, ...]
    seq: int
    epoch: str
    badges: Mapping[str, int]

    @classmethod
    def of(cls, said: Any) -> Conversations:
        found = tuple(map(Conversation.of, said["conversations"]))
        return cls(found, said["seq"], said["epoch"], dict(said["badges"]))


@dataclass(frozen=True, slots=True)
class Badges:
    """Counts by name, and where the inbox stood at them; `epoch` is \"\" where the answer does not say it."""

    badges: Mapping[str, int]
    seq: int
    epoch: str = ""

    @classmethod
    def of(cls, said: Any) -> Badges:
        return cls(dict(said["badges"]), said["seq"], said.get("epoch", ""))


@dataclass(frozen=True, slots=True)
class Me:
    """Who one is. `via` says by what: `token`, `ticket`, or `system` for the token of another system."""

    name: str
    via: str
    display_name: str

    @classmethod
    def of(cls, said: Any) -> Me:
        return cls(said["name"], said["via"], said.get("display_name") or said["name"])

    @property
    def is_system(self) -> bool:
        return self.via == "system"


@dataclass(frozen=True, slots=True)
class Notified:
    """How many were notified, and the names that nobody has."""

    accepted: int
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, said: Any) -> Notified:
        return cls(int(said["accepted"]), tuple(map(str, said["unknown"])))


@dataclass(frozen=True, slots=True)
class User:
    """Somebody as others see them; `avatar` is the address of a picture, None where there is none."""

    name: str
    display_name: str
    avatar: str | None = None

    @classmethod
    def of(cls, said: Any) -> User:
        return cls(said["name"], said["display_name"], said.get("avatar"))


@dataclass(frozen=True, slots=True)
class Ticket:
    """A short-lived token for somebody else's browser or program; `expires_in` is in seconds."""

    ticket: str = field(repr=False)
    expires_in: float

    @classmethod
    def of(cls, said: Any) -> Ticket:
        return cls(str(said["ticket"]), float(said["expires_in"]))


@dataclass(frozen=True, slots=True)
class TaskState:
    """How a task of another system stands: `state` is queued, running, done, failed or cancelled."""

    id: int
    state: str
    progress: int
    error: str | None = None

    @classmethod
    def of(cls, said: Any) -> TaskState:
        return cls(int(said["id"]), str(said["state"]), int(said["progress"]), said.get("error"))

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")
