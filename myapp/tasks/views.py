"""Tasks over HTTP: as JSON for programs and scripts, and what they give."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..auth import guard
from ..auth.service import Identity
from ..db import READ_ONLY
from ..errors import Forbidden, NotFound, Text
from ..extensions import database, limiter, parts
from ..openapi import Answer, describe, whole
from ..texts import LONGEST_KEY
from ..web import MAX_SEQ, answer, is_opened, query_whole, read_json, wants_page
from . import downloads, kinds, pages, seeing, service, shapes, stored
from .kinds import TaskKind
from .stored import Task

bp = Blueprint("tasks", __name__)

#: Of a task in an address; what can be none is not found.
ID = "<id:task>"
STARTS = "120/minute"
by_starts = limiter.count(STARTS, guard.by_person, "tasks")
#: Tasks in one answer.
PAGE, MOST = 50, 100
KEY_RULE = {"minLength": 1, "maxLength": LONGEST_KEY, "examples": ["f3Zk0c"]}
NO_TASK = "There is no such task, or it is somebody else's."
TASK_ID = whole("task", "A task's id.", None, 1, MAX_SEQ)


class TaskRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /tasks"""

    kind: Annotated[str, msgspec.Meta(description="What is to be done.", examples=["export-messages"])]
    params: Annotated[dict[str, Any], msgspec.Meta(description="What the kind takes.", examples=[{}])] = {}
    key: Annotated[str, msgspec.Meta(description="New for each.", extra_json_schema=KEY_RULE)] | None = None


class NothingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /tasks/<id>/cancel, .../retry"""


@bp.post("/tasks")
@describe(
    "Start a task",
    body=TaskRequest,
    answers={
        202: Answer(shapes.Task, "It is run soon.", {"Location": "Where to ask how far it is."}),
        200: Answer(shapes.Task, "The key was used for this very task: nothing new was started."),
    },
    errors={403: "Only administrators may start it.", 409: "The key was used for another task."},
    limit=STARTS,
)
@by_starts
def start() -> Response:
    me = guard.signed_in()
    asked = read_json(TaskRequest)
    kind = allowed(kinds.by_name(asked.kind), me)
    with database().transaction() as transaction:
        task, is_new = service.create(transaction, me.id, kind, asked.params, asked.key)
    location = {"Location": url_for("tasks.show", task=task.id)}
    return answer(task.as_json(), 202 if is_new else 200, location)


def allowed(kind: TaskKind, me: Identity) -> TaskKind:
    """Raises Forbidden."""
    if kind.who == "code" or (kind.who == "administrators" and not me.is_admin):
        raise Forbidden(Text("You may not start tasks of the kind %(kind)s.", kind=kind.name))
    return kind


@bp.get("/tasks")
@describe(
    "List tasks",
    query=[
        whole("before", "Older than the one with this id.", MAX_SEQ),
        whole("limit", "At most so many.", PAGE, 1, MOST),
    ],
    answers={200: Answer(shapes.Tasks, page=True)},
)
def listed() -> Response | str:
    """One's own tasks, newest first: JSON for a program; a page for a browser, by which what one was told is seen."""
    me = guard.signed_in()
    before, limit = query_whole("before", MAX_SEQ), query_whole("limit", PAGE, 1, MOST)
    if wants_page():
        if is_opened():
            see_all(me)
        return pages.page(me, before)
    with database().snapshot() as connection:
        found = stored.listed(connection, me.id, before, limit + 1)
        head = inbox.head(connection, me.id)
    tasks = [task.as_json() for task in found[:limit]]
    return answer({"tasks": tasks, "more": len(found) > limit, "seq": head.seq, "epoch": head.epoch})


def see_all(me: Identity) -> None:
    """What one was told of tasks is seen."""
    with database().read() as connection:
        is_news = seeing.has_unseen(connection, me.id)
    if is_news:
        with contextlib.suppress(*READ_ONLY):  # busy, full or read-only: the page can be read all the same
            seeing.see_all(database(), me.id)


@bp.get(f"/tasks/{ID}")
@describe("Look at a task", path=[TASK_ID], answers={200: shapes.Task}, errors={404: NO_TASK})
def show(task: int) -> Response:
    me = guard.signed_in()
    with database().read() as connection:
        found = stored.of_owner(connection, me.id, task)
    return answer(found.as_json())


@bp.post(f"/tasks/{ID}/cancel")
@describe(
    "Cancel a task",
    path=[TASK_ID],
    answers={200: shapes.Task},
    errors={404: NO_TASK, 409: "It is over, or of a kind that cannot be cancelled."},
    text="One that is cancelled already stays so.",
)
def cancel(task: int) -> Response:
    me = guard.signed_in()
    read_nothing()
    with database().transaction() as transaction:
        cancelled = service.cancel(transaction, me.id, task)
    return answer(cancelled.as_json())


@bp.post(f"/tasks/{ID}/retry")
@describe(
    "Try a task again",
    path=[TASK_ID],
    answers={202: shapes.Task},
    errors={404: NO_TASK, 409: "It is done, or another system works on it."},
    limit=STARTS,
    text="One that failed or was cancelled waits for another run; one that waits or runs goes on.",
)
@by_starts
def retry(task: int) -> Response:
    me = guard.signed_in()
    read_nothing()
    return answer(try_again(me, task).as_json(), 202)


def try_again(me: Identity, task: int) -> Task:
    """It waits for another run. Raises NotFound, Conflict, TooMany."""
    with database().transaction() as transaction:
        waiting, file = service.retry(transaction, me.id, task)
    if file is not None:
        parts().tasks.folder.delete(file)
    return waiting


def read_nothing() -> None:
    """A body may be left out; if there is one, it is an empty object."""
    if request.content_length:
        read_json(NothingRequest)


@bp.get(f"/tasks/{ID}/result")
@describe(
    "Download a task's result",
    path=[TASK_ID],
    answers={
        200: Answer(None, "The file, by the name that it is to be saved by.", content="*/*"),
        206: Answer(None, "The range of it that was asked for.", content="*/*"),
        304: Answer(None, "It is as it was."),
    },
    errors={404: "There is no such task, it gave nothing, or that is not kept any more.", 416: "It is shorter."},
)
def result(task: int) -> BaseResponse:
    """The file that it gave, for its owner; what one was told about it is seen then."""
    me = guard.signed_in()
    with database().read() as connection:
        found = stored.of_owner(connection, me.id, task)
        is_news = is_opened() and seeing.is_unseen(connection, found)
    if not found.is_own or found.result_file is None:
        raise NotFound(Text("The task has no result to download, or it is not kept any more."))
    response = downloads.send(found)
    if is_news:
        with contextlib.suppress(*READ_ONLY):  # it can be had all the same
            seeing.see(database(), found)
    return response
