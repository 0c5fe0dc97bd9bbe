"""What a line of the log shows, and what it never does."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import pytest
import sqlalchemy as sa

from myapp import access
from myapp.db import engine_options
from myapp.logs import TEXT, JsonFormatter, TextFormatter, drop_request_lines, is_json, tell_no_values, told

SECRET = "Failing row contains (7, my secret)"


class Refused(Exception):
    """As psycopg's errors are: the whole in words, and what the server says by parts."""

    class diag:
        message_primary = "null value violates not-null constraint"

    def __str__(self) -> str:
        return f"{self.diag.message_primary}\nDETAIL:  {SECRET}."


def failure() -> Any:
    """What `sys.exc_info()` says of an error that another one was made from."""
    try:
        try:
            raise Refused
        except Refused as error:
            raise sa.exc.IntegrityError("INSERT", {"body": SECRET}, error, hide_parameters=True) from error
    except sa.exc.IntegrityError:
        return sys.exc_info()


def record(message: str, *args: object, info: Any = None, name: str = "myapp.x") -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, info)
    assert tell_no_values(made)
    return made


def line(what: logging.LogRecord) -> dict[str, Any]:
    text = JsonFormatter().format(what)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_line_in_json_says_when_where_and_what() -> None:
    found = line(record("%s is\naway", "it"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found.pop("pid") > 1
    assert found == {"level": "WARNING", "logger": "myapp.x", "message": "it is\naway"}


def test_lone_surrogate_does_not_keep_a_line_from_the_log() -> None:
    assert line(record("a \ud800 b"))["message"] == "a \ud800 b"


def test_exception_is_a_field_of_its_line() -> None:
    found = line(record("failed", info=failure()))
    assert "Traceback" in found["exception"]
    assert "null value" in found["exception"]


@pytest.mark.parametrize("formatter", [TextFormatter(TEXT), JsonFormatter()], ids=["text", "json"])
def test_no_line_shows_the_row_that_postgresql_quotes(formatter: logging.Formatter) -> None:
    error = failure()[1]
    for what in (record("failed", info=failure()), record("failed: %s", error), record("%s failed: %s", "it", error)):
        text = formatter.format(what)
        assert "secret" not in text
        assert "null value violates" in text


def test_other_errors_are_told_as_they_are() -> None:
    assert told(ValueError("a\nb")) == "a\nb"
    assert told(ConnectionError()) == ""


@pytest.mark.parametrize("url", ["sqlite:////tmp/x", "postgresql+psycopg://u:p@h/n"])
def test_errors_of_statements_hide_their_parameters(url: str) -> None:
    options, binds = engine_options(url)
    assert all(given["hide_parameters"] for given in (options, *binds.values()))


def test_fields_of_the_access_log_are_fields_of_the_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "myapp.access"):
        access.log_parked("/messages/long-poll", "long-poll", "10.0.0.1", 0.0, 7, "request-7")
    found = line(caplog.records[0])
    assert found["message"] == "GET /messages/long-poll 200"
    assert {
        name: found[name] for name in ("method", "path", "status", "address", "user", "request_id", "transport")
    } == {
        "method": "GET",
        "path": "/messages/long-poll",
        "status": 200,
        "address": "10.0.0.1",
        "user": 7,
        "request_id": "request-7",
        "transport": "long-poll",
    }


def test_request_lines_of_the_development_server_are_dropped_and_its_greeting_kept() -> None:
    """They have the query, and so the ticket."""
    logged = '127.0.0.1 - - [20/Nov/2026 09:00:00] "%s" %s %s'
    assert not drop_request_lines(record(logged, "GET /messages/poll?ticket=x HTTP/1.1", "200", "-"))
    assert drop_request_lines(record("Running on http://127.0.0.1:5000"))


@pytest.mark.parametrize(("given", "found"), [({}, False), ({"MYAPP_LOG_FORMAT": " JSON"}, True)])
def test_format_is_a_setting(given: dict[str, str], found: bool) -> None:
    assert is_json(given) is found


@pytest.mark.parametrize("given", ["abcdefgh", "a" * 64, "0f8fad5b-d9cb.469f_a165"])
def test_id_that_looks_like_one_is_taken_over(given: str) -> None:
    assert access.id_of({"HTTP_X_REQUEST_ID": given}) == given


@pytest.mark.parametrize(
    "given", [None, "", "short", "a" * 65, "with a blank", "line\nbreak12", "ends in one\n", "ééééééééé"]
)
def test_other_requests_get_an_id_of_their_own(given: str | None) -> None:
    environ = {} if given is None else {"HTTP_X_REQUEST_ID": given}
    ids = {access.id_of(environ) for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{8,64}", one) for one in ids)
