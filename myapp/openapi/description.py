"""What an endpoint takes and answers, written where it is defined: `@describe` over its view.

It costs nothing per request: the view itself is given back, with its description as an attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Any, TypeVar

from .parameters import Parameter

View = TypeVar("View", bound=Callable[..., Any])

#: Where a view carries its description; functools.wraps takes it along, so other decorators may stand above or below.
ATTRIBUTE = "openapi_description"

JSON = "application/json"
#: How a schema with a name is referred to.
REF = "#/components/schemas/{name}"


class DescriptionError(Exception):
    """A description does not fit its route; the text says which, and what to change."""


class Who(Flag):
    """Who may ask. Those of one endpoint are alternatives."""

    SESSION = auto()  # a browser's cookie, with X-CSRFToken on unsafe requests
    TOKEN = auto()  # a user's bearer token
    TICKET = auto()  # a ticket as bearer
    TICKET_QUERY = auto()  # the same as &ticket=
    SYSTEM = auto()  # a system's bearer token
    OPERATOR = auto()  # a question that was signed with the secret key: `flask live`


ANYONE = Who(0)
#: What `guard.signed_in()` lets in; with `ticket=True`; and `guard.follower()`.
PEOPLE = Who.SESSION | Who.TOKEN
READERS = PEOPLE | Who.TICKET
FOLLOWERS = READERS | Who.TICKET_QUERY


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error. `shape` is a type that msgspec knows (a Struct, a TypedDict, ...), None for no body.

    `content` is its media type, or several. With `page` a browser that prefers text/html gets a page in its place.
    """

    shape: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: str | tuple[str, ...] = JSON
    page: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """One endpoint. What follows from the rest (400 of a body, 401, 422 of a parameter, ...) is not in `errors`."""

    summary: str
    text: str
    tag: str | None
    who: Who
    body: Any
    path: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]
    answers: dict[int, Answer]
    errors: dict[int, str | None]
    limit: str | None
    extra: Mapping[str, Any]


def describe(
    summary: str,
    *,
    tag: str | None = None,
    who: Who = PEOPLE,
    body: Any = None,
    path: Sequence[Parameter] = (),
    query: Sequence[Parameter] = (),
    headers: Sequence[Parameter] = (),
    answers: Mapping[int, Any],
    errors: Mapping[int, str | None] | None = None,
    limit: str | None = None,
    text: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Callable[[View], View]:
    """Describe the view below; `text`, or the view's docstring, explains it.

    `tag` is where it is listed (default: its blueprint), `body` the Struct that it reads by `read_json`, `answers` are
    by status an Answer, or only its shape (None: without a body), `errors` say by status when they come (None: never,
    though it follows from the rest), `limit` is the rate limit's own text, and `extra` goes into OpenAPI's operation.
    """

    def remember(view: View) -> View:
        description = Description(
            summary,
            text or view.__doc__ or "",
            tag,
            who,
            body,
            tuple(path),
            tuple(query),
            tuple(headers),
            {status: given if isinstance(given, Answer) else Answer(given) for status, given in answers.items()},
            dict(errors or {}),
            limit,
            extra or {},
        )
        setattr(view, ATTRIBUTE, description)
        return view

    return remember


def description_of(view: Callable[..., Any]) -> Description | None:
    found: Description | None = getattr(view, ATTRIBUTE, None)
    return found
