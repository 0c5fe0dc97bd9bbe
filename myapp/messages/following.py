"""The four ways of following an inbox: short poll, long poll, server-sent events, WebSocket.

All take a cursor and give what follows it. Subscribe, then read, then wait: a client enters the dispatcher before its
first read, so nothing slips between. No database connection is held while anything waits.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

import flask_sock
from flask import Blueprint, Response, g, request
from flask.globals import request_ctx

from .. import access, inbox
from ..auth import guard
from ..auth.service import Identity
from ..errors import BadRequest, Forbidden, Invalid, Unavailable, UpgradeRequired
from ..extensions import database, parts, sock
from ..live import frames, handshake, takeover
from ..live.frames import CloseCode
from ..live.places import Place
from ..live.websocket import QUIET, TellingClient, WebSocketClient
from ..openapi import FOLLOWERS, Answer, Parameter, describe, one_of, seconds, whole, words
from ..web import MAX_SEQ, answer_text, query_seconds, query_text, query_whole
from . import shapes, watching
from .following_texts import LONG_POLL, NO_PLACE, STREAM, WEBSOCKET, WEBSOCKET_SCHEMAS
from .parked import POLL_EVERY, STREAM_TYPE, ParkedPoll, ParkedStream, poll_body
from .watching import HAVE, NOTHING, WATCH, Watched

bp = Blueprint("following", __name__)

CURSOR = (
    whole("seq", "What one has: everything after it is given. 0 for all.", 0, 0, MAX_SEQ),
    words("epoch", "From the last answer; another one than the server's is answered with a reset."),
)
#: The most seconds after which a short poll asks again, under load.
POLL_MOST = 15.0
#: Seconds between two looks where a long poll cannot be parked and waits in its own greenlet or thread.
LOOK_EVERY = 0.25

NO_SOCKETS = (
    "This server does not give its sockets away, so WebSocket and event streams are not served here: start it with "
    "`make run` or `uwsgi --ini uwsgi.ini`, or follow by GET /messages/long-poll."
)


def _follower() -> Identity:
    """Raises NotSignedIn, and Forbidden for a system, which has no inbox."""
    identity = guard.follower()
    if identity is None:
        raise guard.refusal()
    return identity


def _cursor() -> tuple[int, str]:
    return query_whole("seq", 0), query_text("epoch", "")


def _read(user: int, seq: int, epoch: str, limit: int = inbox.PAGE_EVENTS) -> inbox.Page:
    with database().read() as connection:
        page = inbox.after(connection, user, seq, epoch=epoch, limit=limit)
    parts().dispatcher.topics.stored.in_epoch(page.epoch)
    if page.reset:
        parts().dispatcher.counts["resets"] += 1
    return page


def _poll_answer(page: inbox.Page, wait: float, watched: Watched = NOTHING) -> Response:
    """Raises what reading the database does."""
    parts().dispatcher.topics.stored.refresh(watched.watches)
    return answer_text(poll_body(page, wait, watched))


@bp.get("/messages/poll")
@describe(
    "Short poll",
    who=FOLLOWERS,
    query=[*CURSOR, whole("limit", "At most so many events.", inbox.PAGE_EVENTS, 1, 500), WATCH, HAVE],
    answers={200: shapes.Poll},
    text="Answers at once.",
)
def poll() -> Response:
    """Short poll: answers at once."""
    count("short-poll")
    identity = _follower()
    seq, epoch = _cursor()
    watched = watching.watched(identity.id)
    page = _read(identity.id, seq, epoch, query_whole("limit", inbox.PAGE_EVENTS, 1, 500))
    # raised under load: a loop that is 50 ms late doubles it
    wait = 0.0 if page.seq < page.latest else min(POLL_MOST, POLL_EVERY * (1 + 20 * parts().dispatcher.lag))
    return _poll_answer(page, round(wait, 1), watched)


@bp.get("/messages/long-poll")
@describe(
    "Long poll",
    who=FOLLOWERS,
    query=[*CURSOR, seconds("timeout", "How long to wait, in seconds.", 25.0, 50.0), WATCH, HAVE],
    answers={200: shapes.Poll},
    errors={400: "The request has a body."},
    text=LONG_POLL,
)
def long_poll() -> Response:
    """Long poll: answers when there is something, parked until then."""
    count("long-poll")
    identity = _follower()
    seq, epoch = _cursor()
    timeout = query_seconds("timeout", 25.0, 50.0)
    watched = watching.watched(identity.id)
    _refuse_body("A long poll")
    dispatcher = parts().dispatcher
    waits = timeout > 0 and request.method != "HEAD" and not dispatcher.is_draining
    if waits and not takeover.can_take(request.environ):
        return _wait_here(identity, seq, epoch, timeout, watched)
    place = _enter(identity.id, watched) if waits else None
    page = _read(identity.id, seq, epoch)
    if place is None or page.events or page.reset:
        return _poll_answer(page, 0, watched)
    _refuse_if_full()
    return ParkedPoll(parts(), identity, place, page, watched, timeout)


def _refuse_body(what: str) -> None:
    """Who parks would never read it. Raises BadRequest."""
    if request.content_length or "HTTP_TRANSFER_ENCODING" in request.environ:
        raise BadRequest(f"{what} has no body: send GET without one.")


@bp.get("/messages/stream")
@describe(
    "Event stream",
    who=FOLLOWERS,
    query=[*CURSOR, WATCH, HAVE],
    headers=[Parameter("Last-Event-ID", "Wins over `seq`.", {"type": "integer", "minimum": 0, "maximum": MAX_SEQ})],
    answers={200: Answer(None, "The stream, without an end.", {"X-Accel-Buffering": "no"}, "text/event-stream")},
    errors={400: "The request has a body.", 503: NO_PLACE},
    text=STREAM,
)
def stream() -> Response:
    """Server-sent events (WHATWG HTML section 9.2), parked from the first moment."""
    count("sse")
    identity = _follower()
    seq, epoch = _stream_cursor()
    watched = watching.watched(identity.id)
    _refuse_body("An event stream")
    if not takeover.can_take(request.environ):
        raise _no_sockets()
    _refuse_if_full()
    if request.method == "HEAD":
        return Response(content_type=STREAM_TYPE)
    place = _enter(identity.id, watched)
    return ParkedStream(parts(), identity, place, _read(identity.id, seq, epoch), watched)


def _stream_cursor() -> tuple[int, str]:
    """As `_cursor`; `Last-Event-ID`, what a browser's EventSource has, wins over `seq`. Raises Invalid."""
    seq, epoch = _cursor()
    last = request.headers.get("Last-Event-ID", "").strip()
    if not last:
        return seq, epoch
    if not re.fullmatch(r"[0-9]{1,16}", last) or int(last) > MAX_SEQ:
        raise Invalid("Last-Event-ID", f"give the id of an event, a whole number from 0 to {MAX_SEQ}")
    return int(last), epoch


