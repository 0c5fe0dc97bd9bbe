"""Between HTTP and the services: typed requests in, one shape of answer and of error out."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from flask import Flask, Request, Response, g, redirect, render_template, request, url_for
from flask.globals import request_ctx
from flask_babel import gettext
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as BaseResponse
from wtforms import HiddenField

from . import access
from .db import AWAY
from .errors import (
    AppError,
    Invalid,
    NotSignedIn,
    Text,
    TooLarge,
    UnsupportedMediaType,
    too_many_requests,
)
from .extensions import limiter
from .refusals import refusal
from .shapes import MAX_SEQ as MAX_SEQ  # for views too

log = logging.getLogger(__name__)

T = TypeVar("T")

#: The most that a request's body may have, in bytes.
MAX_BODY = 64 * 1024
#: The longest address to come back to, in bytes as it is sent: proxies give the head of an answer little room (nginx's
#: default is 4 KB, ours in front of us have 8), and where it does not fit, theirs is an error.
LONGEST_NEXT = 3200
#: What is left unread of a refused body is read and thrown away up to here, so that the client gets the answer.
MAX_DISCARD = 32 * 1024 * 1024

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
DATA_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

#: What the errors that only HTTP knows are called, and what to do about them; of any other Werkzeug says it in English.
TITLES = {405: Text("Method Not Allowed")}
DETAILS = {
    404: Text("There is nothing at this address: check how it is written."),
    405: Text("This address does not take such a request: see the Allow header for those it takes."),
}

_encode = msgspec.json.Encoder().encode


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`data` as JSON."""
    return Response(_encode(data), status, headers, content_type="application/json")


def answer_text(text: str | bytes) -> Response:
    """JSON that is already text."""
    return Response(text, content_type="application/json")


def no_content() -> Response:
    return Response(status=204)


def read_json(kind: type[T]) -> T:
    """The request's body as `kind`, a msgspec Struct that forbids unknown fields.

    Raises UnsupportedMediaType, TooLarge, BadRequest (not JSON), or Invalid naming the first field that is wrong.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(Text("Send the body as JSON, with Content-Type: application/json."))
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= MAX_BODY:  # Werkzeug cuts a chunked body there, and says nothing
        raise too_large(MAX_BODY)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refusal(body, error, kind) from None


def too_large(most: int) -> TooLarge:
    return TooLarge(Text("The body is larger than %(most)d bytes: send less.", most=most))


def query_text(name: str, default: str = "", longest: int = 200) -> str:
    """A query parameter, given at most once. Raises Invalid."""
    values = request_ctx.request.args.getlist(name)  # not by the proxy, as this is asked for several times a request
    if not values:
        return default
    if len(values) > 1:
        raise Invalid(name, Text("is given more than once; give it once"))
    if len(values[0]) > longest:
        raise Invalid(name, Text("is longer than %(most)d characters", most=longest))
    if "\x00" in values[0]:
        raise Invalid(name, Text("has a NUL character; leave it out"))
    return values[0]


def query_whole(name: str, default: int, low: int = 0, high: int = MAX_SEQ) -> int:
    """A whole number in decimal digits, from `low` to `high`. Raises Invalid."""
    text = query_text(name, "")
    if not text and name not in request_ctx.request.args:
        return default
    if not re.fullmatch(r"[0-9]{1,16}", text) or not low <= int(text) <= high:
        raise Invalid(name, Text("give a whole number from %(low)d to %(high)d", low=low, high=high))
    return int(text)


def query_seconds(name: str, default: float, high: float) -> float:
    """Seconds with up to six decimals, from 0 to `high`. Raises Invalid."""
    text = query_text(name, "")
    if not text and name not in request.args:
        return default
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or float(text) > high:
        raise Invalid(name, Text("give seconds from 0 to %(high)g, like 2.5", high=high))
    return float(text)


def wants_page() -> bool:
    """Whether a browser asks for something to show. A program that accepts anything gets JSON."""
    best = request.accept_mimetypes.best_match(["application/json", "application/problem+json", "text/html"])
    return best == "text/html" and request.accept_mimetypes["text/html"] > request.accept_mimetypes["application/json"]


def is_opened() -> bool:
    """Whether somebody is about to see what is asked for; a browser may ask for a page that perhaps will be opened."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return request.method == "GET" and "prefetch" not in purpose.lower()


