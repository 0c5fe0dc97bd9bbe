"""The queue of tasks without Redis."""

from __future__ import annotations

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
