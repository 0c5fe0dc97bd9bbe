"""The database: two pools, and transactions that tell what they published after COMMIT.

SQLite (WAL, synchronous FULL) writes on one connection behind one lock and reads on a pool of its own, so that a
reader never waits for a writer. PostgreSQL has one pool for both. All connections are in the driver's autocommit mode
and every transaction is begun and ended by a statement of ours, so one piece of code serves both.

A transaction never yields to another greenlet between BEGIN and COMMIT on SQLite: no network, no sleep, no lock.
"""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase

from .errors import ConfigError, Text, Unavailable
from .statements import Statement

try:
    from . import postgres, postgres_pool
except ImportError:  # the extra "postgres" is not installed; SQLite needs nothing of it
    postgres = postgres_pool = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

#: How long a write waits for another process that holds SQLite's write lock, in seconds.
BUSY_PATIENCE = 10.0

#: What means "not now", and never that the request was wrong.
AWAY: tuple[type[Exception], ...] = (sqlite3.OperationalError, sa.exc.OperationalError, sa.exc.TimeoutError)
#: What a write is answered with while reads go on: busy, full or read-only.
READ_ONLY: tuple[type[Exception], ...] = (Unavailable, sqlite3.OperationalError)
if postgres is not None:
    AWAY += postgres.AWAY
    READ_ONLY += postgres.READ_ONLY
NOT_NOW: tuple[type[Exception], ...] = (Unavailable, *AWAY)

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Model, disable_autonaming=True)

Row = tuple[Any, ...]


class Connection:
    """A driver's connection, borrowed. Parameters are named, rows are tuples."""

    __slots__ = ("dialect", "driver")

    def __init__(self, driver: Any, dialect: str) -> None:
        self.driver = driver
        self.dialect = dialect

    def execute(self, what: Statement | str, values: Mapping[str, Any]) -> Any:
        """Run it and return the driver's cursor."""
        return self.driver.execute(*self._bound(what, values))

    def _bound(self, what: Statement | str, values: Mapping[str, Any]) -> tuple[str, Any]:
        """The SQL and its parameters as the driver takes them."""
        if isinstance(what, str):
            return what, () if self.dialect == "sqlite" else None
        sql, constants, names = what.compiled(self.dialect)
        if constants:
            values = {**constants, **values}
        return sql, values if names is None else [values[name] for name in names]

    def all(self, what: Statement, /, **values: Any) -> list[Row]:
        rows: list[Row] = self.execute(what, values).fetchall()
        return rows

    def one(self, what: Statement, /, **values: Any) -> Row | None:
        row: Row | None = self.execute(what, values).fetchone()
        return row

    def each(self, *asked: tuple[Statement | str, Mapping[str, Any]]) -> list[list[Row]]:
        """The rows of several statements, run in this order; on PostgreSQL in one round trip. One can be SQL as it is,
        which has no values in it but whole numbers and names.
        """
        if self.dialect == "sqlite":
            return [self.execute(what, values).fetchall() for what, values in asked]
        results = self.driver.execute_all([self._bound(what, values) for what, values in asked])
        return [result.fetchall() for result in results]

    def run(self, what: Statement, /, **values: Any) -> int:
        """Run it and say how many rows it changed."""
        count: int = self.execute(what, values).rowcount
        return count


