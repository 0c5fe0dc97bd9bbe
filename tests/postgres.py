"""A PostgreSQL of our own for the tests, and the databases in it."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stack import Postgres

TEMPLATE = "with_all_tables"


class PostgresServer(Postgres):
    """On a free port, in `folder`, without fsync.

    `make_tables` is given the URL of a new database, once: all others are copies of it.
    """

    def __init__(self, folder: Path, make_tables: Callable[[str], None]) -> None:
        super().__init__(folder, fsync=False, max_connections=300)
        self._make_tables = make_tables
        self._has_template = False

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
            return self._copy("template1")
        if not self._has_template:
            self._make_tables(self.database(TEMPLATE))
            self._has_template = True
        return self._copy(TEMPLATE)

    def _copy(self, template: str) -> str:
        name = f"test_{secrets.token_hex(4)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"{self.url}/{name}"

    def drop(self, url: str) -> None:
        """The database is gone, whoever still uses it."""
        self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")


#: `make test-postgres` sets it: whatever does not say which database it is for is run on PostgreSQL.
IS_DEFAULT = os.environ.get("MYAPP_TEST_DATABASE") == "postgresql"

_shared: list[PostgresServer] = []
#: the database that stands for the SQLite file of a folder
_databases: dict[Path, str] = {}


def shared(make_tables: Callable[[str], None]) -> PostgresServer:
    """The one server of this process; it ends with the process."""
    if not _shared:
        folder = Path(tempfile.mkdtemp(prefix="myapp-postgres-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
        folder.chmod(0o711)
        server = PostgresServer(folder, make_tables)
        server.start()
        _shared.append(server)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(server.kill)
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
