"""Who is asking: a browser by its session, a program by a bearer token, or someone who follows by a ticket."""

from __future__ import annotations

from typing import Any

from flask import Request, request, session
from flask_login import AnonymousUserMixin, current_user
from itsdangerous import BadData, URLSafeTimedSerializer

from ..errors import Forbidden, NotSignedIn
from ..extensions import csrf, database, login_manager, parts
from . import service
from .service import Identity

TICKET_LIFE = 600
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


def init_login() -> None:
    """Tell flask-login how to find who is asking."""
    # sessions are kept in the database and can be ended there; its own check of the address is not needed
    login_manager.session_protection = None
    login_manager.anonymous_user = AnonymousUserMixin

    @login_manager.user_loader  # type: ignore[untyped-decorator]  # flask-login ships no types
    def by_session(key: str) -> Identity | None:
        if "Authorization" in request.headers:
            return None  # where that header is present, it alone counts
        with database().read() as connection:
            return service.by_session_key(connection, key)

    @login_manager.request_loader  # type: ignore[untyped-decorator]  # flask-login ships no types
    def by_header(asking: Request) -> Identity | None:
        header = asking.headers.get("Authorization")
        return by_bearer(header) if header is not None else None


def by_bearer(header: str) -> Identity | None:
    """Whose token or ticket this Authorization header carries (RFC 6750 section 2.1)."""
    scheme, _, secret = header.strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > 1000:
        return None
    if secret.startswith(TICKET_PREFIX):
        return by_ticket(secret)
    with database().read() as connection:
        return service.by_token(connection, secret)


TICKET_PREFIX = "ticket_"


def _tickets() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(parts().settings.secret_key, salt="ticket")


def issue_ticket(identity: Identity) -> str:
    """A short-lived bearer that may only follow, and mark as read and seen; it ends with what it was made from."""
    return TICKET_PREFIX + str(_tickets().dumps(identity.grant))


def by_ticket(ticket: str) -> Identity | None:
    try:
        grant = _tickets().loads(ticket.removeprefix(TICKET_PREFIX), max_age=TICKET_LIFE)
    except BadData:
        return None
    with database().read() as connection:
        return service.by_grant(connection, grant)


def asking() -> Identity | None:
    """Who is asking, or None. `&ticket=` counts on the ways of following, and only where they call `follower`."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def signed_in(*, ticket: bool = False) -> Identity:
    """Who is asking. A session's unsafe request must carry the CSRF token; a ticket counts where `ticket` says so.

    Raises NotSignedIn, Forbidden, or Flask-WTF's CSRFError, which is answered with 403.
    """
    identity = asking()
    if identity is None:
        if "Authorization" in request.headers:
            raise NotSignedIn("The bearer token is unknown, revoked or malformed: send Authorization: Bearer <token>.")
        raise NotSignedIn("Sign in first: with a session cookie, or with Authorization: Bearer <token>.")
    if identity.via == "ticket" and not ticket:
        raise Forbidden("A ticket may only follow, and mark as read and seen: use a token for this.")
    if identity.via == "session" and request.method not in SAFE_METHODS:
        csrf.protect()
    return identity


def follower() -> Identity | None:
    """Who follows an inbox: `&ticket=` counts for those who cannot send a header."""
    ticket = request.args.get("ticket")
    if ticket and "Authorization" not in request.headers:
        return by_ticket(ticket)
    return asking()


def session_key() -> Any:
    """What flask-login keeps in the cookie: the key of the session."""
    return session.get("_user_id")