class Transaction(Connection):
    """A write transaction. `before_commit` hooks may still write; `news` is handed to the publisher after COMMIT."""

    __slots__ = ("before_commit", "news", "state")

    def __init__(self, driver: Any, dialect: str) -> None:
        super().__init__(driver, dialect)
        self.before_commit: list[Callable[[], None]] = []
        self.news: list[Any] = []
        #: what a lower layer keeps for the length of the transaction, by its own name
        self.state: dict[str, Any] = {}

    def queue(self, what: Statement | str, /, **values: Any) -> None:
        """Run it, no matter what it answers: on PostgreSQL together with the next statement that is asked, or COMMIT.

        So a failure may be raised there. It can be SQL as it is, as in `each`.
        """
        if self.dialect == "sqlite":
            self.execute(what, values)
        else:
            self.driver.queue(*self._bound(what, values))

    def queue_many(self, what: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same of a statement made by `statements.many`, for all of these rows at once."""
        if not rows:
            return
        if self.dialect == "sqlite":
            self.driver.executemany(what.compiled(self.dialect).sql, rows)
        else:
            self.driver.queue(*self._bound(what, {"rows": msgspec.json.encode(rows).decode()}))


class Database:
    """Reads and write transactions. `publish` gets a committed transaction's news, in order of commit on SQLite.
    `pool` is the most connections to PostgreSQL.

    One instance serves the whole process. On SQLite it belongs to one process at a time for speed, not for safety:
    other processes (commands, jobs) may write too.
    """

    def __init__(self, reader: sa.Engine, writer: sa.Engine, pool: int) -> None:
        self.dialect = reader.dialect.name
        self.publish: Callable[[list[Any]], None] = lambda news: None
        self._reader = reader
        self._writer = writer
        self._pool: Any = None if self.dialect == "sqlite" else postgres_pool.Pool(reader, pool)
        self._write_lock = threading.Lock()
        #: SQLite's one connection for writes, once it was needed
        self._writing: Any = None
        #: device and inode of the file that it writes to
        self._file = (0, 0)
        #: the transaction that this greenlet or thread is in
        self._current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)
        #: idle connections for reads on SQLite: append and pop are atomic, and a read there never yields
        self._idle: list[sqlite3.Connection] = []

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reads, each statement on its own. Give it back before anything waits."""
        if self.dialect != "sqlite":
            with self._pool.session() as driver:
                yield Connection(driver, self.dialect)
            return
        try:
            driver = self._idle.pop()  # asked for and taken at once: threads may be here together
        except IndexError:
            driver = self._open()
        try:
            yield Connection(driver, self.dialect)
        finally:
            self._idle.append(driver)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection on which all statements see one state of the database."""
        with self.read() as connection:
            if self.dialect == "sqlite":
                connection.driver.execute("BEGIN")
            else:
                connection.driver.queue("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", ())
            try:
                yield connection
            finally:
                self._end(connection.driver, "ROLLBACK")

    @contextmanager
    def transaction(self, patience: float | None = None) -> Iterator[Transaction]:
        """A write transaction: committed when the block ends, rolled back when it raises.

        After COMMIT its news is published; a publisher that fails is logged and is not this caller's error.
        Raises Unavailable when others have kept SQLite's write lock for `patience` seconds (BUSY_PATIENCE), those in
        line here included.
        """
        if self.dialect == "sqlite":
            patience = BUSY_PATIENCE if patience is None else patience
            deadline = time.monotonic() + patience  # the wait for those before us counts too
            if not self._write_lock.acquire(timeout=patience):
                raise Unavailable(Text("The database is busy with another program's write; try again."))
            try:
                if self._writing is None:
                    self._writing = self._writer.raw_connection()
                    self._file = self._identity()
                self.check_file()
                driver = self._writing.driver_connection
                self._begin_immediate(driver, deadline)
                transaction = Transaction(driver, self.dialect)
                with self._ending(transaction):
                    yield transaction
            finally:
                self._write_lock.release()
        else:
            with self._pool.session() as driver:
                driver.queue("BEGIN", ())
                transaction = Transaction(driver, self.dialect)
                with self._ending(transaction):
                    yield transaction
        if transaction.news:
            try:
                self.publish(transaction.news)
            except Exception:  # safety net: the data is stored, and the sweep finds what was not announced
                log.exception("publishing failed; clients learn of %d event(s) from the sweep", len(transaction.news))

    def open(self) -> None:
        """Open the connection for writes ahead of its first use, which takes milliseconds. Not before a fork."""
        try:
            with self.transaction():
                pass
        except NOT_NOW as error:
            log.warning("the database cannot be written to at the moment: %s", error)

    def check_file(self) -> None:
        """Raises Unavailable when SQLite's file was moved or replaced: it would go on writing where nobody looks."""
        if self._writing is not None and self._identity() != self._file:
            raise Unavailable(Text("The database's file was moved or replaced: restart the server."))

    def _identity(self) -> tuple[int, int]:
        """Which file SQLite's path names now."""
        try:
            found = os.stat(self._writer.url.database or "")
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def use(self) -> tuple[int, int]:
        """Connections in use now, and how many there may be. Of SQLite the one for writes: a read is over at once."""
        if self.dialect == "sqlite":
            return int(self._write_lock.locked()), 1
        found: tuple[int, int] = self._pool.use()
        return found

    def close(self) -> None:
        """Close what is idle. Reads and transactions after this open connections anew."""
        while self._idle:
            self._idle.pop().close()
        with self._write_lock:
            writing, self._writing = self._writing, None
        if writing is not None:
            writing.close()
        if self._pool is not None:
            self._pool.close()
        self._writer.dispose()
        self._reader.dispose()

    @property
    def current(self) -> Transaction | None:
        """The transaction that the caller is in, for what wants to be part of it wherever it is called."""
        return self._current.get()

    @contextmanager
    def joined(self) -> Iterator[Transaction]:
        """The transaction that the caller is in, or where there is none, a new one."""
        transaction = self.current
        if transaction is not None:
            yield transaction
            return
        with self.transaction() as transaction:
            yield transaction

    @contextmanager
    def _ending(self, transaction: Transaction) -> Iterator[None]:
        before = self._current.set(transaction)
        try:
            yield
            for hook in transaction.before_commit:
                hook()
            transaction.driver.execute("COMMIT", ())
        except BaseException:
            self._end(transaction.driver, "ROLLBACK")
            raise
        finally:
            self._current.reset(before)

    @staticmethod
    def _end(driver: Any, how: str) -> None:
        """ROLLBACK, whatever state the connection is in."""
        try:
            driver.execute(how, ())
        except Exception as error:  # the connection is gone, or SQLite has rolled back by itself (disk full)
            log.warning("%s: %s", how, error)

    def _open(self) -> sqlite3.Connection:
        """One more connection for reads on SQLite. They are few: one, and one more for each thread that reads."""
        driver: sqlite3.Connection = sqlite3.connect(
            self._reader.url.database or "", timeout=1.0, isolation_level=None, check_same_thread=False
        )
        driver.execute("PRAGMA query_only = ON")
        return driver

    @staticmethod
    def _begin_immediate(driver: sqlite3.Connection, deadline: float) -> None:
        """BEGIN IMMEDIATE, waiting cooperatively: SQLite's own busy handler would stop the whole process."""
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise
                if time.monotonic() > deadline:
                    raise Unavailable(Text("The database is busy with another program's write; try again.")) from error
            time.sleep(random.uniform(0.001, 0.01))


def engine_options(url: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Flask-SQLAlchemy's SQLALCHEMY_ENGINE_OPTIONS and SQLALCHEMY_BINDS for `url`.

    Raises ConfigError where PostgreSQL's driver is not installed.
    """
    if url.startswith("sqlite"):
        options = {
            "connect_args": {"timeout": 0.0, "isolation_level": None, "check_same_thread": False},
            "hide_parameters": True,
        }
        return {**options, "pool_size": 5}, {"writer": {"url": url, **options, "pool_size": 1, "max_overflow": 0}}
    if postgres is None:
        raise ConfigError("MYAPP_DATABASE_URL is PostgreSQL's: install its driver, pip install 'myapp[postgres]'")
    return postgres.engine_options(url), {}


def set_up(engine: sa.Engine) -> None:
    """What every connection needs that this engine opens; on SQLite WAL, full durability, foreign keys."""
    if engine.dialect.name != "sqlite":
        postgres.set_up(engine)
        return

    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 1000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 0")


def now_ms() -> int:
    """Milliseconds since 1970 in UTC, as all times are stored."""
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """`2026-11-20T09:00:00.123Z` (RFC 3339 section 5.6)."""
    seconds, millis = divmod(ms, 1000)
    return f"{_whole_seconds(seconds)}.{millis:03d}Z"


_last_second: tuple[int, str] = (0, "1970-01-01T00:00:00")


def _whole_seconds(seconds: int) -> str:
    """Formatting is asked for the same second many times in a row."""
    global _last_second
    known, text = _last_second
    if known != seconds:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        _last_second = seconds, text
    return text
