"""What a notice is about: the number under one name in its data, or in the data within its data.

`{"post":7,"by":"bob",...}` and `{"id":3,...,"data":{"post":7,...}}` are both about post 7.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

#: Of a text of JSON, for each dialect. What is no whole number there is nothing.
_SQL = {
    "sqlite": (
        "CASE 'integer' WHEN json_type({data}, '$.{what}') THEN json_extract({data}, '$.{what}') "
        "WHEN json_type({data}, '$.data.{what}') THEN json_extract({data}, '$.data.{what}') END"
    ),
    "postgresql": (
        "CAST(substring(coalesce(CAST({data} AS jsonb) ->> '{what}', CAST({data} AS jsonb) -> 'data' ->> '{what}') "
        "FROM '^[0-9]{{1,18}}$') AS bigint)"
    ),
}


class NumberIn(sa.ColumnElement[int]):
    """The number under the name `what` in the JSON `data`."""

    type = sa.BigInteger()
    inherit_cache = False

    def __init__(self, data: Any, what: str) -> None:
        assert what.isascii() and what.isalpha(), what
        self.data, self.what = data, what


@compiles(NumberIn)
def _compiled(element: NumberIn, compiler: Any, **options: Any) -> str:
    data = compiler.process(element.data, **options)
    return _SQL[compiler.dialect.name].format(data=data, what=element.what)
