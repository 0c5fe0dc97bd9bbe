"""Signing up, in and out, and trying it as a guest; one's sessions and tokens; people."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import UserMixin, login_user
from werkzeug.wrappers import Response as BaseResponse

from ..access import STATIC
from ..db import READ_ONLY, now_ms
from ..errors import Conflict, Forbidden, Invalid, NotFound, Text
from ..extensions import csrf, database, limiter, parts
from ..openapi import READERS, Answer, Who, describe, whole, words
from ..systems import tokens
from ..texts import printable
from ..tokens import LONGEST_LABEL
from ..web import answer, no_content, query_text, query_whole, read_json, safe_next, wants_page, with_errors
from . import guard, guests, people, service, shapes
from .forms import LoginForm, RegisterForm
from .passwords import LONGEST, hash_password, verify

bp = Blueprint("auth", __name__)

#: Forms with a password that are worked on at once. Fifty that arrive together would make one long turn of the event
#: loop, only to wait for the hashes one after the other.
password_line = threading.BoundedSemaphore(4)

LOGINS_PER_ADDRESS = "300/minute"
LOGINS_PER_NAME = "10/minute"
REGISTRATIONS = "120/minute"
#: Apart from those who register: many guests behind one address do not keep them waiting.
GUESTS = "60/minute"
#: Of so many people one may ask at once whether they are online.
MOST_ASKED = 50

#: For the description: the service has this rule, and words for it.
LABEL_RULE = {"maxLength": LONGEST_LABEL, "examples": ["backup script"]}
LOCATION = {"Location": "Where to sign in again."}


class TokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /auth/tokens"""

    label: Annotated[str, msgspec.Meta(description="What it is for.", extra_json_schema=LABEL_RULE)] = ""


