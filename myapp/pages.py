"""What templates use to show things: texts, times, days, links. A page has hundreds of them, so each costs little."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any

from flask import Flask, g, request
from flask_babel import get_locale, get_translations
from markupsafe import Markup, escape

from . import times
from .links import linkify

#: The most of a message's text that a list of conversations shows, in code points.
EXCERPT = 200
#: Of a file's size.
UNITS = ("B", "kB", "MB", "GB", "TB")


def init_app(app: Flask) -> None:
    """Give the templates their filters, and the way to their texts. Call it after Babel's `init_app`."""
    env = app.jinja_env
    env.filters.update(linkify=linkify, moment=moment, day=day, day_name=day_name, excerpt=excerpt)
    env.filters.update(place=place, is_elsewhere=is_elsewhere, size=size)
    env.add_extension("jinja2.ext.i18n")
    # Flask-Babel's own look for the request and its locale at each text
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
        gettext=lambda text: _translations().ugettext(text),
        ngettext=lambda one, many, number: _translations().ungettext(one, many, number),
        newstyle=True,
    )


def _translations() -> Any:
    if "translations" not in g:
        g.translations = get_translations()
    return g.translations


def viewer_zone() -> tzinfo:
    """The time zone of who looks, which the browser client keeps in a cookie; UTC where it is not known."""
    if "zone" not in g:
        g.zone = _zone(request.cookies.get("timezone", ""))
    found: tzinfo = g.zone
    return found


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    return times.zone(name) or UTC


def _locale() -> str:
    if "locale" not in g:
        g.locale = str(get_locale())
    found: str = g.locale
    return found


def moment(at: str, style: str = "") -> Markup:
    """A time element for an RFC 3339 time; the browser client rewrites it for its time zone, and keeps it up."""
    where = viewer_zone()
    whole = times.show_long(at, where)
    text = escape(times.show(at, style, where, _locale())) if style else whole
    kind = f' data-style="{style}"' if style else ""
    # `at` is of the database and `style` of a template: neither is anybody's text
    return Markup(f'<time datetime="{at}" title="{whole}"{kind}>{text}</time>')


def day(at: str) -> str:
    """The day of an RFC 3339 time, as in 2026-11-20."""
    return times.local_day(at, viewer_zone()).isoformat()


def day_name(date: str) -> str:
    """What to call it."""
    return times.show(date, "day", viewer_zone(), _locale())


def excerpt(body: str) -> str:
    return body[:EXCERPT]


def size(count: int) -> str:
    """Of a file, as in 1.4 MB."""
    number, unit = float(count), 0
    while number >= 999.5 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.{1 if unit and number < 9.95 else 0}f} {UNITS[unit]}"


def place(url: str) -> str:
    """Where a notice leads: a path is below the application's root, as in events."""
    return url if is_elsewhere(url) else request.script_root + url


def is_elsewhere(url: str) -> bool:
    """Whether it is an address of its own, and no path of this site."""
    return not url.startswith("/")
