"""What templates use to show things: times, days, links."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, g, request
from flask_babel import get_locale
from markupsafe import Markup

from . import times
from .links import linkify

#: The most of a message's text that a list of conversations shows, in code points.
EXCERPT = 200


def init_app(app: Flask) -> None:
    """Give the templates their filters."""
    app.jinja_env.filters.update(linkify=linkify, moment=moment, day=day, excerpt=excerpt)
    modules = _modules(Path(str(app.static_folder)))
    app.jinja_env.globals["modules"] = modules


def _modules(static: Path) -> list[str]:
    """The browser client's modules: named in the page, they load at once and not one after the other."""
    return sorted(str(path.relative_to(static)) for path in (static / "live").rglob("*.js"))


def viewer_zone() -> tzinfo:
    """The time zone of who looks, which the browser client keeps in a cookie; UTC where it is not known."""
    if "zone" not in g:
        g.zone = _zone(request.cookies.get("timezone", ""))
    found: tzinfo = g.zone
    return found


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    return times.zone(name) or UTC


def moment(at: str, style: str = "") -> Markup:
    """A time element for an RFC 3339 time; the browser client rewrites it for its time zone, and keeps it up."""
    where = viewer_zone()
    text = times.show(at, style, where, str(get_locale())) if style else times.show_long(at, where)
    attribute = Markup(' data-style="{}"').format(style) if style else Markup("")
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(at, times.show_long(at, where), attribute, text)


def day(at: str) -> dict[str, Any]:
    """The day of an RFC 3339 time: `date`, as in 2026-11-20, and what to call it."""
    date = times.local_day(at, viewer_zone()).isoformat()
    return {"date": date, "name": times.show(date, "day", viewer_zone(), str(get_locale()))}


def excerpt(body: str) -> str:
    return body[:EXCERPT]
