"""PostgreSQL: connections that lose patience, and statements that travel together.

Statements run on psycopg's libpq (`psycopg.pq`) and not through its cursors: what needs no answer of its own (BEGIN,
most writes) goes out with the next one that does, each statement is prepared with its first use, and a greenlet waits
for the socket itself. A send through cursors took twice as much of the worker's time.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from gevent import monkey
from gevent.socket import wait_read, wait_readwrite
from psycopg import errors
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

Row = tuple[Any, ...]

#: Seconds that an answer may take. The server gives up before (`statement_timeout`); this is for one that stands still.
ANSWER_PATIENCE = 30.0

#: What libpq is told, in seconds but for the last, in ms. A server that cannot be reached any more is given up after
#: some 25 s at the most: otherwise Linux goes on for a quarter of an hour.
CONNECTING = {
    "connect_timeout": 5,
    "application_name": "myapp",
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
#: What the server is told, in ms. No statement of ours takes a second. Who holds an inbox's lock keeps all others from
#: writing to that user, so a worker that stands still (stopped, its host gone) loses its transaction, and who waits for
#: a lock gives its connection back for requests that do not need it.
LIMITS = {"statement_timeout": 15_000, "lock_timeout": 5_000, "idle_in_transaction_session_timeout": 15_000}

#: What a prepared statement fails with whose tables were changed, or which somebody has deallocated.
_OUTDATED = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)

#: What means "not now", and never that the request was wrong: out of reach, starting, stopping, too many connections,
#: disk full, read-only (a standby), a deadlock, a lock that was not had in time. An outdated statement is prepared anew
#: by the next try.
AWAY: tuple[type[Exception], ...] = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    *_OUTDATED,
)
#: What means that it can be read at the moment and not written.
READ_ONLY: tuple[type[Exception], ...] = (errors.ReadOnlySqlTransaction, errors.DiskFull)

_bool, _bytea, _int8, _int2, _int4 = 16, 17, 20, 21, 23  # pg_type.dat
_LOADERS: dict[int, Callable[[bytes], Any]] = {
    _bool: lambda value: value == b"t",
    _bytea: lambda value: bytes.fromhex(value[2:].decode()),
    _int2: int,
    _int4: int,
    _int8: int,
}


def engine_options(url: str) -> dict[str, Any]:
    """Flask-SQLAlchemy's SQLALCHEMY_ENGINE_OPTIONS. What the URL says itself counts."""
    given = make_url(url).query
    limits = " ".join(f"-c {name}={value}" for name, value in LIMITS.items())
    wanted = {**CONNECTING, "options": limits}
    return {
        "isolation_level": "AUTOCOMMIT",
        "poolclass": NullPool,  # postgres_pool.py has them
        "hide_parameters": True,  # an error that is logged says no values
        "pool_reset_on_return": None,  # transactions end with a statement of ours
        "connect_args": {name: value for name, value in wanted.items() if name not in given},
    }


def set_up(engine: sa.Engine) -> None:
    """A session for each connection."""

    @sa.event.listens_for(engine, "connect")
    def begin_session(connection: psycopg.Connection[Any], record: Any) -> None:
        record.info["session"] = Session(connection)


