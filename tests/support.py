"""Starting the real servers on free ports, and talking to them."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
from flask import Flask

import stack
from myapp import create_app
from myapp.auth import people, service
from myapp.extensions import database
from myapp.schema import upgrade_schema
from stack import Program, free_port
from stack.program import BIN, ROOT
from stack.uwsgi import spawned

from . import postgres, quicker
from .postgres import PostgresServer

#: Waiting for something to happen: generous, since it only costs time when it fails.
PATIENCE = 20.0
PASSWORD = "correct horse"

__all__ = [
    "BIN",
    "PASSWORD",
    "PATIENCE",
    "ROOT",
    "AppServer",
    "People",
    "PostgresServer",
    "app_server",
    "close_app",
    "environment",
    "free_port",
    "make_app",
    "shared_postgres",
    "sqlite_url",
    "wait_for",
]

T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Wait until `condition()` is true and return it; fail naming `what`."""
    try:
        return stack.wait_for(condition, what, patience)
    except stack.StackError as error:
        raise AssertionError(str(error)) from None


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'test.sqlite3'}"


def default_database(folder: Path) -> str:
    return postgres.database_of(folder, make_tables) if postgres.IS_DEFAULT else sqlite_url(folder)


def shared_postgres() -> PostgresServer:
    """The PostgreSQL of all tests of this process."""
    return postgres.shared(make_tables)


def make_tables(url: str) -> None:
    """Bring a new database up to date."""
    app = make_app(Path("/nonexistent"), url)
    app.extensions["myapp"].database.close()


def environment(folder: Path, database_url: str | None = None, **settings: str) -> dict[str, str]:
    """A process's environment with settings of its own: no limits, and the database of `folder`: SQLite's file in it,
    or by `make test-postgres` one of PostgreSQL's.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "MYAPP_SECRET_KEY": "a secret that only tests know",
        "MYAPP_DATABASE_URL": database_url or default_database(folder),
        "MYAPP_RESULTS": str(folder / "results"),  # also where the database is no file in it
        "MYAPP_RATE_LIMITS": "off",
        "MYAPP_MAX_CLIENTS_PER_USER": "0",
        "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0",
        **{f"MYAPP_{name}": value for name, value in settings.items()},
    }


def make_app(folder: Path, database_url: str | None = None, **settings: str) -> Flask:
    """An application in this process, with its tables made."""
    environ = environment(folder, database_url, **settings)
    app = create_app(environ, instance_path=str(folder / "instance"))
    app.jinja_env.bytecode_cache = quicker.compiled
    if not quicker.gives_tables(app.config["SQLALCHEMY_DATABASE_URI"]):
        upgrade_schema(app)
    return app


def close_app(app: Flask) -> None:
    """Nothing of it goes on: no thread that would look into a database that is gone."""
    parts = app.extensions["myapp"]
    parts.chores.close()
    parts.tasks.close()
    parts.database.close()


class People:
    """Makes users and tokens directly in the database of `app`, as the command line does."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def add(self, *names: str, password: bool = False) -> None:
        """Users by name; with `password` they can sign in with PASSWORD."""
        known = quicker.hash_of(PASSWORD) if password else None
        with self.app.app_context(), database().transaction() as transaction:
            for name in names:
                people.create(transaction, name, known)

    def token(self, name: str) -> str:
        with self.app.app_context(), database().transaction() as transaction:
            person = people.by_name(transaction, name)
            token: str = service.create_token(transaction, person.id, "test")["token"]
            return token

    def tokens(self, *names: str) -> list[str]:
        return [self.token(name) for name in names]


class AppServer(Program):
    """The application on a real server (`pywsgi` or `uwsgi`) in a process of its own, on a free port.

    `command` replaces the server's command line, for tests that run the application elsewhere.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        database_url: str | None = None,
        command: list[str] | None = None,
        **settings: str,
    ) -> None:
        self.name = self.kind = kind
        super().__init__(folder)
        self.home, self.cwd = self.folder, ROOT
        self.port = int(settings.get("PORT", free_port()))
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = folder / f"{kind}-{secrets.token_hex(3)}.log"
        self.environ = environment(folder, database_url, **{**settings, "PORT": str(self.port)})
        #: whether its log says when it listens
        self._says_so = kind == "pywsgi" and command is None
        self.command = (
            command
            or {
                "pywsgi": [sys.executable, str(ROOT / "wsgi.py")],
                "uwsgi": [str(BIN / "uwsgi"), "--ini", str(ROOT / "uwsgi.ini")],
            }[kind]
        )
        #: the same application in this process, for making users and looking into the database
        self.app = make_app(folder, database_url, **settings)
        self.people = People(self.app)

    def answers(self) -> bool:
        if self._says_so and "myapp is at" not in self.log_of_this_run():
            return False  # what answers there would be somebody else's
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """It stands still meanwhile (SIGSTOP): what is asked of it is answered afterwards."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """kill -9, with all its processes; the test's own connections to its database are closed too."""
        self.app.extensions["myapp"].database.close()
        super().kill()

    def client(self, token: str | None = None, **options: Any) -> httpx.Client:
        """An HTTP client of this server, signed in by `token`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, **options)

    @property
    def worker_pid(self) -> int:
        """The process that runs the application."""
        assert self.process is not None
        if self.kind != "uwsgi":
            return self.process.pid
        return spawned(self.log())[1]

    def metric(self, name: str, **labels: str) -> float:
        """One figure from /metrics; 0 where it is not there yet."""
        wanted = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
        for line in httpx.get(f"{self.url}/metrics", timeout=PATIENCE).text.splitlines():
            if line.startswith(wanted + " "):
                return float(line.split()[1])
        return 0.0


@contextlib.contextmanager
def app_server(kind: str, folder: Path, **options: Any) -> Iterator[AppServer]:
    server = AppServer(kind, folder, **options).start()
    try:
        yield server
    finally:
        server.kill()
