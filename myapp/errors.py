"""What can go wrong for a reason that the caller can understand.

    AppError
    ├── BadRequest            400  not JSON, a malformed handshake
    ├── NotSignedIn           401
    ├── Forbidden             403
    ├── NotFound              404
    ├── Conflict              409  the same key with other content
    ├── TooLarge              413
    ├── UnsupportedMediaType  415
    ├── Invalid               422  a field or query parameter is wrong; `errors` names it
    ├── UpgradeRequired       426
    ├── TooMany               429
    └── Unavailable           503

Services raise these and know no Flask; `myapp.web` turns them into answers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any


class Text(str):
    """A text for people: in English a plain str, made of a template and its values, which a page or an answer in
    another language puts together anew (`myapp.web.translated`).

    `Text("write at least %(least)d characters", least=8)`; without values the template is taken as it is.
    """

    __slots__ = ("template", "values")

    def __new__(cls, template: str, **values: Any) -> Text:
        text = super().__new__(cls, template % values if values else template)
        text.template = template
        text.values = values
        return text

    template: str
    values: dict[str, Any]


class AppError(Exception):
    """An error with an HTTP status and a detail that tells the caller what to do.

    `errors` maps a field or query parameter to what is wrong with it. `headers` go into the answer.
    """

    status = 500
    title: str = Text("Internal Server Error")

    def __init__(
        self, detail: str, *, errors: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})


class BadRequest(AppError):
    status, title = 400, Text("Bad Request")


class NotSignedIn(AppError):
    """Nobody, or somebody whose credentials do not count (RFC 6750 section 3)."""

    status, title = 401, Text("Unauthorized")

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(AppError):
    status, title = 403, Text("Forbidden")


class NotFound(AppError):
    status, title = 404, Text("Not Found")


class Conflict(AppError):
    status, title = 409, Text("Conflict")


class TooLarge(AppError):
    status, title = 413, Text("Content Too Large")


class UnsupportedMediaType(AppError):
    status, title = 415, Text("Unsupported Media Type")


class Invalid(AppError):
    """One field, or one query parameter, is wrong: say which, and what would be right."""

    status, title = 422, Text("Unprocessable Content")

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(Text("%(field)s: %(problem)s", field=field, problem=problem), errors={field: problem})


class UpgradeRequired(AppError):
    """A WebSocket was expected, version 13 (RFC 6455 section 4.4)."""

    status, title = 426, Text("Upgrade Required")

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail, headers={"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        )


class TooMany(AppError):
    status, title = 429, Text("Too Many Requests")

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


def too_many_requests(most: int, seconds: int, reset_at: float) -> TooMany:
    """More than so many in so many seconds; `reset_at`, in seconds since 1970, the next ones are allowed."""
    wait = max(1, math.ceil(reset_at - time.time()))
    detail = Text(
        "Too many requests (at most %(most)d in %(seconds)d s): try again in %(wait)d s.",
        most=most,
        seconds=seconds,
        wait=wait,
    )
    return TooMany(detail, wait)


class Unavailable(AppError):
    """Not now: ask again after `retry_after` seconds."""

    status, title = 503, Text("Service Unavailable")

    def __init__(self, detail: str, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class ConfigError(Exception):
    """The settings do not allow a start; the text names each one and the remedy."""
