"""Tasks that another system works on: it says how far they are and what became of them, and they are shown as ours.

Nobody here runs them. Who says nothing of one for as long as it said itself (`patience`), also while it waits, is
taken for gone: then it has failed.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from .. import inbox
from ..auth import people
from ..auth.models import users
from ..db import Connection, Transaction, now_ms
from ..errors import Conflict, Invalid, NotFound, Text
from ..notifications.content import check_text, check_title, check_url
from ..statements import Now, statement
from . import kinds, service
from .models import tasks
from .stored import CANCELLED, COLUMNS, DONE, FAILED, QUEUED, RUNNING, UNFINISHED, Task

KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
#: Seconds without a sign of life: at least, at most, usually.
LEAST_TIMEOUT, MOST_TIMEOUT, TIMEOUT = 10, 7 * 24 * 3600, 24 * 3600
#: Of a reason why one failed, in code points.
LONGEST_ERROR = 4000

_number, _source = sa.bindparam("number", type_=sa.BigInteger), sa.bindparam("source", type_=sa.BigInteger)
_now = sa.bindparam("now", type_=sa.BigInteger)
_ONE = statement(
    sa.select(*COLUMNS, users.c.name)
    .select_from(tasks.join(users, users.c.id == tasks.c.owner_id))
    .where(tasks.c.id == _number, tasks.c.source_id == _source)
)
_CHANGE = statement(
    sa.update(tasks)
    .where(tasks.c.id == _number, tasks.c.source_id == _source, tasks.c.finished_at.is_(None))
    .values(
        state=sa.bindparam("new_state", type_=sa.Text),
        progress=sa.bindparam("percent", type_=sa.BigInteger),
        error=sa.bindparam("why", type_=sa.Text),
        result_url=sa.bindparam("url", type_=sa.Text),
        started_at=sa.bindparam("began", type_=sa.BigInteger),
        finished_at=sa.bindparam("ended", type_=sa.BigInteger),
        claimed_until=Now() + tasks.c.patience,
        version=service.next_version,
    )
    .returning(*COLUMNS)
)
_SOURCES = statement(
    sa.select(tasks.c.source_id)
    .where(tasks.c.owner_id == sa.bindparam("user", type_=sa.BigInteger), tasks.c.source_id != sa.literal_column("0"))
    .distinct()
)


class Asked(NamedTuple):
    """A task as a system asks for it; `timeout` in seconds."""

    title: str
    kind: str = "external"
    timeout: int = TIMEOUT
    state: str = RUNNING


class Change(NamedTuple):
    """What a system says of its task; None stays as it is."""

    progress: int | None = None
    state: str | None = None
    result_url: str | None = None
    error: str | None = None


class External(NamedTuple):
    """A task, and the name of whom it is for."""

    task: Task
    to: str

    def as_json(self) -> dict[str, Any]:
        return {**self.task.as_json(), "to": self.to}


def check(asked: Asked) -> None:
    """Raises Invalid naming the field."""
    check_title(asked.title)
    if not KIND.fullmatch(asked.kind):
        raise Invalid("kind", Text("write 1 to 32 of a-z, 0-9 and -, a letter first"))
    if kinds.find(asked.kind) is not None:
        raise Invalid("kind", Text("is a kind of this application's own; choose another one"))
    _check_whole("timeout", asked.timeout, LEAST_TIMEOUT, MOST_TIMEOUT)


def checked(change: Change) -> Change:
    """The change with no reason where that is blank. Raises Invalid naming the field."""
    if change.progress is not None:
        _check_whole("progress", change.progress, 0, 100)
    if change.result_url is not None:
        check_url("result_url", change.result_url)
    if change.error is None:
        return change
    if change.state != FAILED:
        raise Invalid("error", Text("only goes with the state failed"))
    check_text("error", change.error, LONGEST_ERROR)
    return change if change.error.strip() else change._replace(error=None)


def _check_whole(field: str, number: int, low: int, high: int) -> None:
    if not low <= number <= high:
        raise Invalid(field, Text("give a whole number from %(low)d to %(high)d", low=low, high=high))


def create(
    transaction: Transaction, source: int, to: str, asked: Asked, key: str | None = None
) -> tuple[External, bool]:
    """A task for this user, and whether it is new: the same key for the same user, kept for KEY_LIFE, is the same task.

    Raises NotFound naming `to`, Conflict (the key was used for another task) and TooMany.
    """
    try:
        owner = people.by_name(transaction, to)
    except NotFound as error:
        error.errors["to"] = Text("is nobody's name")
        raise
    inbox.lock(transaction, (owner.id,))
    values = {
        "kind": asked.kind,
        "title": asked.title,
        "params": msgspec.json.encode({"state": asked.state}).decode(),  # as it was asked for: a key compares it
        "state": asked.state,
        "patience": asked.timeout * 1000,
    }
    task, is_new = service.add(transaction, owner.id, source, values, key)
    if is_new:
        service.tell(transaction, task)
    return External(task, owner.name), is_new


def find(connection: Connection, source: int, name: str, number: int) -> External:
    """The task of the system with this id and name. Raises NotFound: there is none, or it is not that system's."""
    row = connection.one(_ONE, number=number, source=source)
    if row is None:
        raise NotFound(Text("Your system has no task %(number)s.", number=number))
    return External(Task(*row[:-1])._replace(source=name), row[-1])