class Result:
    """What a statement answered."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchall(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> Row | None:
        return self._rows.pop(0) if self._rows else None


class _Prepared:
    """A statement that has a name on this connection, and how its columns are read, once that is known."""

    __slots__ = ("is_known", "loaders", "name", "sql")

    def __init__(self, name: bytes, sql: str) -> None:
        self.name = name
        self.sql = sql
        self.is_known = False  # until the server has said so
        self.loaders: list[Callable[[bytes], Any]] | None = None


class Session:
    """One connection, in the hands of one greenlet at a time. After a failure that was not a statement's it is lost."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._libpq = connection.pgconn
        self._prepared: dict[str, _Prepared] = {}
        self._named = 0
        #: whose answers are to come, in order; a statement that is prepared on the way comes twice
        self._owed: list[_Prepared | None] = []
        self._is_lost = False
        connection.add_notice_handler(self._note)

    def _note(self, diagnostic: errors.Diagnostic) -> None:
        """Between statements a server that ends the connection says so in a notice."""
        if diagnostic.severity_nonlocalized in ("FATAL", "PANIC"):
            self._is_lost = True

    def is_alive(self) -> bool:
        """One look at the socket, without waiting and without asking the server."""
        try:
            self._libpq.consume_input()
            self._libpq.is_busy()  # reads what has come: a notice
        except psycopg.Error:
            return False
        return self._libpq.status == ConnStatus.OK and not self._is_lost

    def enter(self) -> None:
        """Before its first statement, after it was taken from the pool."""
        self._libpq.enter_pipeline_mode()

    def leave(self) -> bool:
        """Whether the connection may go back to the pool: nothing is owed, no transaction is open."""
        if self._owed or self._is_lost or self._libpq.transaction_status != TransactionStatus.IDLE:
            return False
        self._libpq.exit_pipeline_mode()
        return True

    def execute(self, sql: str, values: Sequence[Any] | None = None) -> Result:
        """Run it behind all that is queued; with `values` it is prepared, and from then on known by its text.

        Raises psycopg.Error: of the first statement that failed, whereupon none behind it was run.
        """
        return self.execute_all([(sql, values)])[0]

    def execute_all(self, asked: Sequence[tuple[str, Sequence[Any] | None]]) -> list[Result]:
        """Run these in one round trip, as `execute` runs one."""
        places = []
        for sql, values in asked:
            self.queue(sql, values)
            places.append(len(self._owed) - 1)
        self._libpq.pipeline_sync()
        results, error = self._answers()
        owed, self._owed = self._owed, []
        if error is not None:
            raise error
        return [_loaded(results[place], owed[place]) for place in places]

    def queue(self, sql: str, values: Sequence[Any] | None = None) -> None:
        """Have it run before whatever is executed next; its failure is raised there."""
        if self._is_lost:
            raise psycopg.OperationalError("the connection is lost")
        if values is None:
            self._libpq.send_query_params(sql.encode(), None)
            self._owed.append(None)
            return
        prepared = self._prepared.get(sql)
        if prepared is None:
            self._named += 1
            prepared = self._prepared[sql] = _Prepared(b"s%d" % self._named, sql)
            self._libpq.send_prepare(prepared.name, sql.encode())
            self._owed.append(prepared)
        self._libpq.send_query_prepared(prepared.name, *_encoded(values))
        self._owed.append(prepared)

    def _answers(self) -> tuple[list[PGresult], psycopg.Error | None]:
        """All that are owed, and the first failure."""
        self._is_lost = True  # until all is read, however this ends
        while self._libpq.flush():
            self._wait(is_writing=True)
            self._libpq.consume_input()  # the server may not read on before its answers are taken
        results: list[PGresult] = []
        error: psycopg.Error | None = None
        owed = iter(self._owed)
        while True:
            try:
                result = self._next()
            except psycopg.OperationalError as gone:
                raise error or gone from None  # a server that ends the connection has told why
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                self._is_lost = False
                return results, error
            statement = next(owed)
            if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
                if statement is not None:
                    statement.is_known = True
            else:
                error = error or errors.error_from_result(result)
                if statement is not None and (not statement.is_known or isinstance(error, _OUTDATED)):
                    self._prepared.pop(statement.sql, None)
            results.append(result)

    def _next(self) -> PGresult | None:
        """The next answer, or None between the answers of two statements."""
        while self._libpq.is_busy():
            self._wait()
            self._libpq.consume_input()
        if self._libpq.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        return self._libpq.get_result()

    def _wait(self, is_writing: bool = False) -> None:
        """Until the socket has something to read or, as wished, takes something."""
        late = psycopg.OperationalError(f"the server has not answered for {ANSWER_PATIENCE:g} s")
        if monkey.is_module_patched("socket"):
            (wait_readwrite if is_writing else wait_read)(self._libpq.socket, ANSWER_PATIENCE, late)
            return
        poll = select.poll()
        poll.register(self._libpq.socket, select.POLLIN | (select.POLLOUT if is_writing else 0))
        if not poll.poll(ANSWER_PATIENCE * 1000):
            raise late


def _encoded(values: Sequence[Any]) -> tuple[list[bytes | None], list[int]]:
    """Parameters for libpq, and which of them are binary: text, since a NUL in it must be refused and not end it."""
    data: list[bytes | None] = []
    formats: list[int] = []
    for value in values:
        is_binary = 0
        if value is None:
            data.append(None)
        elif isinstance(value, str):
            data.append(value.encode())
            is_binary = 1
        elif isinstance(value, bytes):
            data.append(value)
            is_binary = 1
        else:
            data.append(b"%d" % value)  # true and false as 1 and 0, which boolean takes
        formats.append(is_binary)
    return data, formats


def _loaded(result: PGresult, statement: _Prepared | None) -> Result:
    if result.status == ExecStatus.COMMAND_OK:
        return Result([], result.command_tuples or 0)
    loaders = statement.loaders if statement is not None else None
    if loaders is None:
        loaders = [_LOADERS.get(result.ftype(column), bytes.decode) for column in range(result.nfields)]
        if statement is not None:
            statement.loaders = loaders
    columns = list(enumerate(loaders))
    get = result.get_value
    rows = []
    for row in range(result.ntuples):
        values = []
        for column, load in columns:
            value = get(row, column)
            values.append(None if value is None else load(value))
        rows.append(tuple(values))
    return Result(rows, result.ntuples)
