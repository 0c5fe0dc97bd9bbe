"""The errors of a described endpoint as OpenAPI has them: its own, and those that follow from what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import AppError
from .description import ANYONE, READERS, REF, Who
from .operations import SAFE, Operation

PROBLEM = "application/problem+json"
#: Who is known, and refused where not all of them may ask: a ticket, or a system's token, does not count everywhere.
KNOWN = READERS | Who.SYSTEM

#: Errors that follow from the rest of a description: what they mean everywhere.
MEANINGS = {
    400: "The body is not JSON.",
    401: "Nobody is signed in, or the token, ticket or session does not count.",
    403: "The CSRF token is missing or wrong, or whoever asks may not do this.",
    413: "The body is larger than 64 KB.",
    414: "The address is longer than the server takes, some 8 KB: its own answer, which is no problem object.",
    415: "The body is not `application/json`.",
    422: "A field or parameter is missing, unknown or wrong: `errors` names it.",
    429: "Too many requests.",
    503: "Not now, as the database is away or the server is full: try again.",
}
#: Errors that a server answers before the application is asked.
OF_SERVERS = {414: "AddressTooLong"}
RETRY_AFTER = "Seconds after which to try again."
#: Headers of errors, by status.
ERROR_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": RETRY_AFTER},
    503: {"Retry-After": RETRY_AFTER},
}


def shared() -> dict[str, Any]:
    """What errors mean everywhere, by their names: OpenAPI's `responses`."""
    return {_name(status): _error(status, text) for status, text in MEANINGS.items()}


def headers(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()}


def _implied(one: Operation) -> Iterator[int]:
    """The errors that an endpoint answers by what it takes and who may ask."""
    description = one.description
    if description.body is not None:
        yield from (400, 413, 415, 422)
    if description.query or description.headers:
        yield 422
    if description.query or "{" in one.path:
        yield 414
    if description.who:
        yield 401
        is_guarded = one.method not in SAFE and Who.SESSION in description.who
        if is_guarded or description.who & KNOWN not in (ANYONE, KNOWN):
            yield 403
    if description.limit:
        yield 429
    yield 503


def errors_of(one: Operation) -> dict[str, Any]:
    """By status: one that means something of its own here, or a reference to what is `shared`."""
    own = one.description.errors
    whole = {}
    for status in sorted({*own, *_implied(one)} - set(one.description.answers)):
        text = own.get(status, "")
        if text:
            whole[str(status)] = _error(status, text)
        elif status not in own:
            whole[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    return whole


def _error(status: int, text: str) -> dict[str, Any]:
    whole: dict[str, Any] = {"description": text}
    if status in ERROR_HEADERS:
        whole["headers"] = headers(ERROR_HEADERS[status])
    if status not in OF_SERVERS:
        whole["content"] = {PROBLEM: {"schema": {"$ref": REF.format(name="Problem")}}}
    return whole


def _name(status: int) -> str:
    """What a status is called: the name of its error."""
    return OF_SERVERS.get(status) or next(kind.__name__ for kind in AppError.__subclasses__() if kind.status == status)
