"""Messages over HTTP: as JSON for programs and scripts, as pages for people."""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..auth import blocks, guard, people
from ..auth.people import Person
from ..auth.views import as_json as person_as_json
from ..db import Transaction
from ..errors import AppError, Invalid, Text
from ..extensions import database, limiter, parts
from ..openapi import READERS, Answer, describe, whole, words
from ..texts import LONGEST_BODY, LONGEST_KEY
from ..web import MAX_SEQ, answer, no_content, query_text, query_whole, read_json, sentence, translated
from . import service, shapes
from .forms import MessageForm

bp = Blueprint("messages", __name__)

SENDS = "1200/minute"
by_sends = limiter.count(SENDS, guard.by_person, "messages")
#: People who are here now, shown to who has no conversations.
MOST_HERE = 8
TYPINGS = "120/minute"
#: For the description: the service has these rules, and words for them.
BODY_RULE = {"minLength": 1, "maxLength": LONGEST_BODY, "pattern": r"\S", "examples": ["hi"]}
SEEN_RULE = {"pattern": inbox.badge_pattern("messages"), "examples": ["likes"]}
KEY_RULE = {"minLength": 1, "maxLength": LONGEST_KEY, "examples": ["f3Zk0c"]}


class SendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /messages"""

    to: Annotated[str, msgspec.Meta(description="The receiver's name.", examples=["bob"])]
    body: Annotated[str, msgspec.Meta(description="Text, kept exactly as it is.", extra_json_schema=BODY_RULE)]
    key: Annotated[str, msgspec.Meta(description="New for each message.", extra_json_schema=KEY_RULE)] | None = None


class TypingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /messages/typing"""

    to: Annotated[str, msgspec.Meta(description="To whom.", examples=["bob"])]


class ReadRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /messages/read"""

    with_: Annotated[str, msgspec.Meta(description="The other side.", examples=["bob"])] = msgspec.field(name="with")
    upto: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ, description="A message's id.", examples=[17])]


class SeenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /badges/seen"""

    badges: list[Annotated[str, msgspec.Meta(description="One that the inbox has.", extra_json_schema=SEEN_RULE)]]
    upto: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ, description="An event's seq.", examples=[18])]


@bp.post("/messages")
@describe(
    "Send a message",
    body=SendRequest,
    answers={
        201: shapes.SentMessage,
        200: Answer(shapes.SentMessage, "The key was used for this very message: nothing new was stored."),
    },
    errors={
        403: "One has blocked the other, or the CSRF token is missing.",
        404: "There is no such user.",
        409: "The key was used for another message.",
    },
    limit=SENDS,
    text="An answered send is on disk. Sent again with the same key, within 7 days, it is one message.",
)
@by_sends
def send() -> Response:
    identity = guard.signed_in()
    asked = read_json(SendRequest)
    with database().transaction() as transaction:
        sent = service.send(transaction, identity.person, asked.to, asked.body, asked.key)
    parts().dispatcher.stop_typing(identity.id, sent.receiver)
    return answer({**sent.message, "seq": sent.seq}, 201 if sent.is_new else 200)


@bp.post("/messages/typing")
@describe(
    "Say that one is writing",
    body=TypingRequest,
    answers={204: None},
    errors={404: "There is no such user."},
    limit=TYPINGS,
    text="It holds for 5 s, and ends with the next message to that person. Where one has blocked the other, nobody is "
    "told.",
)
@limiter.count(TYPINGS, guard.by_person, "typing")
def note_typing() -> Response:
    identity = guard.signed_in()
    asked = read_json(TypingRequest)
    with database().read() as connection:
        reader = people.by_name(connection, asked.to)
        is_blocked = bool(blocks.between(connection, identity.id, (reader.id,)))
    if reader.id == identity.id:
        raise Invalid("to", Text("is yourself; write to somebody else"))
    if not is_blocked:
        parts().dispatcher.note_typing(identity.id, reader.id)
    return no_content()


@bp.get("/messages/conversations")
@describe("List one's conversations", answers={200: shapes.Conversations})
def conversations() -> Response:
    me = guard.signed_in().person
    with database().snapshot() as connection:
        found = service.list_conversations(connection, me)
        head = inbox.head(connection, me.id)
    body = {"conversations": found, "seq": head.seq, "epoch": head.epoch, "badges": msgspec.Raw(head.badges.encode())}
    return answer(body)


@bp.get("/messages/with/<name>")
@describe(
    "Read a conversation",
    path=[words("name", "The other side.", longest=None, example="bob")],
    query=[
        whole("before", "Messages older than the one with this id; left out: the newest."),
        whole("limit", "At most so many.", 50, 1, 500),
    ],
    answers={200: shapes.History},
    errors={404: "There is no such user."},
)
def history(name: str) -> Response:
    me = guard.signed_in().person
    before = query_whole("before", service.NO_LIMIT)
    limit = query_whole("limit", 50, 1, 500)
    with database().snapshot() as connection:
        found = service.history(connection, me, name, before, limit)
    return answer({"messages": found.messages, "more": found.more})


