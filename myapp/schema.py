"""Bringing the database's schema up to date, before the application serves or a command runs."""

from __future__ import annotations

import logging
import time
from functools import cache

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.exc import OperationalError

from .db import db
from .errors import ConfigError
from .extensions import database, migrate

log = logging.getLogger(__name__)

#: Seconds between two looks at a database that does not answer.
LOOK_EVERY = 0.5


def upgrade_schema(app: Flask, *, is_patient: bool = False) -> None:
    """Apply the migrations that are missing. Several processes may do so at once: one does, the others wait.

    Raises ConfigError when the database cannot be opened; with `is_patient` it waits until it can.
    """
    is_waiting = False
    while True:
        try:
            _upgrade(app)
            return
        except ConfigError as error:
            if not is_patient:
                raise
            if not is_waiting:
                log.warning("%s; waiting for it", error)
            is_waiting = True
            time.sleep(LOOK_EVERY)


def _upgrade(app: Flask) -> None:
    with app.app_context():
        try:
            if not is_current():
                upgrade()
        except OperationalError as error:
            raise ConfigError(f"MYAPP_DATABASE_URL: the database cannot be used: {error.orig}") from error
        database().close()  # nothing opened here may be shared with a forked worker


def is_current() -> bool:
    """Whether the database stands at the newest migration."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest()


@cache
def newest() -> str | None:
    """The newest migration of the code that runs."""
    return ScriptDirectory.from_config(migrate.get_config()).get_current_head()


def is_described(name: str | None, kind: str, parents: object) -> bool:
    """Whether a table is to be as models describe it: the indexes of searching are each database's own kind."""
    return kind != "table" or not (name or "").startswith(("messages_words", "posts_words"))
