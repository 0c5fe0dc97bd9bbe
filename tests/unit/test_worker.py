"""What a worker's process does beside running tasks."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from myapp import worker
from myapp.errors import Unavailable
from myapp.worker import look_after

from ..support import ROOT, environment, free_port


class Troubled:
    """In place of Tasks: each look ends otherwise, the last one stops the process."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.stop = threading.Event()
        self.outcomes = list(outcomes)
        self.swept = 0

    def recover(self) -> None:
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            self.stop.set()
        if outcome is not None:
            raise outcome

    def sweep(self) -> None:
        self.swept += 1


def test_worker_looks_after_tasks_whatever_a_look_meets(caplog: pytest.LogCaptureFixture) -> None:
    away = [Unavailable("away") for _ in range(3)]
    tasks: Any = Troubled(*away, None, ZeroDivisionError(), None, None)
    look_after(tasks, tasks.stop, 0)
    assert (tasks.outcomes, tasks.swept) == ([], 3)
    assert caplog.text.count("the database does not answer") == 1
    assert caplog.text.count("ZeroDivisionError") == 1


@contextmanager
def started(folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A worker whose database is away."""
    environ = environment(folder, f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", **settings)
    command = [sys.executable, "-m", "myapp.worker"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_worker_waits_for_its_database_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with started(tmp_path, REDIS_URL="redis://127.0.0.1:1/0") as process:
        assert process.stderr is not None
        assert any("waiting for it" in line for line in process.stderr)
        process.terminate()
        assert process.wait(20) == -15


def test_worker_without_redis_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("set_up_logging", "signal"):
        monkeypatch.setattr(worker, name, Mock())  # they are the tests'
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MYAPP_REDIS_URL", raising=False)
    assert worker.main() == 2
    assert "MYAPP_REDIS_URL is not set: without Redis tasks run in the server itself" in capsys.readouterr().err