def _enter(user: int, watched: Watched = NOTHING) -> Place:
    """Enter the dispatcher for the length of this request, the writing of its answer included; and what is watched."""
    g.entered = user
    place = parts().dispatcher.enter(user)
    g.held = watched.watches
    parts().dispatcher.topics.hold(watched.watches)
    return place


@bp.teardown_request
def leave(error: BaseException | None) -> None:
    user = g.pop("entered", None)
    if user is not None:
        parts().dispatcher.topics.release(g.pop("held", ()))
        parts().dispatcher.exit(user)


def _wait_here(identity: Identity, seq: int, epoch: str, timeout: float, watched: Watched) -> Response:
    """A long poll where no socket can be had: look again and again, in this request's greenlet or thread."""
    topics = parts().dispatcher.topics
    deadline = time.monotonic() + timeout
    while True:
        page = _read(identity.id, seq, epoch)
        if watched.have is not None:
            topics.stored.refresh(watched.watches)
            if (wait := topics.returns.answer_in(watched.watches, watched.have)) is not None:
                deadline = min(deadline, time.monotonic() + wait)
        left = deadline - time.monotonic()
        if page.events or page.reset or left <= 0:
            return _poll_answer(page, 0, watched)
        time.sleep(min(LOOK_EVERY, left))


REFUSALS = {
    "places": "All places for waiting clients are taken: poll, or try again.",
    "address": "As many clients wait from this address as may: close some, poll, or try again.",
    "descriptors": "All places for waiting clients are taken: poll, or try again.",
    "late": "This server could not look at the handshake in time: poll, or try again.",
    "draining": "This server is about to stop: try again.",
}


def _refuse_if_full(before: str = "") -> None:
    """Raises Unavailable, before anything is taken over, where nobody from this address can wait here now.

    `before` is why the request was refused before it came here.
    """
    reason = parts().dispatcher.refusal(request.remote_addr or "") or before
    if reason:
        raise _full(reason)


def _full(reason: str) -> Unavailable:
    """There is no place, for one of REFUSALS, which is counted."""
    parts().dispatcher.counts[f"refused_{reason}"] += 1
    return Unavailable(REFUSALS[reason], retry_after=1 if reason == "draining" else 5)


def _no_sockets() -> Unavailable:
    parts().dispatcher.counts["refused_server"] += 1
    return Unavailable(NO_SOCKETS, retry_after=60)


class Upgrade:
    """What flask-sock hands to our WebSocket route in place of simple-websocket's Server.

    It does no I/O: the view takes the socket when every check has passed, and ends by raising Taken.
    """


def use_own_handshake() -> None:
    """Have flask-sock make an Upgrade for our route, and what it always makes for every other."""
    original: Callable[..., Any] = flask_sock.Server
    if getattr(original, "is_ours", False):
        return

    def server(environ: dict[str, Any], **options: Any) -> Any:
        return Upgrade() if request.endpoint == "following.websocket" else original(environ, **options)

    server.is_ours = True  # type: ignore[attr-defined]  # functions take attributes
    flask_sock.Server = server


