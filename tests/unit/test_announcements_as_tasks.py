"""What a person announces is a task: it goes on with it, or follows who does, and is done when everyone is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from myapp.announcements import as_task, batches, service, telling
from myapp.db import Transaction
from myapp.errors import Conflict, Unavailable
from myapp.notifications.content import Content
from myapp.tasks import service as tasks
from myapp.tasks import stored
from myapp.tasks.running import Tasks
from myapp.tasks.stored import Task
from myapp.tasks.worker import STOPPED

from ..support import PATIENCE, wait_for
from . import noticed
from .conftest import Store

NEWS = Content("News")


@pytest.fixture
def runs(kept_app: Flask) -> Tasks:
    found: Tasks = kept_app.extensions["myapp"].tasks
    return found


@pytest.fixture
def store(emptied: Store) -> Iterator[Store]:
    """Nobody runs tasks by themselves."""
    emptied.database.publish = lambda news: None
    yield emptied


def announce(store: Store, by: int, content: Content = NEWS, key: str | None = None) -> int:
    with store.database.transaction() as transaction:
        return as_task.create(transaction, content, by, key)[0]


def task_of(store: Store, owner: int) -> Task:
    with store.database.read() as connection:
        [task] = stored.listed(connection, owner, 2**53, 10)
    return task


def told(store: Store, user: int) -> list[str]:
    return [event["data"]["title"] for event in noticed.events(store, user) if event["kind"] == "announcement"]


def unfinished(store: Store) -> list[int]:
    with store.database.read() as connection:
        return telling.unfinished(connection)


def advance(store: Store, number: int, most: int) -> bool:
    with store.database.transaction() as transaction:
        return telling.advance(transaction, number, most)


def claim(store: Store, number: int) -> bool:
    with store.database.transaction() as transaction:
        return telling.claim(transaction, number)


def let_time_pass(store: Store, ms: int) -> None:
    store.write(f"UPDATE announcements SET at = at - {ms}, claimed_until = claimed_until - {ms}")


# -- one announcement, one task


def test_run_tells_everyone_and_who_announced_it_is_told_that_it_is_done(store: Store, runs: Tasks) -> None:
    admin, *users = store.add(3)
    number = announce(store, admin)
    runs.workers.run(task_of(store, admin).id)
    assert [told(store, user) for user in (admin, *users)] == [["News"]] * 3
    events = [(event["kind"], event["data"].get("state")) for event in noticed.events(store, admin)]
    assert events == [("task", "queued"), ("task", "running"), ("announcement", None), ("task", "done")]
    assert noticed.badges(store, admin) == {"announcements": 1, "tasks": 1}
    task = task_of(store, admin)
    assert (task.kind, task.title, task.progress) == ("announcement", "Announcement to everyone", 100)
    assert (task.can_cancel, task.can_retry, unfinished(store)) == (False, False, [])
    with store.database.read() as connection:
        assert service.by_number(connection, number).finished_at is not None
    noticed.check(store, [admin, *users])


def test_how_far_it_is_is_told_with_each_batch(store: Store, runs: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = store.add(5)[0]
    announce(store, admin)
    said: list[float] = []
    monkeypatch.setattr(as_task, "progress", said.append)
    monkeypatch.setattr(batches, "FIRST", 2)
    monkeypatch.setattr(batches, "MOST", 2)
    monkeypatch.setattr(batches, "LEAST", 2)
    runs.workers.run(task_of(store, admin).id)
    assert said == [0, 40, 80, 100, 100]


def test_what_is_announced_twice_by_one_key_has_one_task(store: Store) -> None:
    one, other = store.add(2)
    assert len({announce(store, by, key="k") for by in (one, one, other)}) == 1
    with pytest.raises(Conflict):
        announce(store, one, Content("Other"), key="k")
    assert (store.count("announcements"), store.count("tasks")) == (1, 1)
    assert task_of(store, one).state == "queued"


def test_announcement_and_task_come_together_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (admin,) = store.add()

    def fail(*anything: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(tasks, "create", fail)
    with pytest.raises(ZeroDivisionError):
        announce(store, admin)
    assert (store.count("announcements"), store.count("tasks")) == (0, 0)


def test_who_has_too_many_tasks_announces_without_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (admin,) = store.add()
    monkeypatch.setattr(tasks, "MOST_UNFINISHED", 0)
    number = announce(store, admin)
    assert (store.count("tasks"), unfinished(store)) == (0, [number])


# -- who is at it


def test_it_is_left_to_its_task_and_taken_up_by_others_where_nobody_runs_that(store: Store) -> None:
    (admin,) = store.add()
    number = announce(store, admin)
    assert (unfinished(store), claim(store, number)) == ([], False)
    let_time_pass(store, telling.FOR_ITS_TASK + 1)
    assert (unfinished(store), claim(store, number)) == ([number], True)
    with store.database.transaction() as transaction:
        assert not telling.take(transaction, number), "it is not left to the task any more"


def test_run_shows_how_far_another_is_and_ends_with_that(store: Store, runs: Tasks) -> None:
    admin, *users = store.add(4)
    number = announce(store, admin)
    let_time_pass(store, telling.FOR_ITS_TASK + 1)
    assert claim(store, number)
    run = threading.Thread(target=runs.workers.run, args=(task_of(store, admin).id,))
    run.start()
    advance(store, number, 1)
    wait_for(lambda: task_of(store, admin).progress == 25, "how far the other is")
    assert task_of(store, admin).state == "running"
    while not advance(store, number, 1):
        pass
    run.join(PATIENCE)
    assert task_of(store, admin).state == "done"
    assert [told(store, user) for user in (admin, *users)] == [["News"]] * 4


def test_run_goes_on_behind_the_last_batch_of_one_that_died(store: Store, runs: Tasks) -> None:
    admin, *users = store.add(5)
    number = announce(store, admin)
    with store.database.transaction() as transaction:
        assert telling.take(transaction, number)
    advance(store, number, 2)
    let_time_pass(store, telling.CLAIM + 1)
    runs.workers.run(task_of(store, admin).id)
    assert [told(store, user) for user in (admin, *users)] == [["News"]] * 5
    assert task_of(store, admin).state == "done"
    noticed.check(store, [admin, *users])


def test_run_of_what_is_finished_already_is_done(store: Store, runs: Tasks) -> None:
    admin, user = store.add(2)
    advance(store, announce(store, admin), 10)
    runs.workers.run(task_of(store, admin).id)
    assert task_of(store, admin).state == "done"
    assert told(store, user) == ["News"]


class Before:
    """Has something happen before the first batch, so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, act: Any, times: int = 1) -> None:
        self.left = times
        advance = telling.advance

        def instead(transaction: Transaction, number: int, most: int) -> bool:
            if self.left:
                self.left -= 1
                act()
            return advance(transaction, number, 2)

        monkeypatch.setattr(telling, "advance", instead)


