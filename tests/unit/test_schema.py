"""The migrations make the tables that the code describes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask

from myapp.db import Model, db
from myapp.schema import is_current, upgrade_schema

from ..support import make_app


def test_migrations_and_models_describe_the_same_tables(tmp_path: Path, database_url: str) -> None:
    app = make_app(tmp_path, database_url)
    with app.app_context(), db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Model.metadata)
    app.extensions["myapp"].database.close()
    assert differences == []


def test_upgrading_a_current_schema_changes_nothing(app: Flask) -> None:
    with app.app_context():
        assert is_current()
        before = sa.inspect(db.engine).get_table_names()
    upgrade_schema(app)
    with app.app_context():
        assert sa.inspect(db.engine).get_table_names() == before


def test_sqlite_writes_durably_and_keeps_foreign_keys(app: Flask) -> None:
    with app.extensions["myapp"].database.transaction() as transaction:
        pragmas = {
            name: transaction.driver.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("statement", ["DELETE FROM facts", "INSERT INTO facts VALUES ('a', 'b')"])
def test_connections_for_reading_cannot_write_on_sqlite(app: Flask, statement: str) -> None:
    import sqlite3

    with app.extensions["myapp"].database.read() as connection, pytest.raises(sqlite3.OperationalError):
        connection.driver.execute(statement)


def test_database_of_the_first_version_is_brought_up_and_back(app: Flask) -> None:
    from flask_migrate import downgrade, upgrade

    with app.app_context():
        downgrade(revision="0001")
        inspector = sa.inspect(db.engine)
        assert "pictures" not in inspector.get_table_names()
        assert "picture" not in {column["name"] for column in inspector.get_columns("users")}
        upgrade()
        assert is_current()
