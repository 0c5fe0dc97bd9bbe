"""Numbers in the data of events, for conditions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles


class NumberIn(sa.ColumnElement[int]):
    """The whole number under these names within each other in the JSON `data`: NumberIn(data, "data", "post") is 7 in
    `{"id":3,"data":{"post":7}}`. NULL where there is none; on SQLite whatever else there is.
    """

    type = sa.BigInteger()
    inherit_cache = False

    def __init__(self, data: Any, *names: str) -> None:
        assert all(name.isascii() and name.isalpha() for name in names), names
        self.data, self.names = data, names


@compiles(NumberIn, "sqlite")
def _of_sqlite(element: NumberIn, compiler: Any, **options: Any) -> str:
    return f"json_extract({compiler.process(element.data, **options)}, '$.{'.'.join(element.names)}')"


@compiles(NumberIn, "postgresql")
def _of_postgresql(element: NumberIn, compiler: Any, **options: Any) -> str:
    text = f"CAST({compiler.process(element.data, **options)} AS jsonb) #>> '{{{','.join(element.names)}}}'"
    return f"CAST(substring({text} FROM '^[0-9]{{1,18}}$') AS bigint)"
