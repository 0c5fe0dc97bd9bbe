"""What a worker's process does beside running tasks."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from myapp.errors import Unavailable
from myapp.worker import look_after


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