def is_only_progress(task: Task, change: Change) -> bool:
    """Whether this says nothing of a task but how far it is, or that somebody is at it: no event then."""
    is_state_new = change.state not in (None, task.state) or (task.state == QUEUED and change.progress is not None)
    return task.state in UNFINISHED and not is_state_new and change.result_url in (None, task.result_url)


def update(transaction: Transaction, source: int, name: str, number: int, change: Change) -> External:
    """The task, changed: with an event where its state is another one.

    Raises NotFound, and Conflict where it is over; but what was said before may be said again.
    """
    found = find(transaction, source, name, number)
    inbox.lock(transaction, (found.task.owner_id,))
    task = find(transaction, source, name, number).task  # as nobody changes it any more
    if task.state not in UNFINISHED:
        check_repeated(task, change)
        return found._replace(task=task)
    state = change.state or (RUNNING if change.progress is not None else task.state)
    now = now_ms()
    is_of_progress = state != task.state or change.progress is not None
    row = transaction.one(
        _CHANGE,
        number=number,
        source=source,
        new_state=state,
        percent=100 if state == DONE else task.progress if change.progress is None else change.progress,
        why=change.error,
        url=change.result_url or task.system_url,
        began=now if task.started_at is None and state in (RUNNING, DONE, FAILED) else task.started_at,
        ended=None if state in UNFINISHED else now,
        now=now if is_of_progress else task.version,  # another process may be about to store what it was told before
    )
    if state != task.state:
        service.changed(transaction, row)
    else:
        assert row is not None  # the owner's inbox is locked
        service.tell_watchers(transaction, Task(*row)._replace(source=name))
    return find(transaction, source, name, number)


def check_repeated(task: Task, change: Change) -> None:
    """That nothing new is said of a task that is over. Raises Conflict, saying what became of it."""
    as_is = {"state": task.state, "result_url": task.system_url, "error": task.error, "progress": task.progress}
    if task.state == DONE:
        as_is["progress"] = change.progress  # whatever was said of it, it is 100
    is_same = all(value in (None, as_is[field]) for field, value in change._asdict().items())
    if not (change.state and is_same):
        raise _over(task)


def _over(task: Task) -> Conflict:
    if task.state == CANCELLED:
        return Conflict(Text("The task was cancelled: stop working on it."))
    if task.state == FAILED and task.error == service.SILENT:
        seconds = task.patience // 1000
        return Conflict(Text("The task has failed, as nothing was heard of it for %(seconds)d s.", seconds=seconds))
    if task.state == FAILED:
        return Conflict(Text("The task has failed: nothing can be changed about it any more."))
    return Conflict(Text("The task is done: nothing can be changed about it any more."))


def sources(connection: Connection, user: int) -> set[int]:
    """The systems that work, or have worked, on tasks of this user."""
    return {row[0] for row in connection.all(_SOURCES, user=user)}
