"""Who may ask, as OpenAPI's security schemes have it."""

from __future__ import annotations

from typing import Any

from .description import Who

SCHEMES: dict[str, dict[str, Any]] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "myapp_session",
        "description": "A browser's session, from signing in at /auth/login.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRFToken",
        "description": 'What a page has in `<meta name="csrf-token">`; with the session, on all but GET.',
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A user's token: from POST /auth/tokens, the account's page, or `flask tokens create`.",
    },
    "ticket": {
        "type": "http",
        "scheme": "bearer",
        "description": "From POST /auth/ticket, good for 10 minutes: it may follow, and mark as read and seen.",
    },
    "ticketInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "The same ticket, for clients that cannot send a header.",
    },
    "system": {"type": "http", "scheme": "bearer", "description": "The token of another system."},
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "A signature of this one request by the application's secret key: `flask live` makes it.",
    },
}

NAMES = {
    Who.SESSION: "session",
    Who.TOKEN: "token",
    Who.TICKET: "ticket",
    Who.TICKET_QUERY: "ticketInQuery",
    Who.SYSTEM: "system",
    Who.OPERATOR: "operator",
}


def alternatives(who: Who, is_safe: bool) -> list[dict[str, list[str]]]:
    """OpenAPI's list of alternatives; an empty one is open to anyone."""
    found: list[dict[str, list[str]]] = [{name: []} for kind, name in NAMES.items() if kind in who]
    if Who.SESSION in who and not is_safe:
        found[0]["csrf"] = []
    return found
