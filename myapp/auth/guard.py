"""Who is asking: a browser by its session, a program by a bearer token, or someone who follows by a ticket."""

from __future__ import annotations

import time

from flask import Request, g, request, session
from flask_login import AnonymousUserMixin
from itsdangerous import BadData, URLSafeTimedSerializer

from ..errors import AppError, Forbidden, NotSignedIn, Text
from ..extensions import csrf, database, login_manager, parts
from ..systems import tokens
from ..systems.tokens import System
from . import service
from .service import SYSTEM_TICKET_LIFE, TICKET_LIFE, Identity, issued_at

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
    if secret.startswith(tokens.PREFIX):  # no user, but another system: see `system`
        with database().read() as connection:
            g.system = tokens.by_token(connection, secret)
        return None
    with database().read() as connection:
        return service.by_token(connection, secret)


TICKET_PREFIX = "ticket_"


def _tickets() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(parts().settings.secret_key, salt="ticket")


def issue_ticket(identity: Identity) -> str:
    """A short-lived bearer that may only follow, and mark as read and seen; it ends with what it was made from.

    Raises Forbidden where it would renew one that a system has issued more than SYSTEM_TICKET_LIFE ago: whether its
    user is still signed in there, only the system knows.
    """
    since = issued_at(identity.grant)
    if since is not None and time.time() - since > SYSTEM_TICKET_LIFE:
        raise Forbidden(Text("This ticket has been renewed for a day: get a new one where the first came from."))
    return _ticket_for(identity.grant)


def issue_system_ticket(token: int, user: int) -> str:
    """The same for a user of another system, by that system's token."""
    return _ticket_for(f"{tokens.grant_of(token, user)}@{time.time():.0f}")


def _ticket_for(content: str) -> str:
    return TICKET_PREFIX + str(_tickets().dumps(content))


def by_ticket(ticket: str) -> Identity | None:
    try:
        grant: str = _tickets().loads(ticket.removeprefix(TICKET_PREFIX), max_age=TICKET_LIFE)
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
        raise refusal()
    if identity.via == "ticket" and not ticket:
        raise Forbidden(Text("A ticket may only follow, and mark as read and seen: use a token for this."))
    if identity.via == "session" and request.method not in SAFE_METHODS:
        csrf.protect()
    return identity


def refusal() -> AppError:
    """Why whoever is asking is nobody who has an inbox, and what to do: Forbidden for a system, else NotSignedIn."""
    if g.get("system") is not None:
        return Forbidden(Text("This is the token of a system, which may use /api/ only: use a user's token."))
    if "HTTP_AUTHORIZATION" in request.environ:
        return NotSignedIn(
            Text("The bearer token is unknown, revoked or malformed: send Authorization: Bearer <token>.")
        )
    if "follower" in g:
        return NotSignedIn(Text("The ticket has ended or is none: get a new one where it came from."))
    return NotSignedIn(Text("Sign in first: with a session cookie, or with Authorization: Bearer <token>."))


def system(scope: str = "") -> System:
    """The other system that is asking, by a token that allows `scope`.

    Raises NotSignedIn, also for a token that has expired, and Forbidden.
    """
    identity = asking()
    found: System | None = g.get("system")
    if found is None:
        if identity is not None:
            raise Forbidden(Text("Only a system may do this, with its token: an administrator makes one at /admin."))
        raise NotSignedIn(
            Text("Send a system's token as Authorization: Bearer <token>: this is none that is in force.")
        )
    if scope and scope not in found.scopes:
        raise Forbidden(Text("This token may not do that: it lacks the scope %(scope)r.", scope=scope))
    return found


def administrator() -> Identity:
    """Who is asking, where that is an administrator with a browser. Raises NotSignedIn and Forbidden."""
    identity = signed_in()
    if not identity.is_admin or identity.via != "session":
        raise Forbidden(Text("Only administrators may do this, signed in with a browser."))
    return identity


def by_person() -> str:
    """Whom a limit counts for: who is asking, else the address."""
    identity = asking()
    if g.get("system") is not None:
        return f"system/{g.system.id}"
    return f"user/{identity.id}" if identity else f"address/{request.remote_addr}"


def follower() -> Identity | None:
    """Who follows an inbox: `&ticket=` counts for those who cannot send a header."""
    ticket = request.args.get("ticket")
    if ticket and "HTTP_AUTHORIZATION" not in request.environ:
        found = g.follower = by_ticket(ticket)
        return found
    return asking()
