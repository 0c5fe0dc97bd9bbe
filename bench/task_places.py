"""Where tasks run: in the embedded server, or beside the stack in processes of their own."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myapp import create_app
from myapp.db import Connection, Database
from stack import Worker, wait_for

from .dialects import AppDialect
from .generator import Generator
from .servers import ROOT, AppServer, World
from .stack.running import ours
from .task_kinds import NOTES

EMBEDDED = "embedded"
SECRET = "a secret that only the benchmark knows"
#: Seconds within which all tasks have to come to their ends.
PATIENCE = 300.0

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """A server that answers, and what runs its tasks: the processes `runs`. `parts` has all processes by name."""

    port: int
    dialect: AppDialect
    parts: dict[str, list[int]]
    runs: list[int]
    database: Database
    notes: Path

    def generator(self) -> Generator:
        return Generator(self.port, True)

    def rows(self, sql: str) -> Rows:
        with self.database.read() as connection:
            return select(connection, sql)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Raises StackError."""
        wait_for(condition, what, PATIENCE)

    def wait_for_all(self) -> None:
        """Until no task waits or runs any more."""
        self.wait(lambda: not self._rest() and self._slept(), "all tasks to be over")

    def wait_for_running(self, count: int) -> None:
        sql = "SELECT count(*) FROM tasks WHERE finished_at IS NULL AND state = 'running'"
        self.wait(lambda: bool(self.rows(sql)[0][0] == count) or not self._slept(), f"{count} tasks to run")

    def start_many(self, kind: str, count: int, users: int, seconds: float | None = None) -> bytes:
        """The request that has so many started by code."""
        said = "" if seconds is None else f"&seconds={seconds}"
        path = f"/bench/start?kind={kind}&count={count}&users={users}{said}"
        return self.dialect.get(path, self.dialect.bearer(1))

    def _rest(self) -> int:
        found: int = self.rows("SELECT count(*) FROM tasks WHERE finished_at IS NULL")[0][0]
        return found

    @staticmethod
    def _slept() -> bool:
        """So that looking costs little."""
        time.sleep(0.2)
        return True


def select(connection: Connection, sql: str) -> Rows:
    found: Rows = connection.driver.execute(sql).fetchall()
    return found


@contextmanager
def place(name: str, users: int, settings: Mapping[str, str] = {}) -> Iterator[Place]:
    """`embedded`, or the number of processes that run tasks beside the stack."""
    with tempfile.TemporaryDirectory(prefix="bench-tasks-") as folder:
        notes = Path(folder) / "runs"
        given = {"MYAPP_MODULES": "bench.task_kinds", "MYAPP_RATE_LIMITS": "off", NOTES: str(notes), **settings}
        made = _embedded(Path(folder), users, given) if name == EMBEDDED else _beside(int(name), users, given)
        with made as (port, dialect, parts, runs, url):
            app = create_app({"MYAPP_DATABASE_URL": url, "MYAPP_SECRET_KEY": SECRET}, instance_path=folder)
            database: Database = app.extensions["myapp"].database
            try:
                yield Place(port, dialect, parts, runs, database, notes)
            finally:
                database.close()


_Made = tuple[int, AppDialect, dict[str, list[int]], list[int], str]


@contextmanager
def _embedded(folder: Path, users: int, settings: Mapping[str, str]) -> Iterator[_Made]:
    world = World(folder, users, "off")
    with AppServer(world, "pywsgi", settings=settings) as server:
        url = f"sqlite:///{server.folder / 'bench.sqlite3'}"
        assert isinstance(server, AppServer)
        yield server.port, server.dialect, {"server": [server.worker]}, [server.worker], url


@contextmanager
def _beside(workers: int, users: int, settings: Mapping[str, str]) -> Iterator[_Made]:
    given = {**settings, "PYTHONPATH": str(ROOT)}
    with ours(users, settings=given) as it, ExitStack() as ends:
        started = it.parts["worker"]
        for number in range(2, workers + 1):
            worker = Worker(it.stack.folder, it.stack.environ, f"worker-{number}")
            ends.callback(worker.kill)
            started.append(worker.start().pid)
        parts = {**it.parts, "worker": started}
        yield it.port, it.app_dialect(), parts, started, it.database_url


def noted(file: Path) -> list[int]:
    """The numbers of the tasks that ran, each as often as it did."""
    with contextlib.suppress(FileNotFoundError):
        return [int(line) for line in file.read_text().split()]
    return []
