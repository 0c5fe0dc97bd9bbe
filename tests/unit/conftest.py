"""A database with users, without HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gevent.socket
import pytest
import redis.connection
from flask import Flask

from myapp import inbox
from myapp.auth import people
from myapp.db import Database
from stack import Redis

from ..support import close_app, make_app, shared_postgres, sqlite_url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """One that tests leave running."""
    server = Redis(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def cooperative_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis's connections let gevent's loop run while they wait, as in a server, which is patched as a whole."""
    monkeypatch.setattr(redis.connection, "socket", gevent.socket)


class Store:
    """A database with users who have inboxes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers = itertools.count(1)

    def add(self, count: int = 1) -> list[int]:
        """New users, their ids in ascending order."""
        with self.database.transaction() as transaction:
            return [people.create(transaction, f"user{next(self._numbers)}", None).id for _ in range(count)]

    def append(
        self, user: int, count: int = 1, data: Mapping[str, Any] | None = None, badges: Mapping[str, int] | None = None
    ) -> None:
        """`count` events in one transaction."""
        with self.database.transaction() as transaction:
            inbox.lock(transaction, (user,))
            for _ in range(count):
                inbox.append(transaction, user, "note", data or {}, badges=badges)

    def after(self, user: int, cursor: int, epoch: str = "", limit: int = inbox.PAGE_EVENTS) -> inbox.Page:
        with self.database.read() as connection:
            return inbox.after(connection, user, cursor, epoch=epoch, limit=limit)

    def head(self, user: int) -> inbox.Head:
        with self.database.read() as connection:
            return inbox.head(connection, user)

    def write(self, sql: str) -> None:
        """Plain SQL, for what the application does not do yet."""
        with self.database.transaction() as transaction:
            transaction.driver.execute(sql)

    def count(self, table: str) -> int:
        with self.database.read() as connection:
            number: int = connection.driver.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            return number


def open_store(folder: Path, database_url: str | None = None) -> Iterator[Store]:
    app = make_app(folder, database_url)
    database: Database = app.extensions["myapp"].database
    yield Store(database)
    close_app(app)


#: Tables whose rows tests make, in an order in which they can be deleted.
EMPTIED = (
    *("tasks", "reports", "blocks", "post_events", "reactions", "posts"),
    *("mutes", "notifications", "announcements", "events", "inboxes", "conversations", "messages"),
    *("sessions", "tokens", "pictures", "users"),
)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kept_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application on a database of each kind, for all tests of this process that use `emptied`."""
    folder = tmp_path_factory.mktemp("kept")
    url = sqlite_url(folder) if request.param == "sqlite" else shared_postgres().new_database()
    app = make_app(folder, url)
    yield app
    close_app(app)


@pytest.fixture
def emptied(kept_app: Flask) -> Iterator[Store]:
    """A database of each kind with nobody in it, which others have used: to make a new one takes longer than a test.

    The users that `add` makes are called user1, user2 and so on; `notify` finds them.
    """
    database: Database = kept_app.extensions["myapp"].database
    with database.transaction() as transaction:
        for table in EMPTIED:
            transaction.driver.execute(f"DELETE FROM {table}")
    publish = database.publish
    with kept_app.app_context():
        yield Store(database)
    database.publish = publish


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    """A database of each kind."""
    yield from open_store(tmp_path, database_url)


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    """A SQLite database."""
    yield from open_store(tmp_path, sqlite_url(tmp_path))
