"""The migrations make the tables that the code describes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade

from myapp import create_app
from myapp.db import Model, db
from myapp.extensions import migrate
from myapp.schema import is_current, is_described, upgrade_schema

from ..support import ROOT, environment, make_app, shared_postgres, sqlite_url


def test_migrations_and_models_describe_the_same_tables(tmp_path: Path, database_url: str) -> None:
    app = make_app(tmp_path, database_url)
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_described})
        differences = compare_metadata(context, Model.metadata)
    app.extensions["myapp"].database.close()
    assert differences == []


#: Four processes, of one start, bring the database up to date at once; says their exit statuses.
UPGRADES = """
import os
from myapp import create_app
from myapp.schema import is_current, upgrade_schema
def migrate():
    app = create_app()
    upgrade_schema(app)
    with app.app_context():
        return is_current()
pids = []
for _ in range(4):
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = 0 if migrate() else 2
        finally:
            os._exit(status)
    pids.append(pid)
print([os.waitpid(pid, 0)[1] for pid in pids])
"""

#: A migration that does something before it fails.
FAILING = """
import sqlalchemy as sa
from alembic import op
revision = "9999"
down_revision = {head!r}
def upgrade():
    op.create_table("half", sa.Column("done", sa.Text))
    op.execute("INSERT INTO facts (name, value) VALUES ('half', 'done')")
    raise ZeroDivisionError
"""


@pytest.fixture
def empty_url(database_url: str) -> Iterator[str]:
    """A database of each kind without any table."""
    if database_url.startswith("sqlite"):
        yield database_url
        return
    url = shared_postgres().new_database(empty=True)
    yield url
    shared_postgres().drop(url)


def test_several_processes_bring_an_empty_database_up_to_date_at_once(tmp_path: Path, empty_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UPGRADES],
        env=environment(tmp_path, empty_url),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stdout == "[0, 0, 0, 0]\n", done.stderr


def test_migration_that_fails_leaves_nothing_half_done(tmp_path: Path, empty_url: str) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder)
    app = create_app(environment(tmp_path, empty_url), instance_path=str(tmp_path))
    with app.app_context():
        head = ScriptDirectory.from_config(migrate.get_config()).get_current_head()
        (folder / "versions" / "9999_failing.py").write_text(FAILING.format(head=head))
        for revision, tables in (("head", 0), (head, 1)):  # of an empty database, then of one that was current before
            if tables:
                upgrade(revision=revision)
            with pytest.raises(ZeroDivisionError):
                upgrade(directory=str(folder), revision="head")
            found = sa.inspect(db.engine).get_table_names()
            assert "half" not in found
            assert ("users" in found) == bool(tables)
        assert is_current()
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT name FROM facts").fetchall() == [("epoch",)]
    app.extensions["myapp"].database.close()


def test_upgrading_a_current_schema_changes_nothing(app: Flask) -> None:
    with app.app_context():
        assert is_current()
        before = sa.inspect(db.engine).get_table_names()
    upgrade_schema(app)
    with app.app_context():
        assert sa.inspect(db.engine).get_table_names() == before


@pytest.fixture
def lite_app(tmp_path: Path) -> Iterator[Flask]:
    """The application on SQLite."""
    app = make_app(tmp_path, sqlite_url(tmp_path))
    yield app
    app.extensions["myapp"].database.close()


def test_sqlite_writes_durably_and_keeps_foreign_keys(lite_app: Flask) -> None:
    with lite_app.extensions["myapp"].database.transaction() as transaction:
        pragmas = {
            name: transaction.driver.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("statement", ["DELETE FROM facts", "INSERT INTO facts VALUES ('a', 'b')"])
def test_connections_for_reading_cannot_write_on_sqlite(lite_app: Flask, statement: str) -> None:
    with lite_app.extensions["myapp"].database.read() as connection, pytest.raises(sqlite3.OperationalError):
        connection.driver.execute(statement)


def test_database_of_the_first_version_is_brought_up_and_back(app: Flask) -> None:
    with app.app_context():
        downgrade(revision="0001")
        inspector = sa.inspect(db.engine)
        assert "pictures" not in inspector.get_table_names()
        assert "picture" not in {column["name"] for column in inspector.get_columns("users")}
        upgrade()
        assert is_current()
