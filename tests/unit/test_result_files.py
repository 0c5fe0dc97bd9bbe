"""Files that tasks give, on the disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myapp.auth.people import Person
from myapp.beside import Beside
from myapp.tasks.results import Folder
from myapp.tasks.run import Run, TaskFailed


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(1, 1, Person(1, "alice", "Alice"), Folder(tmp_path), lambda: False)


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is done by other threads."""
    names: list[str] = []
    run = Beside.run

    def noted(self: Beside, function: Callable[..., Any], *args: Any) -> Any:
        names.append(function.__name__)
        return run(self, function, *args)

    monkeypatch.setattr(Beside, "run", noted)
    return names


def test_what_takes_the_disk_long_is_done_beside_the_event_loop(run: Run, tmp_path: Path, beside: list[str]) -> None:
    with run.result("first.txt") as file:
        file.write(b"first")
    with run.result("second.txt") as file:
        file.write(b"second")
    with pytest.raises(TaskFailed), run.result("third.txt"):
        raise TaskFailed("no third")
    assert beside == ["sync", "sync", "unlink", "unlink"]
    assert run.file is not None
    assert [file.name for file in tmp_path.iterdir()] == [run.file.path]
    run.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_finds_no_room_on_the_disk_says_so_and_takes_none(run: Run, tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match="no room"), run.result("large.txt") as file:
        file.write(b"as much as there was room for")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(PermissionError), run.result("other.txt"):
        raise PermissionError(errno.EACCES, "something else")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_can_be_deleted(tmp_path: Path) -> None:
    Folder(tmp_path).delete(f"1-{'0' * 32}")
