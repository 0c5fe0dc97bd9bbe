"""Each request that a program can make: how it is asked, and how its answer is read. No I/O."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from .answers import Badges, Conversations, History, Me, Message, Notified, TaskState, Ticket, User
from .errors import ProtocolError, error_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. It may be made again: what changes something is idempotent or has a key."""

    method: str
    path: str
    body: bytes | None
    read: Callable[[Any], T]

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.body is None else {"Content-Type": "application/json"}

    def result(self, status: int, headers: Mapping[str, str], body: bytes) -> T:
        """Raises ClientError for whatever is not the answer that was asked for."""
        if not 200 <= status < 300:
            raise error_of(status, headers, body)
        try:
            return self.read(json.loads(body) if body else {})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            detail = f"{self.method} {self.path} was answered with something else than it should: {error!r}"
            raise ProtocolError(detail, status=status) from error


def send(to: str, body: str, key: str | None) -> Call[Message]:
    return _change("POST", "/messages", {"to": to, "body": body, "key": key or new_key()}, Message.of)


def notify(
    to: str | Sequence[str],
    title: str,
    body: str | None,
    url: str | None,
    badge: str | None,
    data: Mapping[str, Any] | None,
    key: str | None,
) -> Call[Notified]:
    whom = to if isinstance(to, str) else list(to)
    said = {"to": whom, "title": title, "body": body, "url": url, "badge": badge, "data": data}
    return _change("POST", "/api/notifications", {**_given(said), "key": key or new_key()}, Notified.of)


def announce(title: str, body: str | None, url: str | None, key: str | None) -> Call[int]:
    said = _given({"title": title, "body": body, "url": url})
    return _change("POST", "/api/announcements", {**said, "key": key or new_key()}, lambda answer: int(answer["id"]))


def put_user(name: str, display_name: str | None) -> Call[User]:
    return _change("PUT", f"/api/users/{quote(name, safe='')}", _given({"display_name": display_name}), User.of)


def ticket(user: str) -> Call[Ticket]:
    return _change("POST", "/api/tickets", {"user": user}, Ticket.of)


def make_task(to: str, title: str, kind: str | None, key: str | None, timeout: int) -> Call[TaskState]:
    said = _given({"to": to, "title": title, "kind": kind})
    return _change("POST", "/api/tasks", {**said, "timeout": timeout, "key": key or new_key()}, TaskState.of)


def change_task(number: int, said: Mapping[str, Any]) -> Call[TaskState]:
    return _change("PATCH", f"/api/tasks/{number}", dict(said), TaskState.of)


def find_task(number: int) -> Call[TaskState]:
    return Call("GET", f"/api/tasks/{number}", None, TaskState.of)


def me() -> Call[Me]:
    return Call("GET", "/auth/me", None, Me.of)


def badges() -> Call[Badges]:
    return Call("GET", "/badges", None, Badges.of)


def mark_seen(badges: Sequence[str], upto: int) -> Call[Badges]:
    if isinstance(badges, str):
        badges = [badges]
    return _change("POST", "/badges/seen", {"badges": list(badges), "upto": upto}, Badges.of)


def mark_read(with_: str, upto: int) -> Call[Badges]:
    return _change("POST", "/messages/read", {"with": with_, "upto": upto}, Badges.of)


def conversations() -> Call[Conversations]:
    return Call("GET", "/messages/conversations", None, Conversations.of)


def history(with_: str, before: int | None, limit: int) -> Call[History]:
    query = urlencode(_given({"before": before, "limit": limit}))
    return Call("GET", f"/messages/with/{quote(with_, safe='')}?{query}", None, History.of)


def new_key() -> str:
    return uuid.uuid4().hex


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Those that are there: what is left out has the service's default."""
    return {name: value for name, value in fields.items() if value is not None}


def _change(method: str, path: str, fields: dict[str, Any], read: Callable[[Any], T]) -> Call[T]:
    """Raises ValueError or TypeError naming the field that is no JSON."""
    for name, value in fields.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: give what JSON can say; {error}") from None
    try:
        body = json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair: the service says which field
        body = json.dumps(fields).encode()
    return Call(method, path, body, read)
