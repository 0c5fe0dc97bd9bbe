"""Badges in statements over many inboxes: the same as in badges.py, counted by the database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from .badges import BADGES, MOST_OWN

#: Of a JSON object `{badges}` and a name `{name}`, for each dialect. Names are of letters, digits and dashes.
_HAS = {
    "sqlite": "(json_type({badges}, '$.\"' || {name} || '\"') IS NOT NULL)",
    "postgresql": "jsonb_exists(CAST({badges} AS jsonb), {name})",
}
_ONE_MORE = {
    "sqlite": (
        "json_set({badges}, '$.\"' || {name} || '\"', "
        "coalesce(json_extract({badges}, '$.\"' || {name} || '\"'), 0) + 1)"
    ),
    "postgresql": (
        "jsonb_set(CAST({badges} AS jsonb), ARRAY[{name}], "
        "to_jsonb(coalesce(CAST(CAST({badges} AS jsonb) ->> {name} AS bigint), 0) + 1))::text"
    ),
}
_COUNT = {
    "sqlite": "(SELECT count(*) FROM json_each({badges}))",
    "postgresql": "(SELECT count(*) FROM jsonb_object_keys(CAST({badges} AS jsonb)))",
}
_standing = ", ".join(f"'{name}'" for name in BADGES)
_CLEARED = {
    "sqlite": (
        f"(SELECT json_group_object(key, value) FROM json_each({{badges}}) WHERE value <> 0 OR key IN ({_standing}))"
    ),
    "postgresql": (
        "(SELECT jsonb_object_agg(key, value)::text FROM jsonb_each(CAST({badges} AS jsonb)) "
        f"WHERE value <> '0' OR key IN ({_standing}))"
    ),
}


class _OfBadges(sa.ColumnElement[Any]):
    """SQL made of badges and a name."""

    inherit_cache = False

    def __init__(self, sql: dict[str, str], type_: Any, badges: Any, name: Any = None) -> None:
        self.sql, self.type, self.badges, self.name = sql, type_, badges, name


@compiles(_OfBadges)
def _compiled(element: _OfBadges, compiler: Any, **options: Any) -> str:
    badges = compiler.process(element.badges, **options)
    name = "" if element.name is None else compiler.process(element.name, **options)
    return element.sql[compiler.dialect.name].format(badges=badges, name=name)


def has(badges: Any, name: Any) -> sa.ColumnElement[bool]:
    """Whether there is such a badge, at 0 or more."""
    return _OfBadges(_HAS, sa.Boolean(), badges, name)


def has_no_room(badges: Any, name: Any) -> sa.ColumnElement[bool]:
    """Whether it would be one too many."""
    return sa.and_(~has(badges, name), _OfBadges(_COUNT, sa.Integer(), badges) >= len(BADGES) + MOST_OWN)


def one_more(badges: Any, name: Any) -> sa.ColumnElement[str]:
    """The badges with one more of `name`; where that is NULL as they are."""
    return sa.case((name.is_(None), badges), else_=_OfBadges(_ONE_MORE, sa.Text(), badges, name))


def cleared(badges: Any) -> sa.ColumnElement[str]:
    """The badges without those of one's own that count nothing."""
    return _OfBadges(_CLEARED, sa.Text(), badges)
