"""How tasks, and what is current of them, look on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from ..inbox.shapes import Url
from ..shapes import Epoch, Id, Name, Seq, Shape, Time

State = Annotated[
    Literal["queued", "running", "done", "failed", "cancelled"], Meta(description="What has become of it.")
]
Progress = Annotated[int, Meta(description="How far it is, of 100.", ge=0, le=100)]
Error = Annotated[str | None, Meta(description="Why it failed.")]
ResultUrl = Annotated[Url | None, Meta(description="Where its owner finds what it gave, as long as that is kept.")]


class Task(Shape):
    """Work that takes a while."""

    id: Id
    source: Annotated[str | None, Meta(description="The system that works on it; null: this application.")]
    kind: str
    title: str
    state: State
    progress: Progress
    version: Annotated[int, Meta(description="As of the snapshot `task:<id>`: a greater one is newer.", ge=0)]
    result_url: ResultUrl
    result_name: Annotated[str | None, Meta(description="How the file is called.")]
    result_size: Annotated[int, Meta(description="Of the file, in bytes.", ge=0)] | None
    error: Error
    at: Time
    started_at: Time | None
    finished_at: Time | None
    can_cancel: bool
    can_retry: bool


class SystemTask(Task):
    """A task that another system works on, as that system sees it."""

    to: Name


class Tasks(Shape):
    """Tasks, newest first, and where the inbox stood."""

    tasks: list[Task]
    more: Annotated[bool, Meta(description="Whether there are older ones.")]
    seq: Seq
    epoch: Epoch


class TaskState(Shape):
    """The data of the topic `task:<id>`."""

    state: State
    progress: Progress
    result_url: ResultUrl
    error: Error


#: What is called by a name of its own in the description, or named by it in words only.
NAMED: dict[str, Any] = {"TaskState": TaskState}