use_own_handshake()


@bp.get("/ws", endpoint="plain_ws")
def plain_ws() -> Response:
    """A request to /ws that is no WebSocket handshake."""
    _handshake()
    raise BadRequest("The handshake is malformed: see RFC 6455 section 4.1.")


def _handshake() -> bytes:
    try:
        switching = handshake.accept(request.environ)
    except handshake.OtherVersion as error:
        raise UpgradeRequired(str(error)) from None
    except handshake.BadHandshake as error:
        raise BadRequest(str(error)) from None
    return switching.removesuffix(b"\r\n") + f"X-Request-ID: {g.request_id}\r\n\r\n".encode()


class Taken(Exception):
    """The socket is ours and nothing is answered.

    Raised past flask-sock's own end, which makes a class for each connection: cyclic garbage, and 0.06 ms.
    """


class NoAnswer(Response):
    """No body and no call of start_response: the server writes nothing behind our frames, and nobody sees headers."""

    is_unwritten = True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return takeover.nothing()


@bp.errorhandler(Taken)
def no_answer(taken: Taken) -> Response:
    return NoAnswer()


@sock.route("/ws", bp=bp)  # type: ignore[untyped-decorator]  # flask-sock ships no types
@describe(
    "WebSocket",
    who=FOLLOWERS,
    query=[*CURSOR, one_of("push", "`new`: to be told of events, and pull them oneself.", ("new", "events"), "events")],
    answers={101: Answer(None, "Frames from now on, see `ServerFrame` and `ClientFrame`.")},
    errors={
        400: "The handshake is malformed.",
        401: None,  # a browser could not read it: see the text
        403: "The `Origin` is neither one's own nor allowed.",
        426: "It is no handshake, or of another version than 13.",
        503: NO_PLACE,
    },
    text=WEBSOCKET,
    extra=WEBSOCKET_SCHEMAS,
)
def websocket(upgrade: Upgrade) -> None:
    _open_websocket()
    raise Taken


def _open_websocket() -> None:
    """WebSocket: every check, the handshake, the first frames; then the socket is parked and this request is over."""
    dispatcher = parts().dispatcher
    environ = request.environ
    dispatcher.counts["follow_websocket"] += 1
    if not takeover.can_take(environ):
        raise _no_sockets()
    switching = _handshake()
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not _is_ours(origin):
        raise Forbidden("This Origin may not open a WebSocket here: add it to MYAPP_ALLOWED_ORIGINS.")
    seq, epoch = _cursor()
    push = query_text("push", "")
    if push not in ("", "new", "events"):
        raise Invalid("push", "give new, or leave it out for whole events")
    _refuse_if_full(environ.get(takeover.REFUSED, ""))
    identity = guard.follower()
    if identity is None or (origin is None and identity.via == "session"):
        # a browser cannot read a 401, so it is told by a close code; without Origin it is a program, which needs a
        # token: the cookie does not count
        _park_refused(switching)
        return
    place = _enter(identity.id)
    page = _read(identity.id, seq, epoch)
    first = switching + frames.hello(page, page.latest if page.reset else seq)
    kind = WebSocketClient
    cursor = page.seq
    if page.reset:
        first += frames.reset(page.epoch, page.latest)
    if push == "new":
        kind = TellingClient
        cursor = page.latest
        first += frames.new(page.latest) if page.events else b""
    elif page.events:
        first += frames.events(frames.batch_of(page))
    taken = _take()
    client = kind(dispatcher, place, taken.fd, identity.grant, cursor, page.epoch, request.remote_addr or "")
    client.send(first)
    dispatcher.park(client, page, dispatcher.now + QUIET)
    client.take_pending(taken.pending)


def _take() -> takeover.Taken:
    try:
        taken = takeover.take(request.environ)
    except OSError:
        raise _full("descriptors") from None
    g.access_status = 101
    return taken


def _park_refused(switching: bytes) -> None:
    dispatcher = parts().dispatcher
    dispatcher.start()
    taken = _take()
    client = WebSocketClient(dispatcher, None, taken.fd, "", 0, "")
    client.send(switching)
    client.close(CloseCode.NOT_SIGNED_IN, "not signed in")


def _is_ours(origin: str) -> bool:
    """Whether pages of this origin (RFC 6454) may follow with the user's cookie: our own, and those allowed."""
    asked = request_ctx.request  # the proxy looks for it at every attribute
    own = f"{asked.scheme.replace('ws', 'http', 1)}://{asked.host}"
    return origin.lower() == own.lower() or origin.lower() in parts().settings.allowed_origins


def count(transport: str) -> None:
    """Requests by transport: evidence that none was silently another."""
    parts().dispatcher.counts[f"follow_{transport}"] += 1


def log_parked_answer(address: str, started: float, user: int, request_id: str) -> None:
    access.log_parked("/messages/long-poll", "long-poll", address, started, user, request_id)
