"""Tasks in a store, each action in a transaction of its own; nobody runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from myapp.tasks import beat, kinds, recovery, service, stored, task
from myapp.tasks.kinds import TaskKind
from myapp.tasks.results import ResultFile
from myapp.tasks.service import Queued
from myapp.tasks.stored import DONE, Task

from .conftest import Store


@contextmanager
def kind_of(function: Callable[..., object], name: str = "work", **options: Any) -> Iterator[TaskKind]:
    """A kind that there is meanwhile."""
    task(name, **options)(function)
    try:
        yield kinds.by_name(name)
    finally:
        kinds.remove(name)


class Tasking:
    """What happens to the tasks of a store. `news` is what was published, `entries` the numbers for the queue."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.database = store.database
        self.news: list[Any] = []
        self.database.publish = self.news.extend

    @property
    def entries(self) -> list[int]:
        return [item.number for item in self.news if isinstance(item, Queued)]

    def create(self, owner: int, kind: str = "work", key: str | None = None, **params: Any) -> Task:
        with self.database.transaction() as transaction:
            return service.create(transaction, owner, kinds.by_name(kind), params, key)[0]

    def claim(self, number: int, most_at_once: int = 0) -> Task | None:
        with self.database.transaction() as transaction:
            return service.claim(transaction, number, "a worker", most_at_once)

    def started(self, owner: int, kind: str = "work") -> Task:
        """A new one that runs."""
        claimed = self.claim(self.create(owner, kind).id)
        assert claimed is not None
        return claimed

    def finish(
        self, run: Task, state: str = DONE, error: str | None = None, file: ResultFile | None = None
    ) -> Task | None:
        with self.database.transaction() as transaction:
            return service.finish(transaction, run.owner_id, run.id, run.attempt, state, error, file)

    def progress(self, run: Task, percent: int) -> bool:
        with self.database.transaction() as transaction:
            return beat.store(transaction, run.id, run.attempt, percent)

    def cancel(self, owner: int, number: int) -> Task:
        with self.database.transaction() as transaction:
            return service.cancel(transaction, owner, number)

    def retry(self, owner: int, number: int) -> Task:
        with self.database.transaction() as transaction:
            return service.retry(transaction, owner, number)[0]

    def put_back(self, run: Task) -> bool:
        with self.database.transaction() as transaction:
            return service.put_back(transaction, run.owner_id, run.id, run.attempt)

    def give_up(self, run: Task) -> Task | None:
        with self.database.transaction() as transaction:
            return service.give_up(transaction, run)

    def fall_silent(self, number: int) -> None:
        """Its run has not been heard of for longer than it may be."""
        self.store.write(f"UPDATE tasks SET claimed_until = 0 WHERE id = {number}")

    def find(self, number: int) -> Task:
        with self.database.read() as connection:
            found = stored.find(connection, number)
        assert found is not None
        return found

    def silent(self) -> list[int]:
        with self.database.read() as connection:
            return [found.id for found in recovery.silent(connection, 3600.0)]

    def states(self, owner: int) -> list[tuple[int, str]]:
        """What the owner was told of tasks: number and state, in order."""
        events = (json.loads(event.text) for event in self.store.after(owner, 0, limit=500).events)
        return [(event["data"]["id"], event["data"]["state"]) for event in events if event["kind"] == "task"]

    def badge(self, owner: int) -> int:
        count: int = json.loads(self.store.head(owner).badges)["tasks"]
        return count
