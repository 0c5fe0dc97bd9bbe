"""Tasks as they are stored, and as they are told: in JSON, and to those who watch them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from ..db import Connection, rfc3339
from ..errors import NotFound, Text
from ..statements import statement
from ..systems.models import systems
from . import kinds
from .models import tasks

QUEUED, RUNNING, DONE, FAILED, CANCELLED = STATES = ("queued", "running", "done", "failed", "cancelled")
#: What a task's state can change from.
UNFINISHED = (QUEUED, RUNNING)
#: What begins the topics of tasks.
TOPIC = "task:"


class Task(NamedTuple):
    """One task. `source` is the name of the system that works on it, None for the application itself."""

    id: int
    owner_id: int
    source_id: int
    kind: str
    title: str
    params: str
    state: str
    progress: int
    version: int
    attempt: int
    deaths: int
    patience: int
    at: int
    started_at: int | None
    finished_at: int | None
    error: str | None
    system_url: str | None
    result_file: str | None
    result_name: str | None
    result_size: int | None
    seq: int | None
    source: str | None = None

    @property
    def is_own(self) -> bool:
        return self.source_id == 0

    @property
    def result_url(self) -> str | None:
        """Where its owner finds what it gave; of ours a path below the application's root."""
        if self.is_own:
            return f"/tasks/{self.id}/result" if self.result_file is not None else None
        return self.system_url

    @property
    def can_cancel(self) -> bool:
        kind = kinds.find(self.kind) if self.is_own else None
        return self.state in UNFINISHED and (kind is None or kind.can_cancel)

    @property
    def can_retry(self) -> bool:
        return self.is_own and self.state in (FAILED, CANCELLED) and kinds.find(self.kind) is not None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "source": self.source,
            "kind": self.kind,
            "title": self.title,
            "state": self.state,
            "progress": self.progress,
            "version": self.version,
            "result_url": self.result_url,
            "result_name": self.result_name,
            "result_size": self.result_size,
            "error": self.error,
            "at": rfc3339(self.at),
            "started_at": None if self.started_at is None else rfc3339(self.started_at),
            "finished_at": None if self.finished_at is None else rfc3339(self.finished_at),
            "can_cancel": self.can_cancel,
            "can_retry": self.can_retry,
        }

    def as_event(self) -> dict[str, Any]:
        """The data of the event that tells of its state."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind,
            "state": self.state,
            "result_url": self.result_url,
            "error": self.error,
        }

    def as_topic(self) -> str:
        """The data of its topic, `task:<id>`."""
        return msgspec.json.encode(
            {"state": self.state, "progress": self.progress, "result_url": self.result_url, "error": self.error}
        ).decode()


class AtWork(NamedTuple):
    """What the head of every page shows of a task that waits or runs."""

    id: int
    state: str
    progress: int


#: What makes a Task, in order, but for the name of the source.
COLUMNS = (
    tasks.c.id,
    tasks.c.owner_id,
    tasks.c.source_id,
    tasks.c.kind,
    tasks.c.title,
    tasks.c.params,
    tasks.c.state,
    tasks.c.progress,
    tasks.c.version,
    tasks.c.attempt,
    tasks.c.deaths,
    tasks.c.patience,
    tasks.c.at,
    tasks.c.started_at,
    tasks.c.finished_at,
    tasks.c.error,
    tasks.c.result_url,
    tasks.c.result_file,
    tasks.c.result_name,
    tasks.c.result_size,
    tasks.c.seq,
)
_with_source = sa.select(*COLUMNS, systems.c.name).select_from(
    tasks.outerjoin(systems, systems.c.id == tasks.c.source_id)
)
_number, _owner = sa.bindparam("number", type_=sa.BigInteger), sa.bindparam("owner", type_=sa.BigInteger)
_most = sa.bindparam("most", type_=sa.Integer)
_ONE = statement(_with_source.where(tasks.c.id == _number))
_LISTED = statement(
    _with_source.where(tasks.c.owner_id == _owner, tasks.c.id < sa.bindparam("before", type_=sa.BigInteger))
    .order_by(tasks.c.id.desc())
    .limit(_most)
)
_UNFINISHED = statement(
    _with_source.where(tasks.c.owner_id == _owner, tasks.c.finished_at.is_(None)).order_by(tasks.c.id).limit(_most)
)
_AT_WORK = statement(
    sa.select(tasks.c.id, tasks.c.state, tasks.c.progress)
    .where(tasks.c.owner_id == _owner, tasks.c.finished_at.is_(None))
    .order_by(tasks.c.id)
    .limit(_most)
)


def find(connection: Connection, number: int) -> Task | None:
    row = connection.one(_ONE, number=number)
    return None if row is None else Task(*row)


def of_owner(connection: Connection, owner: int, number: int) -> Task:
    """Raises NotFound: there is none, or it is somebody else's."""
    task = find(connection, number)
    if task is None or task.owner_id != owner:
        raise unknown(number)
    return task


def unknown(number: int) -> NotFound:
    return NotFound(Text("You have no task %(number)s.", number=number))


def listed(connection: Connection, owner: int, before: int, limit: int) -> list[Task]:
    """Newest first, with an id below `before`."""
    return [Task(*row) for row in connection.all(_LISTED, owner=owner, before=before, most=limit)]


def unfinished(connection: Connection, owner: int, limit: int) -> list[Task]:
    """Those that wait or run, oldest first."""
    return [Task(*row) for row in connection.all(_UNFINISHED, owner=owner, most=limit)]


def at_work(connection: Connection, owner: int, limit: int) -> list[AtWork]:
    """The same, as little of them as the head of a page needs."""
    return [AtWork(*row) for row in connection.all(_AT_WORK, owner=owner, most=limit)]


def topics(connection: Connection, numbers: Iterable[int]) -> dict[int, tuple[int, int, str]]:
    """Owner, version and data of the topics of those of these tasks that there are; at most 1,000."""
    ids = ",".join(str(int(number)) for number in numbers)
    if not ids:
        return {}
    names = ", ".join(f"tasks.{column.name}" for column in COLUMNS)
    sql = f"SELECT {names} FROM tasks WHERE id IN ({ids})"  # whole numbers only
    found = (Task(*row) for row in connection.driver.execute(sql).fetchall())
    return {task.id: (task.owner_id, task.version, task.as_topic()) for task in found}


def with_source(connection: Connection, row: Sequence[Any]) -> Task:
    """The task of a row of COLUMNS."""
    task = Task(*row)
    return task if task.is_own else find(connection, task.id) or task