def translated(text: str) -> str:
    """A Text in the language that the request asks for; any other stays as it is: it may be somebody's own words."""
    if not isinstance(text, Text):
        return text
    values = {name: translated(value) if isinstance(value, Text) else value for name, value in text.values.items()}
    template: str = gettext(text.template)
    return template % values if values else template


def _who(error: AppError) -> Any:
    """Who is signed in, for the page of an error. Nobody where that cannot be found out: the database may be away."""
    if error.status < 500:
        try:
            return current_user._get_current_object()
        except Exception as failure:  # safety net: the error at hand is what is told
            log.error("the page of an error cannot tell who is signed in: %s", failure)
    return AnonymousUserMixin()


def problem(error: AppError) -> Response:
    """The one shape of an error: RFC 9457, or a page where a browser asked for one."""
    if wants_page():
        # first: the texts are in the language of who asks, whom nobody has looked for where no address fits
        who = _who(error)
        title, detail = translated(error.title), translated(error.detail)
        page = render_template("error.html", status=error.status, title=title, detail=detail, current_user=who)
        return Response(page, error.status, error.headers, content_type="text/html; charset=utf-8")
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": translated(error.title),
        "status": error.status,
        "detail": translated(error.detail),
    }
    if error.errors:
        body["errors"] = {field: translated(text) for field, text in error.errors.items()}
    return Response(_encode(body), error.status, error.headers, content_type="application/problem+json")


def sentence(label: str, problem: str) -> str:
    """What is wrong with a field, for the page that shows the field: "is taken" of "Name" is "The name is taken."."""
    said = translated(problem)
    # looked at in English, which a Text also is: there the problem is the label's predicate
    if problem.startswith(("is ", "has ", "was ")):
        whole: str = gettext("The %(label)s %(problem)s.", label=label.lower(), problem=said)
    else:
        whole = gettext("%(problem)s.", problem=f"{said[:1].upper()}{said[1:]}")
    return whole


def with_errors(form: Any, error: AppError) -> Any:
    """The form, saying at its fields what is wrong with them; what concerns no field that is shown, it says itself."""
    for name, text in error.errors.items():
        if name in form and not isinstance(form[name], HiddenField):
            form[name].errors = [sentence(str(form[name].label.text), text)]
        else:
            form.form_errors.append(translated(error.detail))
    return form


def safe_next(target: str | None) -> str:
    """Where to go after a form: an address of ours, given without the application's root, or the first page."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return url_for("messages.conversations_page")
    if len(quote(target, safe="%")) > LONGEST_NEXT:
        return url_for("messages.conversations_page")
    return request.script_root + target


def plain(status: int, detail: str, headers: dict[str, str] | None = None) -> AppError:
    """An error of a kind that only HTTP knows (404 of routing, 405, ...)."""
    error = AppError(detail, headers=headers)
    error.status = status
    error.title = TITLES.get(status) or Text(HTTPStatus(status).phrase)
    return error


def discard_body() -> None:
    """Read what the view left of the request's body, within bounds.

    A socket that is closed with unread bytes is reset, and the client then may never see the answer.
    """
    if "werkzeug.socket" in request.environ:
        return  # under `flask run` the stream does not end with the body: reading on would wait for ever
    left = min(request.content_length or 0, MAX_DISCARD)
    stream = request.environ["wsgi.input"]
    with contextlib.suppress(
        OSError, ValueError
    ):  # it broke off, or comes too slowly: the answer goes out all the same
        while left > 0 and (chunk := stream.read(min(left, 65536))):
            left -= len(chunk)


_date: tuple[int, str] = (0, "")


def http_date() -> str:
    """Now, as the Date header has it (RFC 9110 section 5.6.7)."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = now, formatdate(now, usegmt=True)
    return _date[1]


