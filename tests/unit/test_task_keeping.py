"""How long results and tasks are kept, and what is left over of runs that broke off."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from myapp.changed import Changed
from myapp.db import now_ms
from myapp.pieces import Pieces
from myapp.tasks import keeping
from myapp.tasks.keeping import DAY, MOST, STAYS
from myapp.tasks.results import LEFT_OVER, Folder, ResultFile
from myapp.tasks.stored import Task

from .conftest import Store
from .tasking import Tasking, kind_of


@pytest.fixture
def tasking(emptied: Store) -> Iterator[Tasking]:
    with kind_of(lambda: None):
        yield Tasking(emptied)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "results")


def done(tasking: Tasking, folder: Folder, owner: int, days: float) -> Task:
    """A task with a result, done so many days ago."""
    run = tasking.started(owner)
    path = folder.new(run.id)
    path.write_bytes(b"x")
    tasking.finish(run, file=ResultFile(path.name, "a.csv", 1))
    tasking.store.write(f"UPDATE tasks SET finished_at = {now_ms() - int(days * DAY)} WHERE id = {run.id}")
    return tasking.find(run.id)


def sweep(tasking: Tasking, folder: Folder, days: int = 7, keep_days: int = 30) -> None:
    keeping.sweep(Pieces(tasking.database), tasking.database, folder, days, keep_days)


def files(folder: Folder) -> set[str]:
    return {file.name for file in folder.path.iterdir()}


def test_results_go_by_age_and_their_tasks_stay(tasking: Tasking, folder: Folder) -> None:
    (owner,) = tasking.store.add()
    old, young = done(tasking, folder, owner, 7.1), done(tasking, folder, owner, 6.9)
    tasking.news.clear()
    seq = tasking.store.head(owner).seq
    sweep(tasking, folder)
    assert files(folder) == {young.result_file}
    now = tasking.find(old.id)
    assert (now.result_url, now.result_name, now.state) == (None, "a.csv", "done")
    [told] = [item for item in tasking.news if isinstance(item, Changed)]
    assert (told.topic, told.version > old.version) == (f"task:{old.id}", True)
    assert tasking.store.head(owner).seq == seq
    sweep(tasking, folder, days=0)
    assert files(folder) == {young.result_file}, "0 keeps them for ever"


def test_tasks_that_are_over_go_long_after_and_others_never(tasking: Tasking, folder: Folder) -> None:
    (owner,) = tasking.store.add()
    waiting = tasking.create(owner)
    gone, kept = (done(tasking, folder, owner, days) for days in (30 * STAYS + 1, 30 * STAYS - 1))
    sweep(tasking, folder, keep_days=0)
    assert tasking.store.count("tasks") == 3
    sweep(tasking, folder)
    with tasking.database.read() as connection:
        rows = connection.driver.execute("SELECT id FROM tasks ORDER BY id").fetchall()
    assert [row[0] for row in rows] == [waiting.id, kept.id]
    assert gone.id not in (waiting.id, kept.id)
    assert files(folder) == set()


def test_more_go_than_fit_one_transaction(tasking: Tasking, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST", 3)
    (owner,) = tasking.store.add()
    for _ in range(8):
        done(tasking, folder, owner, 100)
    sweep(tasking, folder)
    assert (files(folder), tasking.store.count("tasks")) == (set(), 0)
    assert MOST > 3


def test_file_that_no_task_names_goes_when_no_run_can_be_writing_it(tasking: Tasking, folder: Folder) -> None:
    (owner,) = tasking.store.add()
    named = done(tasking, folder, owner, 1)
    left, written = folder.new(5), folder.new(6)
    foreign = folder.path / "README"
    for path in (left, written, foreign):
        path.write_bytes(b"x")
    assert named.result_file is not None
    long_ago = time.time() - LEFT_OVER - 60
    for path in (left, foreign, folder.of(named.result_file)):
        os.utime(path, (long_ago, long_ago))
    sweep(tasking, folder)
    assert files(folder) == {named.result_file, written.name, "README"}


def test_folder_that_is_not_there_yet_is_no_error(tasking: Tasking, folder: Folder) -> None:
    sweep(tasking, folder)


def test_what_is_kept_is_not_gone_through_to_find_what_is_not(lite: Store) -> None:
    indexes = {"_FILES": "ix_tasks_kept (finished_at", "_FORGET": "ix_tasks_finished (finished_at"}
    with lite.database.read() as connection:
        for name, index in indexes.items():
            sql, constants, _ = getattr(keeping, name).compiled("sqlite")
            plan = connection.driver.execute(f"EXPLAIN QUERY PLAN {sql}", {**constants, "old": 0, "most": 1}).fetchall()
            assert any(index in row[3] for row in plan), plan
            assert not any(row[3] == "SCAN tasks" for row in plan), plan