@bp.post("/messages/read")
@describe(
    "Mark messages as read",
    who=READERS,
    body=ReadRequest,
    answers={200: shapes.BadgesAt},
    errors={404: "There is no such user."},
    text="Those of the conversation with an id up to `upto`; only ever forward.",
)
def mark_read() -> Response:
    identity = guard.signed_in(ticket=True)
    asked = read_json(ReadRequest)
    with database().transaction() as transaction:
        badges = service.mark_read(transaction, identity.person, asked.with_, asked.upto)
        seq = inbox.seq_of(transaction, identity.id)
    return answer({"badges": badges, "seq": seq})


@bp.get("/badges")
@describe("Count what is unread and unseen", tag="badges", who=READERS, answers={200: shapes.BadgesNow})
def badges() -> Response:
    identity = guard.signed_in(ticket=True)
    with database().read() as connection:
        head = inbox.head(connection, identity.id)
    return answer({"badges": msgspec.Raw(head.badges.encode()), "seq": head.seq, "epoch": head.epoch})


@bp.post("/badges/seen")
@describe(
    "Mark as seen what badges count",
    tag="badges",
    who=READERS,
    body=SeenRequest,
    answers={200: shapes.BadgesAt},
    text="What happened at or before seq `upto`. Messages are marked read in place of this.",
)
def mark_seen() -> Response:
    identity = guard.signed_in(ticket=True)
    asked = read_json(SeenRequest)
    marked = inbox.mark_in_pieces(
        database(),
        lambda transaction, after: inbox.mark_seen(transaction, identity.id, asked.badges, asked.upto, after),
    )
    return answer({"badges": marked.badges, "seq": marked.seq})


# -- pages


@bp.get("/")
def conversations_page() -> str:
    me = guard.signed_in().person
    query = query_text("q", "")
    with database().snapshot() as connection:
        page = inbox.head(connection, me.id).as_page()
        found = service.list_conversations(connection, me)
        matches = people.search(connection, me.id, query, 20) if query.strip() else None
        here = [] if found else people.by_ids(connection, parts().dispatcher.online(MOST_HERE, but=me.id))
    return render_template(
        "messages/conversations.html",
        page=page,
        conversations=found,
        query=query,
        people=None if matches is None else [person_as_json(person) for person in matches],
        here=[person_as_json(person) for person in here],
    )


@bp.get("/chats/<name>")
def chat_page(name: str) -> str:
    return _chat_page(guard.signed_in().person, name, MessageForm(formdata=None))


def _chat_page(me: Person, name: str, form: MessageForm) -> str:
    before = query_whole("before", service.NO_LIMIT)
    with database().snapshot() as connection:
        page = inbox.head(connection, me.id).as_page()
        found = service.history(connection, me, name, before, 50, unread_too=True)
        if found.other.id == me.id:
            raise Invalid("name", Text("is yourself; choose somebody else to write to"))
        is_blocked = bool(blocks.pairs(connection, (me.id,), (found.other.id,)))
    upto = found.messages[0]["id"] if found.messages else 0
    if not form.key.data:
        form.key.data = secrets.token_urlsafe(16)
    form.upto.data = str(upto)
    return render_template(
        "messages/chat.html",
        page=page,
        other=person_as_json(found.other),
        messages=found.messages[::-1],
        more=found.more,
        seen=found.seen,
        unread=found.unread,
        is_blocked=is_blocked,
        upto=upto,
        form=form,
    )


@bp.post("/chats/<name>")
@by_sends
def send_form(name: str) -> BaseResponse | tuple[str, int]:
    """Send from the page, and mark as read what the page showed. The form's key makes a second submit harmless."""
    me = guard.signed_in().person
    form = MessageForm()
    # a browser sends line breaks as CRLF (HTML, form submission); a message has them as they were typed
    body = (form.body.data or "").replace("\r\n", "\n")
    try:
        with database().transaction() as transaction:
            sent = service.send(transaction, me, name, body, form.key.data or None)
            _mark_shown(transaction, me, name, form.upto.data)  # together with the message, or neither
        parts().dispatcher.stop_typing(me.id, sent.receiver)
    except AppError as error:
        if error.status not in (403, 409, 422):
            raise
        problem = error.errors.get("body")
        form.body.errors = [sentence(str(form.body.label.text), problem) if problem else translated(error.detail)]
        form.key.data = None
        return _chat_page(me, name, form), error.status
    return redirect(url_for("messages.chat_page", name=name), 303)


@bp.post("/chats/<name>/read")
def chat_read(name: str) -> BaseResponse:
    me = guard.signed_in().person
    with database().transaction() as transaction:
        _mark_shown(transaction, me, name, request.form.get("upto"))
    return redirect(url_for("messages.chat_page", name=name), 303)


def _mark_shown(transaction: Transaction, me: Person, name: str, upto: str | None) -> None:
    if not upto or upto == "0":
        return
    if not upto.isascii() or not upto.isdigit() or len(upto) > 16:
        raise Invalid("upto", Text("give the id of a message of this conversation"))
    service.mark_read(transaction, me, name, int(upto))
