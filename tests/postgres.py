"""A PostgreSQL of our own for the tests, and the databases in it."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .waiting import PATIENCE, free_port, wait_for

TEMPLATE = "with_all_tables"


class PostgresServer:
    """On a free port, in `folder`. It does not run as root, so as `postgres` where we are.

    `make_tables` is given the URL of a new database, once: all others are copies of it.
    """

    def __init__(self, folder: Path, make_tables: Callable[[str], None]) -> None:
        self.folder = folder / "postgres"
        self.port = free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._make_tables = make_tables
        self._has_template = False

    def start(self) -> PostgresServer:
        """Start it, again after `kill` or `stop` with the same data; it answers when this returns."""
        bin_folder = _postgres_bin()
        as_user: list[str] = []
        if os.geteuid() == 0:
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        data = self.folder / "data"
        if not data.exists():
            self._make_folder()
            subprocess.run(
                [*as_user, bin_folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
                check=True,
                capture_output=True,
                cwd="/",
            )
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "max_connections": 300,
        }
        with (self.folder.parent / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(*as_user, bin_folder / "postgres", "-D", data, "-p", str(self.port)),
                    *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
                ],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        wait_for(self._answers, "PostgreSQL to answer")
        return self

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
            for parent in self.folder.parents:  # pytest's folders are private to the user who runs it
                if parent == Path("/tmp") or parent == Path("/"):
                    break
                parent.chmod(parent.stat().st_mode | 0o011)

    def _answers(self) -> bool:
        import psycopg

        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, name: str = "postgres") -> Any:
        """A connection of the test's own, as the superuser, in autocommit."""
        import psycopg

        return psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres dbname={name}", autocommit=True)

    def run(self, sql: str) -> None:
        with self.connect() as connection:
            connection.execute(sql)

    def new_database(self, *, empty: bool = False) -> str:
        """The URL of a new database with all tables, or with none, and nobody in it."""
        if empty:
            return self._create("template1")
        if not self._has_template:
            self.run(f"CREATE DATABASE {TEMPLATE}")
            self._make_tables(f"{self.url}/{TEMPLATE}")
            self._has_template = True
        return self._create(TEMPLATE)

    def _create(self, template: str) -> str:
        name = f"test_{secrets.token_hex(4)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"{self.url}/{name}"

    def drop(self, url: str) -> None:
        """The database is gone, whoever still uses it."""
        self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        """At once, whoever is connected; what was committed is kept."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """kill -9, with all its processes."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self.process is None:
            return
        if number == signal.SIGKILL:
            # each of its processes leads a group of its own: without their parent they end by themselves, but later
            for pid in [self.process.pid, *self._children()]:
                os.kill(pid, number)
        else:
            self.process.send_signal(number)
        self.process.wait(PATIENCE)
        wait_for(lambda: not self._is_listening(), "PostgreSQL to be gone")
        self.process = None

    def _children(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def _is_listening(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0


def _postgres_bin() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    assert initdb, "PostgreSQL is not installed: sh tests/install_packages.sh"
    return Path(initdb).parent


#: `make test-postgres` sets it: whatever does not say which database it is for is run on PostgreSQL.
IS_DEFAULT = os.environ.get("MYAPP_TEST_DATABASE") == "postgresql"

_shared: list[PostgresServer] = []
#: the database that stands for the SQLite file of a folder
_databases: dict[Path, str] = {}


def shared(make_tables: Callable[[str], None]) -> PostgresServer:
    """The one server of this process; it ends with the process."""
    if not _shared:
        folder = Path(tempfile.mkdtemp(prefix="myapp-postgres-"))
        folder.chmod(0o711)
        server = PostgresServer(folder, make_tables).start()
        _shared.append(server)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(server.stop)
    return _shared[0]


def database_of(folder: Path, make_tables: Callable[[str], None]) -> str:
    """The folder's database: as with a file in it, who comes again finds what was there."""
    if folder not in _databases:
        _databases[folder] = shared(make_tables).new_database()
    return _databases[folder]


def forget(folder: Path) -> None:
    """Drop the databases of this folder and of those in it."""
    for one in [one for one in _databases if one == folder or folder in one.parents]:
        _shared[0].drop(_databases.pop(one))
