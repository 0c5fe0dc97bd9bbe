"""Alembic on the application's own engine: after a change of a table, `flask db migrate -m TEXT`."""

from __future__ import annotations

from alembic import context
from flask import current_app

from myapp.schema import is_described

db = current_app.extensions["migrate"].db
engine = db.engines.get("writer", db.engine)
is_sqlite = engine.dialect.name == "sqlite"

# one transaction for all migrations, begun by a statement of ours because the driver is in autocommit mode
# (myapp.db); who comes second waits and then finds nothing left to do
with engine.connect() as connection:
    connection.exec_driver_sql("PRAGMA busy_timeout = 30000" if is_sqlite else "SELECT 1")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
    if not is_sqlite:
        # myapp.postgres has requests give up after seconds; a migration, and who waits for one, may take long
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7236451)")
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        transactional_ddl=False,
        render_as_batch=is_sqlite,
        compare_type=True,
        include_name=is_described,
    )
    try:
        context.run_migrations()
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    finally:
        if is_sqlite:
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
