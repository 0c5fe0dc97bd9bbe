"""Copying a database and putting the copy in its place, as an administrator does while the application runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from stack import Postgres

ROOT = Path(__file__).resolve().parent.parent
#: Seconds for the connections to the old database to end.
PATIENCE = 20.0


class Backup:
    """Copies of the database `name` of `postgres`; `environ` is the application's."""

    def __init__(self, postgres: Postgres, name: str, environ: Mapping[str, str], folder: Path) -> None:
        self._postgres = postgres
        self._name = name
        self._aside, self._old = f"{name}_aside", f"{name}_old"
        self._environ = environ
        self._file = folder / "backup.dump"

    def dsn(self, name: str) -> str:
        return f"host=127.0.0.1 port={self._postgres.port} user=postgres dbname={name}"

    def copy(self) -> None:
        """What is committed now will be in the copy."""
        self._run("pg_dump", "--format=custom", "--compress=0", f"--file={self._file}", self.dsn(self._name))

    def prepare(self) -> str:
        """Put the copy into a database of its own, and give that a new epoch, which is returned."""
        self._as_admin("DROP DATABASE IF EXISTS {}", self._aside)
        self._as_admin("CREATE DATABASE {}", self._aside)
        self._run("pg_restore", "--exit-on-error", f"--dbname={self.dsn(self._aside)}", str(self._file))
        url = f"{self._postgres.url}/{self._aside}"
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "inbox", "new-epoch"]
        return self._run(*command, environ={**self._environ, "MYAPP_DATABASE_URL": url}).split()[-1]

    def put_in_place(self) -> str:
        """The copy takes the database's name. Returns how to connect to the old one, to which nobody writes now."""
        self._as_admin("ALTER DATABASE {} ALLOW_CONNECTIONS false", self._name)
        self._end_connections()
        self._as_admin("ALTER DATABASE {} RENAME TO {}", self._name, self._old)
        self._as_admin("ALTER DATABASE {} RENAME TO {}", self._aside, self._name)
        self._as_admin("ALTER DATABASE {} ALLOW_CONNECTIONS true", self._old)
        return self.dsn(self._old)

    def drop_old(self) -> None:
        self._as_admin("DROP DATABASE {} WITH (FORCE)", self._old)

    def _end_connections(self) -> None:
        deadline = time.monotonic() + PATIENCE
        ending = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as admin:
            while (row := admin.execute(ending, (self._name,)).fetchone()) is None or row[0]:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"connections to {self._name} do not end")
                time.sleep(0.02)

    def _as_admin(self, command: str, *names: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL(command).format(*map(sql.Identifier, names)))

    @staticmethod
    def _run(*command: str, environ: Mapping[str, str] | None = None) -> str:
        """What it printed. Raises RuntimeError with what it complained of."""
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout
