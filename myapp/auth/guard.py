"""Who is asking: a browser by its session, a program by a bearer token, or someone who follows by a ticket."""

from __future__ import annotations

from flask import Request, g, request, session
from flask_login import AnonymousUserMixin
from itsdangerous import BadData, URLSafeTimedSerializer

from ..errors import Forbidden, NotSignedIn, Text
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
        return asking()

    @login_manager.request_loader  # type: ignore[untyped-decorator]  # flask-login ships no types
    def by_header(request: Request) -> Identity | None:
        return asking()


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
    """Who is asking, or None; looked up once a request. Where `Authorization` is present, it alone counts.

    `&ticket=` counts on the ways of following only, which call `follower`.
    """
    if "identity" not in g:
        g.identity = _find()
    found: Identity | None = g.identity
    return found


def _find() -> Identity | None:
    environ = request.environ
    header = environ.get("HTTP_AUTHORIZATION")
    if header is not None:
        return by_bearer(header)
    if "HTTP_COOKIE" not in environ:
        return None
    key = session.get("_user_id")  # where flask-login keeps what it was given: the session's key
    if key is None:
        return None
    with database().read() as connection:
        return service.by_session_key(connection, key)


def signed_in(*, ticket: bool = False) -> Identity:
    """Who is asking. A session's unsafe request must carry the CSRF token; a ticket counts where `ticket` says so.

    Raises NotSignedIn, Forbidden, or Flask-WTF's CSRFError, which is answered with 403.
    """
    identity = asking()
    if identity is None:
        if "HTTP_AUTHORIZATION" in request.environ:
            raise NotSignedIn(
                Text("The bearer token is unknown, revoked or malformed: send Authorization: Bearer <token>.")
            )
        raise NotSignedIn(Text("Sign in first: with a session cookie, or with Authorization: Bearer <token>."))
    if identity.via == "ticket" and not ticket:
        raise Forbidden(Text("A ticket may only follow, and mark as read and seen: use a token for this."))
    if identity.via == "session" and request.method not in SAFE_METHODS:
        csrf.protect()
    return identity


def by_person() -> str:
    """Whom a limit counts for: who is asking, else the address."""
    identity = asking()
    return f"user/{identity.id}" if identity else f"address/{request.remote_addr}"


def follower() -> Identity | None:
    """Who follows an inbox: `&ticket=` counts for those who cannot send a header."""
    ticket = request.args.get("ticket")
    if ticket and "HTTP_AUTHORIZATION" not in request.environ:
        found = g.follower = by_ticket(ticket)
        return found
    return asking()
