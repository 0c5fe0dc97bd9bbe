"""Deleting a message over HTTP: at once for programs and scripts, with a page that asks first for people."""

from __future__ import annotations

from flask import Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..auth import guard
from ..auth.views import number_of
from ..extensions import database
from ..openapi import Answer, describe, words
from ..web import no_content
from . import deleting
from .views import bp

__all__ = ["bp"]


@bp.delete("/messages/<which>")
@describe(
    "Delete a message of one's own",
    path=[words("which", "Its id.", longest=None, pattern="^[0-9]{1,18}$", example="1")],
    answers={204: Answer(None, "It is deleted, for both sides.")},
    errors={403: "The other side wrote it.", 404: "It is in none of one's conversations."},
    text="It stays in its place without its content, which the events that carried it lose as well; both sides get an "
    "event `deleted`. Clients that have been given it keep what they were given.",
)
def delete(which: str) -> Response:
    identity = guard.signed_in()
    number = number_of(which, deleting.unknown)
    with database().transaction() as transaction:
        deleting.delete(transaction, identity.person, number)
    return no_content()


@bp.get("/messages/<which>/delete")
def delete_page(which: str) -> str | BaseResponse:
    me = guard.signed_in().person
    number = number_of(which, deleting.unknown)
    with database().snapshot() as connection:
        page = inbox.head(connection, me.id).as_page()
        message = deleting.own(connection, me, number)
    if not message.body:  # it is deleted already
        return _back(message)
    return render_template("messages/delete.html", page=page, message=message, other=message.reader)


@bp.post("/messages/<which>/delete")
def delete_form(which: str) -> BaseResponse:
    me = guard.signed_in().person
    number = number_of(which, deleting.unknown)
    with database().transaction() as transaction:
        message = deleting.own(transaction, me, number)
        deleting.delete(transaction, me, number)
    return _back(message)


def _back(message: deleting.Own) -> BaseResponse:
    return redirect(url_for("messages.chat_page", name=message.reader.name), 303)
