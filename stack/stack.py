"""All of them together, each told where the others are."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from .nginx import LOCATION, Nginx
from .postgres import Postgres
from .program import ROOT, Program, StackError, wait_for
from .redis import Redis
from .uwsgi import Uwsgi
from .worker import Worker

DATABASE = "myapp"


class Stack:
    """nginx, uWSGI, a worker for tasks, Redis and PostgreSQL with their files in `folder`; the data stays there from
    run to run.

    `environ`: settings of the application (`MYAPP_...`) besides those that are ours; where it names a database or
    Redis, those are used, though ours run as well. The attribute `environ` is the whole environment of the application,
    for commands (`flask --app wsgi ...`); it is complete once `start()` has returned.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        workers: int = 2,
        environ: Mapping[str, str] | None = None,
        fsync: bool = True,
        host: str = "127.0.0.1",
        router: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        given = {name: value for name, value in (environ or {}).items() if value.strip()}
        self.redis = Redis(self.folder)
        self.postgres = Postgres(self.folder, fsync=fsync)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
        self.settings = {
            "MYAPP_DATABASE_URL": f"{self.postgres.url}/{DATABASE}",
            "MYAPP_REDIS_URL": self.redis.url,
            "MYAPP_RESULTS": str(self.folder / "results"),
            "MYAPP_ACCEL_REDIRECT": LOCATION,
            **{name: value for name, value in given.items() if name not in ("MYAPP_HOST", "MYAPP_PORT")},
            "MYAPP_WORKERS": str(workers),
        }
        self.environ = {**kept, **self.settings}
        self.uwsgi = Uwsgi(self.folder, self.environ, router=router)
        self.worker = Worker(self.folder, self.environ)
        self.nginx = Nginx(self.folder, f"127.0.0.1:{self.uwsgi.port}", port, host, uwsgi=not router)
        self.nginx.results = Path(self.settings["MYAPP_RESULTS"])
        #: in the order in which they are started
        self.programs: list[Program] = [self.redis, self.postgres, self.uwsgi, self.worker, self.nginx]

    @property
    def url(self) -> str:
        """Where nginx answers."""
        return self.nginx.url

    def give_up_when(self, is_given_up: Callable[[], bool]) -> None:
        """Have every start that waits for an answer end when `is_given_up()`."""
        for program in self.programs:
            program.is_given_up = is_given_up

    def start(self) -> Self:
        """Start them in order; return when the application is ready behind nginx.

        Raises StackError; then nothing runs.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._settle()
        try:
            for program in self.programs:
                self.start_one(program)
            wait_for(lambda: self.nginx.is_given_up() or self.is_ready(), "the application to be ready behind nginx")
        except BaseException:
            self.kill()
            raise
        return self

    def start_one(self, program: Program) -> None:
        """Start one of them, and make what the next ones need. Raises StackError."""
        program.start()
        if program is self.postgres:
            self.postgres.database(DATABASE)

    def _settle(self) -> None:
        """Make the key that signs cookies, once, and write down what commands need to know."""
        if "MYAPP_SECRET_KEY" not in self.settings:
            self.settings["MYAPP_SECRET_KEY"] = _kept_secret(self.folder / "secret_key")
        self.environ |= self.settings
        self.uwsgi.environ |= self.settings
        self.worker.environ |= self.settings
        names = ("MYAPP_DATABASE_URL", "MYAPP_REDIS_URL", "MYAPP_SECRET_KEY", "MYAPP_RESULTS")
        lines = [f"{name}={shlex.quote(self.settings[name])}\n" for name in names]
        _write_private(self.folder / "env", "".join(lines))

    def is_ready(self) -> bool:
        """Whether /readyz says so, through nginx."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(json.load(answer)["status"] == "ok")
        except (urllib.error.URLError, OSError, ValueError):
            return False

    def stop(self) -> None:
        """End all politely: tasks that run have their time, and clients are told how they ended; clients are sent away
        while nginx still passes it on; then what all of these used ends.
        """
        for program in (self.worker, self.uwsgi, self.nginx, self.redis, self.postgres):
            program.stop()

    def kill(self) -> None:
        """kill -9 of all."""
        for program in self.programs:
            program.kill()


def _kept_secret(file: Path) -> str:
    """A secret that is made once and kept in `file`."""
    if not file.exists():
        _write_private(file, secrets.token_hex(32))
    return file.read_text().strip()


def _write_private(file: Path, text: str) -> None:
    """Whole or not at all, for its owner only."""
    aside = file.with_name(f".{file.name}.new")
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    aside.write_text(text)
    aside.replace(file)


def default_folder() -> Path:
    """Where `make stack` keeps its files."""
    return ROOT / "instance" / "stack"


__all__ = ["Stack", "StackError", "default_folder"]
