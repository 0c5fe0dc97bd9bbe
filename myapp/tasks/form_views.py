"""What one does with tasks by the forms of their page, without JavaScript."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from ..auth import guard
from ..errors import AppError
from ..extensions import database
from ..web import MAX_SEQ, query_whole, safe_next, translated
from . import kinds, pages, service
from .pages import part as part_of
from .views import ID, allowed, bp, by_starts, try_again

__all__ = ["bp"]

#: What one is told of on the page: somebody else's, or another state by now, a key that was used, too many.
ON_THE_PAGE = (403, 404, 409, 422, 429)

Page = tuple[str, int]


@bp.get("/tasks/part")
def part() -> str:
    """The page's tasks as they are now, which scripts put into theirs."""
    return part_of(guard.signed_in(), query_whole("before", MAX_SEQ))


@bp.post("/tasks/new")
@by_starts
def start_form() -> BaseResponse | Page:
    """One of those that the page offers. The form's key makes a second press the same task."""
    me = guard.signed_in()
    try:
        kind = allowed(kinds.by_name(request.form.get("kind", "")), me)
        with database().transaction() as transaction:
            task, _is_new = service.create(transaction, me.id, kind, {}, request.form.get("key") or None)
    except AppError as error:
        if error.status not in ON_THE_PAGE:
            raise
        return pages.page(me, MAX_SEQ, translated(error.detail)), error.status
    return redirect(url_for("tasks.listed", _anchor=f"task-{task.id}"), 303)


@bp.post(f"/tasks/{ID}/stop")
def cancel_form(task: int) -> BaseResponse:
    me = guard.signed_in()
    try:
        with database().transaction() as transaction:
            service.cancel(transaction, me.id, task)
    except AppError as error:
        _say(error)
    return _back_to(task)


@bp.post(f"/tasks/{ID}/again")
@by_starts
def retry_form(task: int) -> BaseResponse:
    try:
        try_again(guard.signed_in(), task)
    except AppError as error:
        _say(error)
    return _back_to(task)


def _say(error: AppError) -> None:
    """On the page. Raises the error where it is nothing to say there."""
    if error.status not in ON_THE_PAGE:
        raise error
    flash(translated(error.detail), "error")


def _back_to(task: int) -> BaseResponse:
    """To the page where one was, at the task."""
    where = request.form.get("next") or "/tasks"
    return redirect(f"{safe_next(where.partition('#')[0])}#task-{task}", 303)


@bp.get("/tasks/new")
def start_page() -> BaseResponse:
    """A browser stands at a form's address after a mistake, and comes back there by reloading or signing in again."""
    return redirect(url_for("tasks.listed"), 303)


@bp.get(f"/tasks/{ID}/stop")
@bp.get(f"/tasks/{ID}/again")
def form_page(task: int) -> BaseResponse:
    return redirect(url_for("tasks.listed", _anchor=f"task-{task}"), 303)
