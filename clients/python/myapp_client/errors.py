"""What can go wrong, as one tree.

    ClientError
    ├── Closed               the client was closed, by you
    ├── ProtocolError        what answered is not the service, or says that we broke the protocol (`code`)
    ├── BadRequest           400
    ├── NotSignedIn          401, or close code 4401
    ├── Forbidden            403
    ├── NotFound             404
    ├── Conflict             409  the same key with other content; a task that is over
    │   └── TaskCancelled         by the user whom it is shown to
    ├── TooLarge             413
    ├── Invalid              422  `errors` says which field, and what would be right
    ├── TooMany              429  `retry_after`
    └── Unavailable          502, 503, 504  `retry_after`
        └── Unreachable      the network, or nobody there

Made from `application/problem+json` (RFC 9457). No I/O.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """`status` is the HTTP status, None where there was none; `errors` maps a field to what is wrong with it.

    `code` is a WebSocket close code, `retry_after` the seconds after which the server asks to come back.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        title: str = "",
        errors: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.title = title
        self.errors = dict(errors or {})
        self.retry_after = retry_after
        self.code = code


class Closed(ClientError):
    """The client was closed; make a new one."""

    def __init__(self, detail: str = "The client was closed: make a new one.") -> None:
        super().__init__(detail)


class ProtocolError(ClientError):
    """What came back is not what the service says: another program answers there, or ours or theirs has a mistake."""


class BadRequest(ClientError):
    pass


class NotSignedIn(ClientError):
    """The token is wrong, was revoked, or is a ticket that has ended."""


class Forbidden(ClientError):
    pass


class NotFound(ClientError):
    pass


class Conflict(ClientError):
    """The key was used before, with other content; or the task is over."""


class TaskCancelled(Conflict):
    """The user does not want the task any more: stop working on it."""

    def __init__(self, detail: str = "The task was cancelled: stop working on it.", **more: Any) -> None:
        super().__init__(detail, **more)


class TooLarge(ClientError):
    pass


class Invalid(ClientError):
    pass


class TooMany(ClientError):
    pass


class Unavailable(ClientError):
    """Not now. Whatever was asked had a key, so it may be asked again with it."""


class Unreachable(Unavailable):
    """No answer came: whether the server did what it was asked to is not known."""


BY_STATUS: dict[int, type[ClientError]] = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
    429: TooMany,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> ClientError:
    """The error of an answer that is none of 2xx; `headers` finds names in lower case."""
    problem = _problem(headers, body)
    title, detail, errors = (problem.get(name) for name in ("title", "detail", "errors"))
    text = detail if isinstance(detail, str) else _by_itself(status, headers)
    return BY_STATUS.get(status, ProtocolError)(
        text,
        status=status,
        title=title if isinstance(title, str) else "",
        errors={str(name): str(wrong) for name, wrong in errors.items()} if isinstance(errors, dict) else None,
        retry_after=retry_after(headers),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After` (RFC 9110 section 10.2.3); None for a date, which the service never sends."""
    text = headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _problem(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    if not headers.get("content-type", "").startswith("application/problem+json"):
        return {}
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _by_itself(status: int, headers: Mapping[str, str]) -> str:
    """What is said of an answer that is no problem of the service's: most often a proxy's."""
    if 300 <= status < 400:
        return f"The server answered {status}: use the address that it names, {headers.get('location', 'none')}."
    if status in (502, 503, 504):
        return f"The server answered {status}: it, or what is behind it, is away."
    return f"The server answered {status} without saying why: is the address that of the service?"
