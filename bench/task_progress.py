"""What it costs to say how far a task is, in this process, on SQLite."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myapp import create_app
from myapp.auth.people import Person
from myapp.changed import Changed
from myapp.schema import upgrade_schema
from myapp.tasks import kinds, service
from myapp.tasks.beat import Beat
from myapp.tasks.results import Folder
from myapp.tasks.run import Run

from .task_places import SECRET


@dataclass(frozen=True, slots=True)
class Told:
    """`calls` of progress in so many seconds, and how often it was stored; CPU in seconds of all of either."""

    calls: int
    seconds: float
    writes: int
    calling: float
    storing: float


def progress(calls: int, seconds: float) -> Told:
    with tempfile.TemporaryDirectory(prefix="bench-tasks-") as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        settings = {"MYAPP_DATABASE_URL": url, "MYAPP_SECRET_KEY": SECRET, "MYAPP_MODULES": "bench.task_kinds"}
        app = create_app(settings, instance_path=folder)
        upgrade_schema(app)
        parts = app.extensions["myapp"]
        database, told = parts.database, 0

        def count(news: Sequence[Any]) -> None:
            nonlocal told
            told += sum(isinstance(one, Changed) for one in news)

        with app.app_context():
            app.test_cli_runner().invoke(args=["seed", "--users", "1", "--tokens-out", f"{folder}/tokens"])
        with database.transaction() as transaction:
            task, _is_new = service.create(transaction, 1, kinds.by_name("bench-empty"), {})
            transaction.news.clear()  # nobody is to run it but who does so here
        with database.transaction() as transaction:
            service.claim(transaction, task.id, "bench", 0)
        database.publish = count
        beat, run = _CountedBeat(database), _run(folder, task.id)
        beat.add(run)
        calling = _call(run, calls, seconds)
        beat.remove(run)
        beat.close()
        database.close()
    return Told(calls, seconds, told, calling, beat.cpu)


class _CountedBeat(Beat):
    """Adds up the CPU of its turns."""

    cpu = 0.0

    def turn(self) -> None:
        used = time.thread_time()
        super().turn()
        self.cpu += time.thread_time() - used


def _run(folder: str, number: int) -> Run:
    return Run(number, 1, Person(1, "u1", "u1"), Folder(Path(folder)), lambda: False)


def _call(run: Run, calls: int, seconds: float) -> float:
    """CPU of the calls alone."""
    began, used = time.monotonic(), 0.0
    for number in range(1, calls + 1):
        before = time.thread_time()
        run.progress(100 * number / calls)
        used += time.thread_time() - before
        time.sleep(max(0.0, began + seconds * number / calls - time.monotonic()))
    return used
