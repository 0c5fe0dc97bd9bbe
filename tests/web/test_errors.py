"""Errors: one shape for programs, a page for browsers, and never the details of what failed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy.exc
from limits import parse

from myapp.extensions import limiter

from ..support import PASSWORD
from .conftest import HTML, Browser, Site, is_problem, open_site


def test_error_is_a_page_where_a_browser_asks_for_one(site: Site) -> None:
    answer = site.guest().get("/nothing", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "404" in answer.text
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("accept", ["*/*", "application/json", "", "application/problem+json", "text/plain", "x/y;q=z"])
def test_error_is_json_for_everybody_else(accept: str, site: Site) -> None:
    is_problem(site.guest().get("/nothing", headers={"Accept": accept}), 404)


def test_what_the_caller_wrote_is_escaped_in_the_page(site: Site) -> None:
    browser = site.browser("alice")
    answer = browser.get("/chats/<script>alert(1)<%2Fscript>", headers=HTML)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", ["/", "/chats/bob", "/account", "/chats/bob?before=3", "/?q=bo"])
def test_page_asks_to_sign_in_and_comes_back(path: str, site: Site) -> None:
    answer = site.guest().get(path, headers=HTML)
    assert answer.status_code == 302
    assert answer.location.startswith("/auth/login")


@pytest.mark.parametrize("path", ["/", "/chats/bob", "/account"])
def test_page_is_refused_to_a_program_that_is_not_signed_in(path: str, site: Site) -> None:
    is_problem(site.guest().get(path), 401)


def test_form_of_who_is_not_signed_in_is_not_sent_on(site: Site) -> None:
    answer = site.guest().open("/chats/bob", "POST", data={"body": "hi"}, headers=HTML)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")


class Fault:
    """Has every read of the database raise."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        self.error = error
        database = site.app.extensions["myapp"].database
        for name in ("read", "snapshot", "transaction"):
            monkeypatch.setattr(database, name, self._fail)

    def _fail(self) -> Any:
        raise self.error


def database_errors() -> list[Exception]:
    import psycopg

    return [
        sqlite3.OperationalError("disk I/O error in /secret/place"),
        psycopg.OperationalError("server at 10.0.0.7 closed the connection"),
        sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("10.0.0.7")),
        sqlalchemy.exc.TimeoutError("QueuePool limit"),
    ]


@pytest.mark.parametrize("error", database_errors(), ids=lambda error: type(error).__module__)
def test_database_that_is_away_is_a_503_that_says_when_to_come_back(
    error: Exception, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (alice,) = site.programs("alice")
    Fault(site, monkeypatch, error)
    for answer in (
        alice.get("/messages/poll"),
        alice.get("/badges"),
        alice.post("/messages", {"to": "bob", "body": "hi"}),
    ):
        is_problem(answer, 503)
        assert str(error) not in answer.text


def test_page_of_a_database_that_is_away_needs_no_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser("alice")
    Fault(site, monkeypatch, sqlite3.OperationalError("gone"))
    answer = browser.get("/", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/account", 405)])
@pytest.mark.parametrize("error", [*database_errors(), ZeroDivisionError()], ids=lambda error: type(error).__module__)
def test_address_that_does_not_fit_is_told_without_a_database(
    method: str,
    path: str,
    status: int,
    error: Exception,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    browser = site.browser("alice")
    assert "Sign out" in browser.open(path, method, headers=HTML).text
    Fault(site, monkeypatch, error)
    answer = browser.open(path, method, headers=HTML)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert "Sign out" not in answer.text
    assert not any(record.exc_info for record in caplog.records)
    is_problem(browser.open(path, method), status)


def test_unexpected_failure_is_logged_and_told_without_details(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (alice,) = site.programs("alice")
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    Fault(site, monkeypatch, ZeroDivisionError("a detail"))
    answer = alice.get("/badges")
    is_problem(answer, 500)
    assert "a detail" not in answer.text
    assert "a detail" in caplog.text


# -- headers


@pytest.mark.parametrize("path", ["/messages/poll", "/badges", "/nothing", "/users", "/healthz", "/metrics", "/ws"])
def test_data_is_not_sniffed_and_not_kept(path: str, site: Site) -> None:
    (alice,) = site.programs("alice")
    headers = alice.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Date"].endswith(" GMT")


def test_line_of_the_access_log_has_the_path_and_no_query(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    (alice,) = site.programs("alice")
    with caplog.at_level("INFO", "myapp.access"):
        alice.get("/users?q=secret")
        alice.get("/users/a%0Ab")
    lines = [record.getMessage() for record in caplog.records if record.name == "myapp.access"]
    assert '"GET /users" 200' in lines[0]
    assert "secret" not in caplog.text
    assert "\n" not in lines[1]


# -- limits of requests


@pytest.fixture
def limited(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, RATE_LIMITS="on")


def test_guessing_passwords_of_one_name_is_slowed_down(limited: Site) -> None:
    limited.people.add("alice", "bob", password=True)
    browser = limited.guest()
    browser.page("/auth/login")
    statuses = [
        browser.submit("/auth/login", username="alice", password=f"wrong {number}").status_code for number in range(11)
    ]
    assert statuses == [422] * 10 + [429]
    answer = browser.client.post(
        "/auth/login", data={"csrf_token": browser.csrf, "username": "alice", "password": PASSWORD}
    )
    is_problem(answer, 429)
    assert Browser(limited.app, "bob").sign_in().get("/auth/me").get_json()["name"] == "bob"


def test_signing_in_rightly_does_not_count(limited: Site) -> None:
    limited.people.add("alice", password=True)
    for _ in range(12):
        assert Browser(limited.app, "alice").sign_in().get("/auth/me").status_code == 200


def test_messages_from_the_page_count_with_all_others(limited: Site) -> None:
    limited.people.add("alice", "bob", password=True)
    alice = Browser(limited.app, "alice").sign_in()
    limiter.limiter.hit(parse("1200/minute"), "user/1", "messages", cost=1198)
    statuses = [alice.post("/messages", {"to": "bob", "body": ""}).status_code]
    statuses += [alice.submit("/chats/bob", body="").status_code for _ in range(2)]
    statuses += [alice.post("/messages", {"to": "bob", "body": "hi"}).status_code]
    assert statuses == [422, 422, 429, 429]


def test_each_person_has_a_limit_of_their_own_for_what_is_asked_most(limited: Site) -> None:
    limited.people.add("alice", "bob", password=True)
    alice, bob = Browser(limited.app, "alice").sign_in(), Browser(limited.app, "bob").sign_in()
    statuses = [alice.post("/messages/typing", {"to": "bob"}).status_code for _ in range(121)]
    assert statuses == [204] * 120 + [429]
    refused = alice.post("/messages/typing", {"to": "bob"})
    is_problem(refused, 429)
    assert "at most 120 in 60 s" in refused.get_json()["detail"]
    assert bob.post("/messages/typing", {"to": "alice"}).status_code == 204
    assert alice.post("/messages", {"to": "bob", "body": "hi"}).status_code == 201, "another limit"
