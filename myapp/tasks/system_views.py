"""Tasks that another system works on, as it tells them over HTTP, with a token of its own."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from flask import Blueprint, Response, url_for

from ..auth import guard
from ..extensions import database, parts
from ..notifications.content import LONGEST_URL, URL
from ..openapi import Answer, Who, describe
from ..shapes import Name
from ..systems import limits
from ..systems.fields import Key, Title, text
from ..texts import check_key
from ..web import answer, read_json
from . import external, shapes
from .external import KIND, LEAST_TIMEOUT, LONGEST_ERROR, MOST_TIMEOUT, Asked, Change
from .stored import UNFINISHED
from .views import ID, TASK_ID

bp = Blueprint("system_tasks", __name__, url_prefix="/api")

#: For the description.
NO_SCOPE = "The token does not allow it, or is a user's."
NO_TASK = "The system has made no such task."
TOO_MUCH = "The system has told as many users a minute as it may, or too many of its tasks are unfinished."
OVER = "The task is over, and this is not what became of it; the detail says what did."

Kind = Annotated[str, text("A name of your own for what is done.", "backup", pattern=f"^(?:{KIND.pattern})$")]
Timeout = Annotated[
    int,
    msgspec.Meta(
        description="Seconds without a sign of life, then the task has failed.",
        examples=[300],
        extra_json_schema={"minimum": LEAST_TIMEOUT, "maximum": MOST_TIMEOUT},
    ),
]
Progress = Annotated[
    int,
    msgspec.Meta(description="How far it is, of 100.", examples=[40], extra_json_schema={"minimum": 0, "maximum": 100}),
]
ResultUrl = Annotated[
    str,
    text(
        "Where the user finds what it gave: a path below the application's root, or http(s).",
        "https://shop.example/reports/7",
        maxLength=LONGEST_URL,
        pattern=f"^(?:{URL.pattern})$",
    ),
]
Reason = Annotated[
    str, text("Why it failed, for the user; only with that state.", "The disk is full.", maxLength=LONGEST_ERROR)
]


class SystemTaskRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /api/tasks"""

    to: Name
    title: Title
    kind: Kind | None = None
    key: Key | None = None
    timeout: Timeout | None = None
    state: Literal["queued", "running"] | None = None


class TaskChange(msgspec.Struct, forbid_unknown_fields=True):
    """PATCH /api/tasks/<id>"""

    progress: Progress | None = None
    state: Annotated[Literal["running", "done", "failed", "cancelled"], msgspec.Meta(examples=["running"])] | None = (
        None
    )
    result_url: ResultUrl | None = None
    error: Reason | None = None


@bp.post("/tasks")
@describe(
    "Show a user a task that you work on",
    who=Who.SYSTEM,
    tag="systems",
    body=SystemTaskRequest,
    answers={
        201: Answer(shapes.SystemTask, "It is shown.", {"Location": "Where to tell how far it is."}),
        200: Answer(shapes.SystemTask, "The key was used for this very task: nothing new was made."),
    },
    errors={
        403: NO_SCOPE,
        404: "There is no user of that name.",
        409: "The key was used for another task.",
        429: TOO_MUCH,
    },
)
def create() -> Response:
    """It runs from now on, or waits (`queued`), until a PATCH says otherwise; or until nothing was heard for `timeout`
    seconds (a day, where it is not given): then it has failed."""
    system = guard.system("tasks")
    asked = read_json(SystemTaskRequest)
    given = {name: getattr(asked, name) for name in ("kind", "timeout", "state")}
    task = Asked(asked.title, **{name: value for name, value in given.items() if value is not None})
    external.check(task)
    check_key(asked.key)
    limits.spend_on_telling(system, 1)
    with database().transaction() as transaction:
        made, is_new = external.create(transaction, system.id, asked.to, task, asked.key)
    parts().chores.start()  # they look whether it is still heard of
    location = {"Location": url_for("system_tasks.show", task=made.task.id)}
    return answer(made.as_json(), 201 if is_new else 200, location)


@bp.get(f"/tasks/{ID}")
@describe(
    "Look at a task that you work on",
    who=Who.SYSTEM,
    tag="systems",
    path=[TASK_ID],
    answers={200: shapes.SystemTask},
    errors={403: NO_SCOPE, 404: NO_TASK},
)
def show(task: int) -> Response:
    """How it stands, as its user sees it."""
    system = guard.system("tasks")
    with database().read() as connection:
        found = external.find(connection, system.id, system.name, task)
    return answer(found.as_json())


@bp.patch(f"/tasks/{ID}")
@describe(
    "Tell how far a task is, or what became of it",
    who=Who.SYSTEM,
    tag="systems",
    path=[TASK_ID],
    body=TaskChange,
    answers={200: shapes.SystemTask},
    errors={403: NO_SCOPE, 404: NO_TASK, 409: OVER},
)
def change(task: int) -> Response:
    """Whatever it says, also nothing (`{}`), is a sign of life. Progress is stored within half a second, however often
    it is told. A user may cancel the task: what is told then is answered with 409."""
    system = guard.system("tasks")
    said = external.checked(Change(**msgspec.structs.asdict(read_json(TaskChange))))
    with database().read() as connection:
        found = external.find(connection, system.id, system.name, task)
    if external.is_only_progress(found.task, said):
        parts().tasks.beat.say(task, said.progress, found.task.version)
        progress = found.task.progress if said.progress is None else said.progress
        return answer(found._replace(task=found.task._replace(progress=progress)).as_json())
    if found.task.state in UNFINISHED:
        before = parts().tasks.beat.take_back(task)
        said = said if said.progress is not None else said._replace(progress=before)
    with database().transaction() as transaction:
        found = external.update(transaction, system.id, system.name, task, said)
    return answer(found.as_json())
