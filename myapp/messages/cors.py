"""Cross-origin reading, without cookies: the ways of following, badges, and marking read or seen (Fetch standard)."""

from __future__ import annotations

from flask import Flask, Response, request

from ..extensions import parts

PATHS = frozenset(
    (
        "/messages/poll",
        "/messages/long-poll",
        "/messages/stream",
        "/messages/read",
        "/badges",
        "/badges/seen",
        "/auth/ticket",
    )
)


def init_app(app: Flask) -> None:
    """Let pages of ALLOWED_ORIGINS read these answers; they sign in by Authorization or ticket, never by cookie."""

    @app.after_request
    def allow_origin(response: Response) -> Response:
        environ = request.environ  # Werkzeug's headers cost three times as much to look at
        if environ["PATH_INFO"] not in PATHS:
            return response
        response.vary.add("Origin")
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin.lower() in parts().settings.allowed_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, POST"
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
                response.headers["Access-Control-Max-Age"] = "600"
        return response
