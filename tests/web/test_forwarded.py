"""Behind a proxy: the client's address and scheme are where they count."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support import PASSWORD
from .conftest import Browser, Site, open_site

HEADERS = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


@pytest.fixture
def untrusting(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    """The application where no proxy is trusted."""
    yield from open_site(tmp_path, empty_database, TRUSTED_PROXIES="none")


def sign_in(site: Site, headers: dict[str, str]) -> str:
    """Sign in with these headers; gives the cookie of the session."""
    site.people.add("ann", password=True)
    browser = Browser(site.app, "ann")
    browser.page("/auth/login")
    fields = {"username": "ann", "password": PASSWORD, "csrf_token": browser.csrf}
    answer = browser.client.post("/auth/login", data=fields, headers=headers)
    assert answer.status_code == 303, answer.text
    return next(value for value in answer.headers.getlist("Set-Cookie") if "myapp_session" in value)


def test_a_session_has_the_clients_address(site: Site) -> None:
    sign_in(site, HEADERS)
    assert "203.0.113.9" in str(site.rows("sessions"))


def test_a_cookie_given_over_https_goes_over_https_alone(site: Site) -> None:
    cookie = sign_in(site, HEADERS)
    assert "; Secure" in cookie


def test_a_cookie_given_over_http_goes_anywhere(site: Site) -> None:
    cookie = sign_in(site, {})
    assert "; Secure" not in cookie


def test_where_none_is_trusted_no_header_counts(untrusting: Site) -> None:
    cookie = sign_in(untrusting, HEADERS)
    assert "203.0.113.9" not in str(untrusting.rows("sessions"))
    assert "; Secure" not in cookie


def test_the_access_log_has_the_clients_address(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "myapp.access"):
        site.guest().get("/healthz", headers=HEADERS)
    assert '203.0.113.9 "GET /healthz"' in caplog.text


def test_the_language_is_kept_in_a_cookie_for_https_too(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/login")
    answer = browser.client.post("/language", data={"csrf_token": browser.csrf, "language": "zh"}, headers=HEADERS)
    assert "; Secure" in answer.headers["Set-Cookie"]
