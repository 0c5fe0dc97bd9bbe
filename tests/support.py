"""Starting the real servers on free ports, and talking to them."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from flask import Flask

from myapp import create_app
from myapp.auth import people, service
from myapp.auth.passwords import hash_password
from myapp.extensions import database
from myapp.schema import upgrade_schema

from . import postgres
from .postgres import PostgresServer
from .waiting import PATIENCE, free_port, wait_for

__all__ = ["PATIENCE", "PostgresServer", "free_port", "wait_for"]  # and what is defined here

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PASSWORD = "correct horse"


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
        "MYAPP_RATE_LIMITS": "off",
        "MYAPP_MAX_CLIENTS_PER_USER": "0",
        "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0",
        **{f"MYAPP_{name}": value for name, value in settings.items()},
    }


def make_app(folder: Path, database_url: str | None = None, **settings: str) -> Flask:
    """An application in this process, with its tables made."""
    app = create_app(environment(folder, database_url, **settings), instance_path=str(folder / "instance"))
    upgrade_schema(app)
    return app


class People:
    """Makes users and tokens directly in the database of `app`, as the command line does."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._hash: str | None = None

    def add(self, *names: str, password: bool = False) -> None:
        """Users by name; with `password` they can sign in with PASSWORD."""
        if password and self._hash is None:
            self._hash = hash_password(PASSWORD)
        with self.app.app_context(), database().transaction() as transaction:
            for name in names:
                people.create(transaction, name, self._hash if password else None)

    def token(self, name: str) -> str:
        with self.app.app_context(), database().transaction() as transaction:
            person = people.by_name(transaction, name)
            token: str = service.create_token(transaction, person.id, "test")["token"]
            return token

    def tokens(self, *names: str) -> list[str]:
        return [self.token(name) for name in names]


class AppServer:
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
        self.kind = kind
        self.folder = folder
        self.port = int(settings.get("PORT", free_port()))
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = folder / f"{kind}-{secrets.token_hex(3)}.log"
        self.environ = environment(folder, database_url, **{**settings, "PORT": str(self.port)})
        self.command = (
            command
            or {
                "pywsgi": [sys.executable, str(ROOT / "wsgi.py")],
                "uwsgi": [str(BIN / "uwsgi"), "--ini", str(ROOT / "uwsgi.ini")],
            }[kind]
        )
        self.process: subprocess.Popen[bytes] | None = None
        #: the same application in this process, for making users and looking into the database
        self.app = make_app(folder, database_url, **settings)
        self.people = People(self.app)

    def start(self) -> AppServer:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._answers, f"{self.kind} to answer; its log:\n{self.log()[-2000:]}")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"{self.kind} ended with {self.process.returncode}:\n{self.log()[-4000:]}")
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it politely (or by another signal) and say its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.kind} did not stop:\n{self.log()[-4000:]}") from None
        self._kill_group()
        return status

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
        """kill -9, with all its processes."""
        if self.process is not None:
            self._kill_group()
            self.process.wait(PATIENCE)

    def _kill_group(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

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
        for line in self.log().splitlines()[::-1]:
            if "spawned uWSGI worker 1 (pid: " in line:
                return int(line.split("pid: ")[1].split(",")[0])
        raise AssertionError("uWSGI has spawned no worker")

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