def test_database_that_was_away_in_the_middle_is_no_failure_of_the_task(
    store: Store, runs: Tasks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    admin, *users = store.add(5)
    announce(store, admin)

    def away() -> None:
        raise Unavailable("the database is away")

    Before(monkeypatch, away, times=3)
    monkeypatch.setattr(telling, "CLAIM", 0)  # nobody waits for what the run itself has claimed
    monkeypatch.setattr(as_task, "LOOK_EVERY", 0.01)
    runs.workers.run(task_of(store, admin).id)
    assert task_of(store, admin).state == "done"
    assert [told(store, user) for user in (admin, *users)] == [["News"]] * 5
    assert sum(record.name == as_task.__name__ for record in caplog.records) == 1, "it is said once"


def test_run_whose_process_ends_lets_go_of_it_behind_a_batch(
    store: Store, runs: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, *users = store.add(5)
    number = announce(store, admin)
    with monkeypatch.context() as patched:
        Before(patched, lambda: [run.end(STOPPED) for run in runs.beat.runs()])
        runs.workers.run(task_of(store, admin).id)
    assert sum(told(store, user) == ["News"] for user in (admin, *users)) == 2
    assert (task_of(store, admin).state, unfinished(store)) == ("queued", [number])
    runs.workers.run(task_of(store, admin).id)
    assert task_of(store, admin).state == "done"
    noticed.check(store, [admin, *users])
