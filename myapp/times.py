"""Times as a page shows them. The browser client has the same rules (static/live/times.js), and keeps them up.

Three styles: `clock` beside a message, whose day stands above it; `short` in lists; `day` between the days of a
conversation. What is less than an hour old is told by its age.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask_babel import gettext as _

MINUTE, HOUR = 60, 3600


def zone(name: str) -> ZoneInfo | None:
    """The time zone of that name (IANA, as a browser gives it), None where there is none."""
    if len(name) > 64 or not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown; a folder's name
        return None


def local_day(at: str, where: tzinfo) -> date:
    """The day there of an RFC 3339 time."""
    return datetime.fromisoformat(at).astimezone(where).date()


def show(at: str, style: str, where: tzinfo, locale: str, now: datetime | None = None) -> str:
    """An RFC 3339 time, or for the style `day` a date, in the words of the request's language."""
    now = (now or datetime.now(UTC)).astimezone(where)
    if style == "day":
        return _day(date.fromisoformat(at), now.date(), locale)
    time = datetime.fromisoformat(at).astimezone(where)
    age = (now - time).total_seconds()
    if age < MINUTE:  # or the clocks differ
        return str(_("now"))
    if age < HOUR:
        return str(_("%(minutes)s min ago", minutes=int(age // MINUTE)))
    if style == "clock" or time.date() == now.date():
        return f"{time:%H:%M}"
    return _day(time.date(), now.date(), locale, short=True)


def show_long(at: str, where: tzinfo) -> str:
    """All of it, for the title; in UTC it says so."""
    time = datetime.fromisoformat(at).astimezone(where)
    return f"{time:%Y-%m-%d %H:%M:%S}{' UTC' if where is UTC else ''}"


#: How dates are written, by language: in lists, between days, and both with the year. Browsers have the same.
_PATTERNS = {
    "en": ("d MMM", "EEEE d MMMM", "d MMM y", "EEEE, d MMMM y"),
    "zh": ("M月d日", "M月d日EEEE", "y年M月d日", "y年M月d日EEEE"),
}


def _day(day: date, today: date, locale: str, short: bool = False) -> str:
    age = (today - day).days
    if age == 0:
        return str(_("Today"))
    if age == 1:
        return str(_("Yesterday"))
    if short and 0 < age < 7:
        return str(format_date(day, "EEEE", locale=locale))
    patterns = _PATTERNS.get(locale[:2], _PATTERNS["en"])
    return str(format_date(day, patterns[(not short) + 2 * (day.year != today.year)], locale=locale))
