"""The queue of tasks without Redis."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from myapp.tasks.queue import TaskQueue


def test_folder_of_its_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    queue = TaskQueue("", tmp_path / "instance" / "tasks.sqlite3", "a deployment")
    queue.put(1)
    assert not queue.is_empty()
    queue.close()


def test_queue_that_is_closed_is_not_opened_again(tmp_path: Path) -> None:
    queue = TaskQueue("", tmp_path / "tasks.sqlite3", "a deployment")
    queue.put(1)
    queue.close()
    for file in tmp_path.iterdir():
        file.unlink()
    queue.put(2)
    assert (queue.take(), queue.is_empty()) == (None, False)
    assert list(tmp_path.iterdir()) == []


def test_damaged_file_is_replaced_when_it_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "tasks.sqlite3"
    file.write_bytes(b"no database" * 1000)
    queue = TaskQueue("", file, "a deployment")
    queue.put(1)
    assert queue.take() == 1
    queue.close()


def test_file_that_is_damaged_while_it_is_used_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "tasks.sqlite3"
    queue = TaskQueue("", file, "a deployment")
    queue.put(1)
    queue.huey.storage.close()  # it has nothing of the file in memory any more
    file.write_bytes(b"no database" * 1000)
    with contextlib.suppress(sqlite3.DatabaseError):
        queue.take()
    queue.put(2)
    assert queue.take() == 2
    queue.close()


def test_file_that_has_lost_its_tables_has_them_again(tmp_path: Path) -> None:
    queue = TaskQueue("", tmp_path / "tasks.sqlite3", "a deployment")
    queue.put(1)
    queue.huey.storage.sql("DROP TABLE task")
    queue.put(2)
    queue.put(3)
    assert queue.take() == 3
    queue.close()


def test_file_that_another_has_replaced_meanwhile_stays(tmp_path: Path) -> None:
    queue = TaskQueue("", tmp_path / "tasks.sqlite3", "a deployment")
    queue.put(1)
    queue.take()
    damaged = sqlite3.DatabaseError("database disk image is malformed")
    damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    with contextlib.suppress(sqlite3.DatabaseError), queue._mending():
        with contextlib.suppress(sqlite3.DatabaseError), queue._mending():
            raise damaged
        queue.put(2)
        raise damaged
    assert queue.take() == 2
    queue.close()