class NewSession(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """What flask-login puts into the cookie: the session's key, in place of a user's id."""

    def __init__(self, key: str) -> None:
        self.id = key


def _sign_in(user: int) -> None:
    """A new session for this browser; the one it had ends."""
    before = guard.asking()
    with database().transaction() as transaction:
        if before is not None and before.via == "session":
            _, _, number = before.grant.partition(":")
            service.end_session(transaction, before.id, int(number))
        key = service.start_session(transaction, user, request.remote_addr or "", request.user_agent.string)
    keep_session(key)


def keep_session(key: str) -> None:
    """Have this browser keep the session that has just begun, in place of what its cookie had."""
    session.clear()
    session.permanent = True
    login_user(NewSession(key))
    g.pop("identity", None)


def _checked(form: Any) -> bool:
    """Whether the form was sent with all it needs; a missing or wrong CSRF token is refused, not shown as a mistake."""
    csrf.protect()
    valid: bool = form.validate_on_submit()
    return valid


def _page(template: str, form: Any, status: int) -> tuple[str, int]:
    return render_template(template, form=form, guests=parts().settings.guests), status


def _name_of_form() -> str:
    """Failures are counted by name and address: nobody can lock somebody else out."""
    return f"{request.remote_addr}/{people.fold(request.form.get('username', ''))[:64]}"


@bp.route("/auth/login", methods=["GET", "POST"])
def login() -> BaseResponse | tuple[str, int]:
    if request.method == "POST":
        request.get_data()  # as slowly as the client sends it: before it has a place in the line
        with password_line:
            return _log_in()
    return _page("auth/login.html", LoginForm(next=request.args.get("next", "")), 200)


@limiter.limit(LOGINS_PER_ADDRESS)
@limiter.limit(LOGINS_PER_NAME, key_func=_name_of_form, deduct_when=lambda answer: answer.status_code == 422)
def _log_in() -> BaseResponse | tuple[str, int]:
    form = LoginForm()
    if _checked(form):
        with database().read() as connection:
            stored = service.stored_password(connection, form.username.data)
        fits = verify(stored[1] if stored else None, form.password.data[: LONGEST + 1])
        if stored and fits:
            _sign_in(stored[0])
            return redirect(safe_next(form.next.data), 303)
        form.password.errors = [_("The name or the password is wrong.")]
    return _page("auth/login.html", form, 422)


@bp.route("/auth/register", methods=["GET", "POST"])
def register() -> BaseResponse | tuple[str, int]:
    if request.method == "POST":
        request.get_data()
        with password_line:
            return _sign_up()
    return _page("auth/register.html", RegisterForm(), 200)


@limiter.limit(REGISTRATIONS)
def _sign_up() -> BaseResponse | tuple[str, int]:
    form = RegisterForm()
    status = 422
    if _checked(form):
        try:
            service.check_new_password(form.password.data)
            people.check_name(form.username.data)
            password_hash = hash_password(form.password.data)
            with database().transaction() as transaction:
                person = service.register(transaction, form.username.data, password_hash)
            _sign_in(person.id)
            return redirect(url_for("messages.conversations_page"), 303)
        except (Invalid, Conflict) as error:
            with_errors(form, error)
            status = error.status
    return _page("auth/register.html", form, status)


@bp.post("/auth/guest")
@limiter.limit(GUESTS)
def try_as_guest() -> BaseResponse:
    """A new user with a made-up name and no password, signed in."""
    csrf.protect()
    if not parts().settings.guests:
        raise Forbidden(Text("Guests are not let in here: create an account."))
    with database().transaction() as transaction:
        person = guests.create(transaction)
    _sign_in(person.id)
    return redirect(safe_next(request.form.get("next")), 303)


@bp.post("/auth/logout")
@describe(
    "Sign out",
    who=Who.SESSION,
    answers={204: Answer(None, "The session has ended."), 303: Answer(None, "The same, for a browser.", LOCATION)},
    errors={403: "By a token, which has no session, or without the CSRF token."},
)
def logout() -> BaseResponse:
    identity = guard.signed_in()
    if identity.via != "session":
        raise Forbidden(Text("A token has no session to end: DELETE /auth/tokens/<id> revokes it."))
    end_own_session(identity, int(identity.grant.partition(":")[2]))
    return _after_end()


def end_own_session(identity: service.Identity, which: int | str) -> None:
    """End one of one's sessions, or `all`; the browser that ends its own is signed out. Raises NotFound."""
    with database().transaction() as transaction:
        service.end_session(transaction, identity.id, which)
    if which == "all" or identity.grant == f"session:{which}":
        session.clear()


def _after_end() -> BaseResponse:
    return redirect(url_for("auth.login"), 303) if wants_page() else no_content()


@bp.get("/auth/me")
@describe("Say who one is", who=READERS | Who.SYSTEM, answers={200: shapes.Me})
def me() -> Response:
    if guard.asking() is None and g.get("system") is not None:
        system = guard.system()
        scopes = sorted(system.scopes)
        return answer({"name": system.name, "display_name": system.display_name, "via": "system", "scopes": scopes})
    identity = guard.signed_in(ticket=True)
    return answer(
        {
            "id": identity.id,
            "name": identity.name,
            "display_name": identity.display_name,
            "avatar": identity.avatar,
            "is_admin": identity.is_admin,
            "via": identity.via,
        }
    )


@bp.post("/auth/ticket")
@describe(
    "Get a ticket, or a new one for one's old",
    who=READERS,
    answers={200: shapes.Ticket},
    text="It ends with the session or token that it was made from, and never appears in a log.",
)
def ticket() -> Response:
    identity = guard.signed_in(ticket=True)
    return answer({"ticket": guard.issue_ticket(identity), "expires_in": service.TICKET_LIFE})


@bp.get("/auth/sessions")
@describe("List one's sessions", answers={200: shapes.Sessions})
def list_sessions() -> Response:
    identity = guard.signed_in()
    with database().read() as connection:
        return answer({"sessions": service.list_sessions(connection, identity.id, identity.grant)})


@bp.delete("/auth/sessions/<which>")
@describe(
    "End a session, or all",
    path=[words("which", "Its number, or `all`.", longest=None, pattern="^([0-9]{1,18}|all)$", example="3")],
    answers={204: None},
    errors={404: "It is not one of one's own."},
)
def end_session(which: str) -> Response:
    identity = guard.signed_in()
    end_own_session(identity, which if which == "all" else number_of(which))
    return no_content()


@bp.get("/auth/tokens")
@describe("List one's tokens", answers={200: shapes.Tokens})
def list_tokens() -> Response:
    identity = guard.signed_in()
    with database().read() as connection:
        return answer({"tokens": service.list_tokens(connection, identity.id)})


@bp.post("/auth/tokens")
@describe("Make a token", body=TokenRequest, answers={201: shapes.NewToken})
def create_token() -> Response:
    identity = guard.signed_in()
    asked = read_json(TokenRequest)
    with database().transaction() as transaction:
        return answer(service.create_token(transaction, identity.id, asked.label), 201)


@bp.delete("/auth/tokens/<number>")
@describe(
    "Revoke a token",
    path=[words("number", "The token's.", longest=None, pattern="^[0-9]{1,18}$", example="5")],
    answers={204: None},
    errors={404: "It is not one of one's own."},
)
def revoke_token(number: str) -> Response:
    identity = guard.signed_in()
    with database().transaction() as transaction:
        service.revoke_token(transaction, identity.id, number_of(number))
    return no_content()


def number_of(text: str, unknown: Callable[[str], NotFound] | None = None) -> int:
    """A number in an address: of one's own sessions and tokens, or of what `unknown` makes an error for. Raises that
    NotFound for what cannot be one.
    """
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    if unknown is not None:
        raise unknown(printable(text))
    raise NotFound(Text("There is nothing of yours with that number."))


@bp.get("/users")
@describe(
    "Find people",
    tag="people",
    query=[
        words("q", "How their name or display name begins.", example="al"),
        whole("limit", "At most so many.", 20, 1, 100),
    ],
    answers={200: shapes.People},
)
def find_people() -> Response:
    identity = guard.signed_in()
    query = query_text("q", "")
    limit = query_whole("limit", 20, 1, 100)
    with database().read() as connection:
        found = people.search(connection, identity.id, query, limit)
    return answer({"users": [as_json(person) for person in found]})


@bp.get("/users/<name>")
@describe(
    "Look somebody up",
    tag="people",
    path=[words("name", "The person's name.", longest=None, example="bob")],
    answers={200: shapes.Person},
    errors={404: "There is no such user."},
)
def one_person(name: str) -> Response:
    guard.signed_in()
    with database().read() as connection:
        return answer(as_json(people.by_name(connection, name)))


@bp.get("/presence")
@describe(
    "Ask who is online",
    tag="people",
    query=[
        words(
            "users",
            "1 to 50 names, separated by commas.",
            longest=4000,
            pattern=r"[^,\s]",
            example="alice,bob",
            required=True,
        )
    ],
    answers={200: shapes.PresenceOf},
    errors={404: "There is nobody of one of the names."},
)
def presence() -> Response:
    """Who of these people is online, by the names as they were asked for."""
    guard.signed_in()
    names = list(dict.fromkeys(name for name in query_text("users", "", 4000).split(",") if name.strip()))
    if not 0 < len(names) <= MOST_ASKED:
        raise Invalid("users", Text("give 1 to %(most)d names, separated by commas", most=MOST_ASKED))
    with database().read() as connection:
        found = {name: people.by_name(connection, name).id for name in names}
    return answer({name: parts().dispatcher.presence.state(user) for name, user in found.items()})


def as_json(person: people.Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "display_name": person.display_name,
        "avatar": person.avatar,
        "presence": parts().dispatcher.presence.state(person.id),
    }


@bp.before_app_request
def note_use() -> None:
    """Keep "last seen" roughly right, and with it the session alive; following alone does not count as use."""
    if request.blueprint == "following" or request.endpoint in STATIC or request.endpoint is None:
        return
    identity = guard.asking()
    if identity is None and g.get("system") is not None:
        _note_use_of_system(g.system)
    if identity is not None and identity.via != "ticket" and now_ms() - identity.touched_at > service.TOUCH_EVERY:
        try:
            parts().uses.do("session" if identity.via == "session" else "token", int(identity.grant.partition(":")[2]))
        except READ_ONLY:  # busy, full or read-only: the request itself may only read
            return
        if identity.via == "session":
            session.modified = True  # the cookie lives as long as the session


def _note_use_of_system(system: tokens.System) -> None:
    if now_ms() - system.touched_at > service.TOUCH_EVERY:
        with contextlib.suppress(*READ_ONLY), database().transaction(patience=0) as transaction:
            tokens.touch(transaction, system)
