"""Reporting over HTTP: as JSON for programs and scripts, with a page for people."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..auth import guard
from ..errors import Invalid
from ..extensions import database, limiter
from ..openapi import Answer, describe
from ..web import MAX_SEQ, answer, query_text, query_whole, read_json, with_errors
from . import service, shapes
from .forms import ReportForm

bp = Blueprint("reports", __name__)

REPORTS = "20/hour"
by_hour = limiter.shared_limit(REPORTS, scope="reports", key_func=guard.by_person, methods=["POST"])
#: For the description: the service has this rule, and words for it.
REASON_RULE = {"minLength": 1, "maxLength": service.LONGEST_REASON, "pattern": r"\S", "examples": ["Insults me."]}

Page = tuple[str, int]
Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQ)]


class ReportRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /reports"""

    user: Annotated[str, msgspec.Meta(description="Who is reported.", examples=["bob"])]
    reason: Annotated[str, msgspec.Meta(description="What is wrong, in words.", extra_json_schema=REASON_RULE)]
    message: Annotated[Number | None, msgspec.Meta(description="A message of theirs to oneself.")] = None
    post: Annotated[Number | None, msgspec.Meta(description="A post or reply of theirs.")] = None


@bp.post("/reports")
@describe(
    "Report somebody, a message or a post",
    tag="people",
    body=ReportRequest,
    answers={
        201: shapes.Report,
        200: Answer(shapes.Report, "One's report of the same is open: nothing new was stored."),
    },
    errors={404: "There is no such user, post, or message to oneself; or it is deleted."},
    limit=REPORTS,
    text="The administrators are told, and see the content as it stands now. Who is reported is not told.",
)
@by_hour
def report() -> Response:
    identity = guard.signed_in()
    asked = read_json(ReportRequest)
    with database().transaction() as transaction:
        about = service.subject(transaction, identity.id, asked.user, asked.message, asked.post)
        stored, is_new = service.report(transaction, identity.id, about, asked.reason)
    return answer(stored, 201 if is_new else 200)


@bp.get("/reports/new")
def new() -> Page:
    """What is reported is in the query: a user's name, or the id of a message or post."""
    return _page(ReportForm(formdata=None), 200)


def _page(form: ReportForm, status: int) -> Page:
    me = guard.signed_in().id
    with database().snapshot() as connection:
        page = inbox.head(connection, me).as_page()
        about = service.subject(connection, me, *_asked())
    return render_template("reports/new.html", page=page, about=about, form=form, back=_back(about)), status


@bp.post("/reports/new")
@by_hour
def send_form() -> BaseResponse | Page:
    identity = guard.signed_in()
    form = ReportForm()
    reason = (form.reason.data or "").replace("\r\n", "\n")
    try:
        service.check_reason(reason)
    except Invalid as error:
        return _page(with_errors(form, error), error.status)
    with database().transaction() as transaction:
        about = service.subject(transaction, identity.id, *_asked())
        service.report(transaction, identity.id, about, reason)
    flash(_("Thank you. The administrators have been told."))
    return redirect(_back(about), 303)


def _asked() -> tuple[str | None, int | None, int | None]:
    """The user, the message and the post of the query. Raises Invalid."""
    message, post = (query_whole(name, 1, 1) if name in request.args else None for name in ("message", "post"))
    return query_text("user") or None, message, post


def _back(about: service.Subject) -> str:
    """To what it is about: a reply's address leads on to its place in the thread."""
    if about.post is not None:
        return url_for("posts.show", post=about.post)
    return url_for("messages.chat_page", name=about.person.name)
