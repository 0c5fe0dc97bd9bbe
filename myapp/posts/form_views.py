"""What one does with posts by the forms of pages, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from ..auth import guard
from ..auth.people import Person
from ..db import Transaction
from ..errors import AppError, Invalid, Text
from ..extensions import database
from ..web import MAX_SEQ, query_whole, safe_next, sentence, translated
from . import pages, reading, writing
from .forms import PostForm, ReplyForm
from .pages import newer_part, newer_replies_part
from .reacting import REACTIONS as KINDS
from .reacting import Reaction
from .views import ID, bp, by_reactions, by_writes, react, take_away
from .writing import Written

__all__ = ["bp"]

#: What one is told of where one writes: not allowed, deleted meanwhile, key used, nothing written.
AT_THE_FIELD = (403, 404, 409, 422)

Page = tuple[str, int]


@bp.get("/posts/newer")
def newer() -> str:
    """What is new since, as the part of a page that scripts put into theirs."""
    return newer_part(guard.signed_in(), query_whole("after", 0))


@bp.get(f"/posts/{ID}/newer")
def newer_replies(post: int) -> str:
    return newer_replies_part(guard.signed_in(), post, query_whole("after", 0))


@bp.post("/posts/new")
@by_writes
def write_form() -> BaseResponse | Page:
    me, form = guard.signed_in(), PostForm()
    try:
        number = _store(form, me.person, writing.write)
    except AppError as error:
        return pages.feed(me, MAX_SEQ, _with_error(form, error)), error.status
    return redirect(url_for("posts.feed", _anchor=f"post-{number}"), 303)


@bp.post(f"/posts/{ID}/reply")
@by_writes
def reply_form(post: int) -> BaseResponse | Page:
    me, form = guard.signed_in(), ReplyForm()

    def reply(transaction: Transaction, author: Person, body: str, key: str | None) -> Written:
        return writing.reply(transaction, author, post, body, key)

    try:
        number = _store(form, me.person, reply)
    except AppError as error:
        return pages.thread(me, post, query_whole("after", 0), _with_error(form, error)), error.status
    with database().read() as connection:
        return redirect(pages.place(connection, me.id, reading.one(connection, me.id, number)), 303)


def _store(form: PostForm, me: Person, write: Callable[[Transaction, Person, str, str | None], Written]) -> int:
    # a browser sends line breaks as CRLF (HTML, form submission); a post has them as they were typed
    body = (form.body.data or "").replace("\r\n", "\n")
    with database().transaction() as transaction:
        return write(transaction, me, body, form.key.data or None).post


def _with_error(form: PostForm, error: AppError) -> PostForm:
    """The form with what was typed, saying what is wrong. Raises the error where that is nothing to say there."""
    if error.status not in AT_THE_FIELD:
        raise error
    problem = error.errors.get("body")
    form.body.errors = [sentence(str(form.body.label.text), problem) if problem else translated(error.detail)]
    form.key.data = None
    return form


@bp.post(f"/posts/{ID}/react")
@by_reactions
def react_form(post: int) -> BaseResponse:
    """The button says what one wants to think from now on: pressed twice, it says the same."""
    me = guard.signed_in().person
    try:
        react(me, post, _reaction(request.form.get("reaction", "")))
    except AppError as error:
        if error.status not in (403, 404):
            raise
        flash(translated(error.detail), "error")
    return _back_to(post)


def _reaction(text: str) -> Reaction | None:
    for kind in KINDS:
        if text == kind:
            return kind
    if text:
        raise Invalid("reaction", Text("is neither like nor dislike; leave it empty for neither"))
    return None


@bp.post(f"/posts/{ID}/delete")
def delete_form(post: int) -> BaseResponse:
    take_away(guard.signed_in(), post)
    return _back_to(post)


def _back_to(post: int) -> BaseResponse:
    """To the page where one was, at the post."""
    where = request.form.get("next") or f"/posts/{post}"
    return redirect(f"{safe_next(where.partition('#')[0])}#post-{post}", 303)


@bp.get("/posts/new")
def write_page() -> BaseResponse:
    """A browser stands at a form's address after a mistake, and comes back there by reloading or signing in again."""
    return redirect(url_for("posts.feed"), 303)


@bp.get(f"/posts/{ID}/reply")
@bp.get(f"/posts/{ID}/react")
@bp.get(f"/posts/{ID}/delete")
def form_page(post: int) -> BaseResponse:
    return redirect(url_for("posts.show", post=post), 303)
