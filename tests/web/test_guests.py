"""Trying it as a guest: a made-up name, no password, kept by choosing one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from myapp.auth import guests

from ..support import PASSWORD
from .conftest import HTML, Browser, Site, is_problem, open_site

BUTTON = "Try it as a guest"


@pytest.fixture
def closed(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    """The application with MYAPP_GUESTS=off."""
    yield from open_site(tmp_path, empty_database, GUESTS="off")


@pytest.fixture
def limited(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, RATE_LIMITS="on")


def enter(browser: Browser, **fields: str) -> str:
    browser.page("/auth/login")
    answer = browser.submit("/auth/guest", **fields)
    assert answer.status_code == 303, answer.text
    browser.page("/account")
    return answer.location


def test_guest_is_signed_in_with_a_made_up_name(both_sites: Site) -> None:
    browser = both_sites.guest()
    assert enter(browser) == "/"
    me = browser.get("/auth/me").get_json()
    assert re.fullmatch(r"[a-z]+-[a-z]+-[1-9][0-9]", me["name"])
    assert me["display_name"] == " ".join(me["name"].split("-")[:2]).title()


def test_guest_gets_to_where_somebody_wanted_to_go(site: Site) -> None:
    site.people.add("bob")
    assert enter(site.guest(), next="/chats/bob") == "/chats/bob"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_guest_is_not_sent_elsewhere(target: str, site: Site) -> None:
    assert enter(site.guest(), next=target) == "/"


def test_guest_writes_messages_like_everybody(site: Site) -> None:
    (bob,) = site.programs("bob")
    browser = site.guest()
    enter(browser)
    assert browser.post("/messages", {"to": "bob", "body": "hi"}).status_code == 201
    assert len(bob.events()) == 1


def test_guest_without_the_csrf_token_is_refused(site: Site) -> None:
    is_problem(site.guest().client.post("/auth/guest"), 403)
    assert site.rows("users") == []


def test_name_that_is_taken_is_not_given_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "ADJECTIVES", ("calm",))
    monkeypatch.setattr(guests, "ANIMALS", ("otter",))
    monkeypatch.setattr(guests, "TRIES", 2)
    site.people.add(*(f"calm-otter-{number}" for number in range(10, 100)))
    browser = site.guest()
    enter(browser)
    me = browser.get("/auth/me").get_json()
    assert me["name"].startswith("calm-otter-")
    assert me["display_name"] == "Calm Otter"


@pytest.mark.parametrize("words", [guests.ADJECTIVES, guests.ANIMALS])
def test_words_are_short_and_there_once(words: tuple[str, ...]) -> None:
    assert len(words) == len(set(words)) >= 60
    assert all(re.fullmatch("[a-z]{2,9}", word) for word in words)


def test_every_name_can_be_one() -> None:
    assert max(map(len, guests.ADJECTIVES)) + max(map(len, guests.ANIMALS)) + 2 + 9 <= 32


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register"])
def test_button_is_shown_where_guests_are_let_in(path: str, site: Site) -> None:
    assert BUTTON in site.guest().page(path)


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register"])
def test_button_is_not_shown_where_guests_are_not_let_in(path: str, closed: Site) -> None:
    assert BUTTON not in closed.guest().page(path)


def test_guest_is_refused_where_guests_are_not_let_in(closed: Site) -> None:
    browser = closed.guest()
    browser.page("/auth/login")
    answer = browser.submit("/auth/guest")
    assert answer.status_code == 403
    assert "Guests are not let in" in answer.text
    assert closed.rows("users") == []


def test_many_guests_are_limited_and_keep_nobody_from_registering(limited: Site) -> None:
    browser = limited.guest()
    browser.page("/auth/login")
    for _ in range(60):
        is_problem(browser.open("/auth/guest", "POST", headers={"X-CSRFToken": "wrong"}), 403)
    is_problem(browser.open("/auth/guest", "POST"), 429)
    assert browser.submit("/auth/register", username="alice", password=PASSWORD).status_code == 303


def test_registrations_are_limited_for_each_address(limited: Site) -> None:
    browser = limited.guest()
    browser.page("/auth/register")
    for _ in range(120):
        assert browser.submit("/auth/register", username="-", password=PASSWORD).status_code == 422
    assert browser.submit("/auth/register", username="alice", password=PASSWORD).status_code == 429


def test_account_page_tells_a_guest_that_nobody_can_sign_in_again(site: Site) -> None:
    browser = site.guest()
    enter(browser)
    text = browser.page("/account")
    assert "You have no password yet" in text
    assert 'name="current_password"' not in text


def test_guest_keeps_the_account_by_choosing_a_password(site: Site) -> None:
    browser = site.guest()
    enter(browser)
    name = browser.get("/auth/me").get_json()["name"]
    assert browser.submit("/account/password", new_password=PASSWORD).status_code == 303
    assert Browser(site.app, name).sign_in().get("/auth/me").get_json()["name"] == name
    assert "You have no password yet" not in browser.page("/account")


def test_guest_cannot_sign_in_with_an_empty_password(site: Site) -> None:
    browser = site.guest()
    enter(browser)
    name = browser.get("/auth/me").get_json()["name"]
    other = site.guest()
    other.page("/auth/login")
    for password in ("", " ", "None", PASSWORD):
        answer = other.client.post(
            "/auth/login", data={"csrf_token": other.csrf, "username": name, "password": password}, headers=HTML
        )
        assert answer.status_code == 422
