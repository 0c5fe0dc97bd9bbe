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

from collections.abc import Mapping


class AppError(Exception):
    """An error with an HTTP status and a detail that tells the caller what to do.

    `errors` maps a field or query parameter to what is wrong with it. `headers` go into the answer.
    """

    status = 500
    title = "Internal Server Error"

    def __init__(
        self, detail: str, *, errors: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})


class BadRequest(AppError):
    status, title = 400, "Bad Request"


class NotSignedIn(AppError):
    """Nobody, or somebody whose credentials do not count (RFC 6750 section 3)."""

    status, title = 401, "Unauthorized"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(AppError):
    status, title = 403, "Forbidden"


class NotFound(AppError):
    status, title = 404, "Not Found"


class Conflict(AppError):
    status, title = 409, "Conflict"


class TooLarge(AppError):
    status, title = 413, "Content Too Large"


class UnsupportedMediaType(AppError):
    status, title = 415, "Unsupported Media Type"


class Invalid(AppError):
    """One field, or one query parameter, is wrong: say which, and what would be right."""

    status, title = 422, "Unprocessable Content"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}", errors={field: problem})


class UpgradeRequired(AppError):
    """A WebSocket was expected, version 13 (RFC 6455 section 4.4)."""

    status, title = 426, "Upgrade Required"

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail, headers={"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        )


class TooMany(AppError):
    status, title = 429, "Too Many Requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Unavailable(AppError):
    """Not now: ask again after `retry_after` seconds."""

    status, title = 503, "Service Unavailable"

    def __init__(self, detail: str, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class ConfigError(Exception):
    """The settings do not allow a start; the text names each one and the remedy."""
