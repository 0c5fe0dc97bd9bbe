"""Times as pages show them, by the same rules as in the browser (tests/js/times.test.mjs)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel

from myapp import times

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, locale_selector=lambda: "en")
    with app.test_request_context():
        yield


def ago(**age: float) -> str:
    return (NOON - timedelta(**age)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("style", ["clock", "short"])
@pytest.mark.parametrize(
    ("age", "text"),
    [(-300, "now"), (59, "now"), (60, "1 min ago"), (3599, "59 min ago"), (3600, "11:00")],
)
def test_what_is_less_than_an_hour_old_is_told_by_its_age(age: int, text: str, style: str) -> None:
    assert times.show(ago(seconds=age), style, UTC, "en", NOON) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-11-20T00:05:00.000Z", "00:05"),
        ("2026-11-19T23:55:00.000Z", "Yesterday"),
        ("2026-11-14T09:05:00.000Z", "Saturday"),
        ("2026-11-13T09:05:00.000Z", "13 Nov"),
        ("2026-09-06T09:05:00.000Z", "6 Sep"),
        ("2025-02-03T09:05:00.000Z", "3 Feb 2025"),
    ],
)
def test_in_a_list_an_older_time_is_as_short_as_it_can_be(at: str, text: str) -> None:
    assert times.show(at, "short", UTC, "en", NOON) == text


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("2026-11-20", "Today"),
        ("2026-11-19", "Yesterday"),
        ("2026-11-18", "Wednesday 18 November"),
        ("2025-02-03", "Monday, 3 February 2025"),
    ],
)
def test_days_have_names(day: str, text: str) -> None:
    assert times.show(day, "day", UTC, "en", NOON) == text


def test_chinese_days() -> None:
    assert times.show("2026-11-03", "day", UTC, "zh_Hans", NOON) == "11月3日星期二"
    assert times.show("2025-02-03T09:05:00.000Z", "short", UTC, "zh_Hans", NOON) == "2025年2月3日"


def test_a_day_is_the_reader_s_own() -> None:
    at = "2026-11-20T23:30:00.000Z"
    assert times.local_day(at, UTC).isoformat() == "2026-11-20"
    assert times.local_day(at, ZoneInfo("Asia/Shanghai")).isoformat() == "2026-11-21"


def test_all_of_a_time_says_so_where_it_is_utc() -> None:
    assert times.show_long("2026-11-20T23:30:00.000Z", UTC) == "2026-11-20 23:30:00 UTC"
    assert times.show_long("2026-11-20T23:30:00.000Z", ZoneInfo("Asia/Shanghai")) == "2026-11-21 07:30:00"


@pytest.mark.parametrize(
    "name", ["", "Nowhere/Town", "../../etc/passwd", "/etc/localtime", "Europe", "Europe/", "x" * 100, "a\x00b", "U\n"]
)
def test_a_name_that_is_no_zone_is_none(name: str) -> None:
    assert times.zone(name) is None


def test_a_zone_is_known_by_its_name() -> None:
    assert times.zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")
