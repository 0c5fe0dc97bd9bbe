"""Blocking people over HTTP: for programs and scripts, and by forms of pages."""

from __future__ import annotations

from flask import Response, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from ..errors import Invalid, Text
from ..extensions import database
from ..openapi import Answer, describe, words
from ..web import answer, no_content, safe_next
from . import blocks, guard, people, shapes
from .account import bp
from .views import as_json

__all__ = ["bp"]

WHOM = words("name", "The person's name.", longest=None, example="bob")


def _change(name: str, is_blocked: bool) -> None:
    identity = guard.signed_in()
    with database().transaction() as transaction:
        other, _ = people.lock_with(transaction, identity.id, name)
        if other == identity.id:
            raise Invalid("name", Text("is yourself; you cannot block yourself"))
        if is_blocked:
            blocks.block(transaction, identity.id, other)
        else:
            blocks.unblock(transaction, identity.id, other)


@bp.put("/users/<name>/block")
@describe(
    "Block somebody",
    tag="people",
    path=[WHOM],
    answers={204: Answer(None, "They are blocked, by this or from before.")},
    errors={404: "There is no such user.", 409: "One has blocked 1,000 people.", 422: "It is oneself."},
    text="Neither can write messages to the other any more; they can neither reply nor react to one's posts; one is "
    "told of nothing they do, and does not see their posts. What was written before stays. They are not told.",
)
def block(name: str) -> Response:
    _change(name, True)
    return no_content()


@bp.delete("/users/<name>/block")
@describe(
    "Unblock somebody",
    tag="people",
    path=[WHOM],
    answers={204: Answer(None, "They are not blocked, by this or from before.")},
    errors={404: "There is no such user.", 422: "It is oneself."},
)
def unblock(name: str) -> Response:
    _change(name, False)
    return no_content()


@bp.get("/users/blocked")
@describe("List whom one has blocked", tag="people", answers={200: shapes.People})
def list_blocked() -> Response:
    identity = guard.signed_in()
    with database().read() as connection:
        return answer({"users": [as_json(person) for person in blocks.listed(connection, identity.id)]})


@bp.post("/users/<name>/block")
def block_form(name: str) -> BaseResponse:
    _change(name, True)
    flash(_("%(name)s is blocked. You can undo it in your account.", name=people.fold(name)))
    return redirect(safe_next(request.form.get("next")), 303)


@bp.post("/users/<name>/unblock")
def unblock_form(name: str) -> BaseResponse:
    _change(name, False)
    flash(_("%(name)s is not blocked any more.", name=people.fold(name)))
    return redirect(safe_next(request.form.get("next")), 303)