class IdConverter(BaseConverter):
    """`<id:name>` in a rule: a whole number that a row can have. For what can be none there is no such address."""

    regex = r"[1-9][0-9]{0,15}"

    def to_python(self, value: str) -> int:
        return int(value)


def init_app(app: Flask) -> None:
    """Error handlers, security headers, the access log, and `<id:name>` in rules."""
    app.url_map.converters["id"] = IdConverter
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY

    app.jinja_env.filters["translated"] = translated
    traffic = access.init_app(app)

    @app.errorhandler(AppError)
    def app_error(error: AppError) -> BaseResponse:
        if isinstance(error, NotSignedIn) and request.method == "GET" and wants_page():
            # an address with a ticket would stay in the browser's history, and in the logs of whoever is in between
            back = request.path if "ticket" in request.args else request.full_path.rstrip("?")
            is_kept = back != "/" and len(quote(back)) <= LONGEST_NEXT
            return redirect(url_for("auth.login", next=back if is_kept else None))
        return problem(error)

    @app.errorhandler(RequestEntityTooLarge)
    def body_too_large(error: RequestEntityTooLarge) -> Response:
        return problem(too_large(request.max_content_length or MAX_BODY))

    @app.errorhandler(CSRFError)
    def csrf_error(error: CSRFError) -> Response:
        detail = Text(
            "The CSRF token is missing, wrong or of another session. "
            "Reload the page and try again; programs send Authorization: Bearer instead."
        )
        return problem(plain(403, detail))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Any:
        status = error.code or 500
        if status < 400:  # a redirect of the router's
            return error
        headers = {name: value for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")}
        if status == 429:
            limit = limiter.current_limit
            if limit is not None:
                return problem(too_many_requests(limit.limit.amount, limit.limit.get_expiry(), limit.reset_at))
            headers["Retry-After"] = "60"
            return problem(plain(429, Text("Too many requests: try again in %(wait)d s.", wait=60), headers))
        detail = DETAILS.get(status) or Text(error.description or HTTPStatus(status).phrase)
        return problem(plain(status, detail, headers))

    def database_away(error: Exception) -> Response:
        log.error("the database does not answer: %s", error)
        headers = {"Retry-After": "2"}
        return problem(plain(503, Text("The database does not answer at the moment: try again."), headers))

    for kind in AWAY:
        app.register_error_handler(kind, database_away)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:  # safety net: logged, and told without its details
        log.exception("%s %s failed", request.method, access.printable(request.path))
        return problem(plain(500, Text("Something went wrong here; it has been logged.")))

    @app.after_request
    def finish(response: Response) -> Response:
        asked = request_ctx.request  # the proxies look for it at every attribute
        context: Any = g._get_current_object()
        if getattr(response, "is_unwritten", False):
            tell(asked, context.access_status, context)
            return response
        if asked.content_length:
            discard_body()
        headers = response.headers
        extra = PAGE_HEADERS if response.mimetype == "text/html" else DATA_HEADERS
        if asked.endpoint in access.STATIC:
            headers["Access-Control-Allow-Origin"] = "*"  # modules for pages of other origins: embed.js and its parts
        else:
            for name, value in extra.items():
                if name not in headers:
                    headers.add(name, value)
        headers["Date"] = http_date()
        if not getattr(response, "has_own_head", False):  # those are shared, and the id is added when they are written
            headers[access.HEADER] = context.request_id
        tell(asked, response.status_code, context, is_answered=not getattr(response, "is_parked", False))
        return response

    def tell(asked: Request, status: int, context: Any, is_answered: bool = True) -> None:
        took = time.perf_counter() - context.started
        traffic.note(asked.endpoint, status, took)
        if is_answered:
            access.log_request(asked, status, took, context)
