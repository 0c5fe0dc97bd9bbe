"""Statements: written once with SQLAlchemy Core, compiled once for each dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.compiler import compiles

_postgresql: Callable[..., Any] = postgresql.psycopg.dialect  # SQLAlchemy leaves its constructor untyped


class _SQLiteCompiler(SQLiteCompiler):
    """For the use of indexes over a part of a table."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """`with_hint(table, "INDEXED BY ...", "sqlite")`, which SQLAlchemy's own leaves out."""
        return text

    # as the conditions of indexes have them: SQLite does not see that `seen = 0` is `seen = false`

    def visit_true(self, expr: Any, **options: Any) -> str:
        return "true"

    def visit_false(self, expr: Any, **options: Any) -> str:
        return "false"


class _SQLite(SQLiteDialect_pysqlite):
    statement_compiler = _SQLiteCompiler
    supports_statement_cache = True


class Compiled(NamedTuple):
    """SQL, the values that were written into it as constants, and on PostgreSQL the parameters' names in order."""

    sql: str
    constants: dict[str, Any]
    names: Sequence[str] | None


class Statement:
    """SQL written once with SQLAlchemy Core, compiled once for each dialect, run on the driver itself.

    `build` is called with the dialect's own `insert`, for ON CONFLICT. Only plain values (int, str, None, bool) go in
    and come out: nothing is converted.
    """

    __slots__ = ("_build", "_compiled")

    def __init__(self, build: Callable[[Any], Any]) -> None:
        self._build = build
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: str) -> Compiled:
        compiled = self._compiled.get(dialect)
        if compiled is None:
            if dialect == "sqlite":
                core = self._build(sqlite.insert).compile(dialect=_SQLite(paramstyle="named"))
            else:
                core = self._build(postgresql.insert).compile(dialect=_postgresql(paramstyle="numeric_dollar"))
            constants = {name: bind.value for bind, name in core.bind_names.items() if not bind.required}
            compiled = self._compiled[dialect] = Compiled(str(core), constants, core.positiontup)
        return compiled


def statement(core: Any) -> Statement:
    """A statement that needs no ON CONFLICT."""
    return Statement(lambda insert: core)


def given(table: sa.Table, *names: str, prefix: str = "") -> dict[str, Any]:
    """For `insert().values()`: a parameter for each of these columns, by the column's name with `prefix` before it."""
    return {name: sa.bindparam(prefix + name, type_=table.c[name].type) for name in names}


def many(table: sa.Table, *names: str, then: Callable[[Any], Any] = lambda insert: insert) -> Statement:
    """An INSERT of any number of rows with these columns, for `Transaction.queue_many`. `then` adds what comes behind:
    ON CONFLICT, with the row as `insert.excluded`.
    """

    def build(insert: Any) -> Any:
        if insert is sqlite.insert:
            return then(insert(table).values(given(table, *names)))
        columns = [sa.column(name, table.c[name].type) for name in names]
        text = sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
        rows = sa.func.json_to_recordset(text).table_valued(*columns).render_derived(with_types=True)
        return then(insert(table).from_select(names, sa.select(*rows.c)))

    return Statement(build)


class Now(sa.ColumnElement[int]):
    """`now_ms()` when the statement runs, by the database's clock: after the locks that it waited for."""

    type = sa.BigInteger()


@compiles(Now, "sqlite")
def _now_of_sqlite(element: Now, compiler: Any, **options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)"


@compiles(Now, "postgresql")
def _now_of_postgresql(element: Now, compiler: Any, **options: Any) -> str:
    return "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
