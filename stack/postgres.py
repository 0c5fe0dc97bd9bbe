"""PostgreSQL with a cluster of its own, for whoever is on this machine: it asks for no password."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from .program import Program, StackError, free_port, is_alive


class Postgres(Program):
    """A PostgreSQL server on 127.0.0.1. It does not run as root, so it runs as `postgres` where we are.

    Without `fsync` a power failure may damage the data: for tests.
    """

    name = "postgres"
    executable = "postgres"
    polite = signal.SIGINT  # "fast": running transactions are rolled back
    stop_patience = 30.0

    def __init__(self, folder: Path, port: int | None = None, fsync: bool = True, max_connections: int = 100) -> None:
        super().__init__(folder)
        self.max_connections = max_connections
        self.port = port or free_port()
        self.fsync = fsync
        self.data = self.home / "data"
        #: shown in the titles of all its processes, of which /proc tells nothing else where they are another user's
        self.mark = f"stack-{hashlib.sha256(str(self.home).encode()).hexdigest()[:16]}"
        #: of the server, to which the name of a database is added
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}"

    def prepare(self) -> None:
        bin_folder = _bin_folder()
        as_user: list[str] = []
        if os.geteuid() == 0:
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
            shutil.chown(self.home, "postgres")
            _let_pass(self.home)
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster([*as_user, str(bin_folder / "initdb")])
        self._forget_the_dead()
        # of tests' servers that are killed nothing stays in /dev/shm: a megabyte of each
        shared = [] if self.fsync else ["-c", "dynamic_shared_memory_type=mmap"]
        self.command = [
            *as_user,
            str(bin_folder / "postgres"),
            *("-D", str(self.data), "-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
            *("-c", f"max_connections={self.max_connections}"),
            *("-c", f"fsync={'on' if self.fsync else 'off'}", "-c", f"cluster_name={self.mark}"),
            *shared,
        ]

    def _make_cluster(self, initdb: list[str]) -> None:
        """Whole or not at all: made aside, then moved into place. Raises StackError."""
        making = self.home / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", *([] if self.fsync else ["--no-sync"])]
        done = subprocess.run(
            [*initdb, "-D", str(making), *options], capture_output=True, text=True, errors="replace", cwd=self.home
        )
        if done.returncode != 0:
            raise StackError(f"initdb failed:\n{done.stderr[-4000:]}")
        making.rename(self.data)

    def _forget_the_dead(self) -> None:
        """PostgreSQL takes a predecessor that was killed, and that nobody has waited for, for running."""
        file = self.data / "postmaster.pid"
        if file.exists() and not is_alive(int(file.read_text().split()[0])):
            file.unlink()

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self._dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def processes(self) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                is_ours = self.mark.encode() in (entry / "cmdline").read_bytes()
                if is_ours and (entry / "comm").read_text().strip() == self.executable:
                    found.append(int(entry.name))
        return found

    @property
    def _dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def database(self, name: str) -> str:
        """The URL of the database `name`, which is made if it is not there."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        with psycopg.connect(self._dsn, autocommit=True) as it:
            if it.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                it.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return f"{self.url}/{name}"


def _let_pass(folder: Path) -> None:
    """Have other users pass through the folders above `folder`; those that are ours alone, as root's home, say so."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if mode & 0o001:
            continue
        print(f"other users may now pass through {parent}, as PostgreSQL does not run as root", file=sys.stderr)
        parent.chmod(mode | 0o011)


def _bin_folder() -> Path:
    """Where initdb and postgres are. Debian keeps them out of PATH. Raises StackError."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if initdb is None:
        raise StackError("PostgreSQL is not installed: sh stack/install_packages.sh postgresql")
    return Path(initdb).parent
