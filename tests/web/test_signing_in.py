"""Signing up, in and out; sessions."""

from __future__ import annotations

import re

import pytest

from ..support import PASSWORD
from .conftest import HTML, Browser, Site, is_problem

DAY = 24 * 3600 * 1000


def me(browser: Browser) -> str | None:
    answer = browser.get("/auth/me")
    return answer.get_json()["name"] if answer.status_code == 200 else None


# -- signing up


def test_new_user_is_signed_in_at_once(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/register")
    answer = browser.submit("/auth/register", username="Alice", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")
    assert me(browser) == "alice"


def test_new_user_has_an_empty_inbox(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/register")
    browser.submit("/auth/register", username="alice", password=PASSWORD)
    assert browser.get("/messages/poll").get_json()["latest"] == 0


def test_password_is_stored_as_argon2id_and_nowhere_in_clear(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/register")
    browser.submit("/auth/register", username="alice", password=PASSWORD)
    stored = repr(site.stored())
    assert "$argon2id$" in stored
    assert PASSWORD not in stored


def test_same_password_has_another_hash_for_another_user(site: Site) -> None:
    for name in ("alice", "bob"):
        browser = site.guest()
        browser.page("/auth/register")
        browser.submit("/auth/register", username=name, password=PASSWORD)
    hashes = {row[4] for row in site.rows("users")}
    assert len(hashes) == 2


@pytest.mark.parametrize("taken", ["alice", "ALICE", " alice "])
def test_name_that_is_taken_is_refused_on_the_page(taken: str, site: Site) -> None:
    site.people.add("alice")
    before = site.stored()
    browser = site.guest()
    browser.page("/auth/register")
    answer = browser.submit("/auth/register", username=taken, password=PASSWORD)
    assert answer.status_code == 409
    assert "taken" in answer.text
    assert site.stored() == before
    assert me(browser) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("", PASSWORD),
        ("a" * 33, PASSWORD),
        ("al ice", PASSWORD),
        ("al/ice", PASSWORD),
        (".alice", PASSWORD),
        ("alice.", PASSWORD),
        ("älice", PASSWORD),
        ("аlice", PASSWORD),  # a Cyrillic letter
        ("<b>", PASSWORD),
        ("a\x00b", PASSWORD),
        ("alice", ""),
        ("alice", "1234567"),
        ("alice", "x" * 1025),
        ("alice", "12345678\x00"),
    ],
)
def test_name_or_password_that_breaks_the_rules_is_refused_on_the_page(name: str, password: str, site: Site) -> None:
    before = site.stored()
    browser = site.guest()
    browser.page("/auth/register")
    answer = browser.submit("/auth/register", username=name, password=password)
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert site.stored() == before


@pytest.mark.parametrize("name", ["a", "7", "a.b-c_d", "x" * 32])
def test_every_name_within_the_rules_is_accepted(name: str, site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/register")
    assert browser.submit("/auth/register", username=name, password=PASSWORD).status_code == 303
    assert me(browser) == name


@pytest.mark.parametrize("path", ["/auth/register", "/auth/login"])
def test_form_without_its_csrf_token_is_refused(path: str, site: Site) -> None:
    site.people.add("alice", password=True)
    before = site.stored()
    answer = site.guest().client.post(path, data={"username": "alice", "password": PASSWORD})
    is_problem(answer, 403)
    assert site.stored() == before


# -- signing in


def test_right_password_signs_in(site: Site) -> None:
    assert me(site.browser("alice")) == "alice"


@pytest.mark.parametrize("name", ["ALICE", " alice "])
def test_names_do_not_tell_upper_from_lower_case(name: str, site: Site) -> None:
    site.people.add("alice", password=True)
    assert me(Browser(site.app, name).sign_in()) == "alice"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "wrong horse"),
        ("alice", PASSWORD + " "),
        ("alice", PASSWORD.upper()),
        ("nobody", PASSWORD),
        ("alice\x00", PASSWORD),
        ("without-password", PASSWORD),
        ("without-password", ""),
        ("", ""),
        ("alice", ""),
        ("alice", "x" * 60_000),
        ("alice' OR 1=1 --", PASSWORD),
    ],
)
def test_wrong_name_or_password_is_told_on_the_page(name: str, password: str, site: Site) -> None:
    site.people.add("alice", password=True)
    site.people.add("without-password")
    browser = site.guest()
    browser.page("/auth/login")
    answer = browser.submit("/auth/login", username=name, password=password)
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert me(browser) is None
    assert site.rows("sessions") == []


def test_unknown_name_and_wrong_password_are_answered_alike(site: Site) -> None:
    site.people.add("alice", password=True)

    def errors(name: str) -> list[str]:
        browser = site.guest()
        browser.page("/auth/login")
        page = browser.submit("/auth/login", username=name, password="wrong horse").text
        return re.findall(r'class="error"[^>]*>([^<]*)', page)

    assert errors("alice") == errors("nobody") != []


def test_password_is_never_given_back_in_the_page(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/login")
    answer = browser.submit("/auth/login", username="nobody", password="a secret of mine")
    assert "a secret of mine" not in answer.text


def test_signing_in_makes_a_new_session_and_ends_the_one_before(site: Site) -> None:
    browser = site.browser("alice")
    (before,) = site.rows("sessions")
    old = browser.client.get_cookie("myapp_session")
    browser.sign_in()
    (after,) = site.rows("sessions")
    assert after[0] != before[0]
    assert old is not None
    thief = site.guest()
    thief.client.set_cookie("myapp_session", old.value)
    assert me(thief) is None


def test_session_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    browser = site.browser("alice")
    cookie = browser.client.get_cookie("myapp_session")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_cookie_that_was_tampered_with_is_nobodys(site: Site) -> None:
    browser = site.browser("alice")
    cookie = browser.client.get_cookie("myapp_session")
    assert cookie is not None
    for value in (cookie.value[:-3] + "abc", "x", "", cookie.value[::-1]):
        thief = site.guest()
        thief.client.set_cookie("myapp_session", value)
        is_problem(thief.get("/auth/me"), 401)


def test_session_is_stored_as_a_hash_only(site: Site) -> None:
    browser = site.browser("alice")
    with browser.client.session_transaction() as session:
        key = session["_user_id"]
    assert key not in repr(site.stored())


# -- where one goes after signing in


def test_ticket_is_not_carried_along_to_the_page_for_signing_in(site: Site) -> None:
    answer = site.guest().get("/notifications?before=3&ticket=ticket_x", headers=HTML)
    assert answer.location == "/auth/login?next=/notifications"


@pytest.mark.parametrize("target", ["/chats/bob", "/account", "/?q=bo", "/chats/bob?before=3"])
def test_one_returns_to_the_page_that_was_asked_for(target: str, site: Site) -> None:
    site.people.add("alice", password=True)
    browser = site.guest()
    answer = browser.client.get(target, headers=HTML)
    assert answer.status_code == 302
    assert answer.location.startswith("/auth/login?next=")
    browser.page(answer.location)
    page = browser.client.get(answer.location, headers=HTML).text
    hidden = re.search(r'name="next"[^>]*value="([^"]*)"', page)
    assert hidden
    answer = browser.submit("/auth/login", username="alice", password=PASSWORD, next=hidden[1].replace("&amp;", "&"))
    assert (answer.status_code, answer.location) == (303, target)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "http:evil.example",
        "",
    ],
)
def test_no_address_of_others_is_gone_to(target: str, site: Site) -> None:
    site.people.add("alice", password=True)
    browser = site.guest()
    browser.page("/auth/login")
    answer = browser.submit("/auth/login", username="alice", password=PASSWORD, next=target)
    assert (answer.status_code, answer.location) == (303, "/")


# -- signing out, and one's sessions


def test_signing_out_ends_the_session_everywhere_it_was_copied_to(site: Site) -> None:
    browser = site.browser("alice")
    cookie = browser.client.get_cookie("myapp_session")
    assert browser.post("/auth/logout").status_code == 204
    assert me(browser) is None
    assert cookie is not None
    copy = site.guest()
    copy.client.set_cookie("myapp_session", cookie.value)
    assert me(copy) is None
    assert site.rows("sessions") == []


def test_signing_out_by_the_form_shows_the_page_to_sign_in(site: Site) -> None:
    browser = site.browser("alice")
    browser.page("/")
    answer = browser.submit("/auth/logout")
    assert (answer.status_code, answer.location) == (303, "/auth/login")


def test_sessions_are_listed_with_the_one_that_asks_marked(site: Site) -> None:
    first = site.browser("alice")
    second = Browser(site.app, "alice").sign_in()
    listed = second.get("/auth/sessions").get_json()["sessions"]
    assert len(listed) == 2
    assert [session["current"] for session in sorted(listed, key=lambda session: session["id"])] == [False, True]
    assert all(session["address"] == "127.0.0.1" and session["created_at"].endswith("Z") for session in listed)
    assert len(first.get("/auth/sessions").get_json()["sessions"]) == 2


def test_other_session_can_be_ended(site: Site) -> None:
    first = site.browser("alice")
    second = Browser(site.app, "alice").sign_in()
    other = next(s["id"] for s in second.get("/auth/sessions").get_json()["sessions"] if not s["current"])
    assert second.open(f"/auth/sessions/{other}", "DELETE").status_code == 204
    assert (me(first), me(second)) == (None, "alice")


def test_all_sessions_can_be_ended_at_once(site: Site) -> None:
    first = site.browser("alice")
    second = Browser(site.app, "alice").sign_in()
    other = site.browser("bob")
    assert second.open("/auth/sessions/all", "DELETE").status_code == 204
    assert (me(first), me(second), me(other)) == (None, None, "bob")


def test_session_of_somebody_else_cannot_be_ended(site: Site) -> None:
    alice, bob = site.browser("alice"), site.browser("bob")
    (number,) = [s["id"] for s in alice.get("/auth/sessions").get_json()["sessions"]]
    is_problem(bob.open(f"/auth/sessions/{number}", "DELETE"), 404)
    assert me(alice) == "alice"


def test_session_not_used_for_thirty_days_has_ended(site: Site) -> None:
    browser = site.browser("alice")
    site.write(f"UPDATE sessions SET last_seen_at = last_seen_at - {30 * DAY + 1000}")
    assert me(browser) is None
    assert Browser(site.app, "alice").sign_in().get("/auth/sessions").get_json()["sessions"][0]["current"]


def test_use_keeps_a_session_alive(site: Site) -> None:
    browser = site.browser("alice")
    site.write(f"UPDATE sessions SET last_seen_at = last_seen_at - {29 * DAY}")
    assert me(browser) == "alice"
    site.write(f"UPDATE sessions SET last_seen_at = last_seen_at - {29 * DAY}")
    assert me(browser) == "alice"


def test_following_alone_does_not_count_as_use(site: Site) -> None:
    browser = site.browser("alice")
    site.write("UPDATE sessions SET last_seen_at = last_seen_at - 3600 * 1000")
    before = site.rows("sessions")
    assert browser.get("/messages/poll").status_code == 200
    assert browser.get("/messages/long-poll?timeout=0").status_code == 200
    assert site.rows("sessions") == before
    assert browser.get("/auth/me").status_code == 200
    assert site.rows("sessions") != before


def test_who_uses_the_site_all_the_time_does_not_write_all_the_time(site: Site) -> None:
    browser = site.browser("alice")
    before = site.rows("sessions")
    for _ in range(3):
        assert me(browser) == "alice"
    assert site.rows("sessions") == before


def test_long_program_name_of_a_browser_is_cut(site: Site) -> None:
    site.people.add("alice", password=True)
    browser = site.guest("alice")
    browser.page("/auth/login")
    data = {"csrf_token": browser.csrf, "username": "alice", "password": PASSWORD}
    browser.client.post("/auth/login", data=data, headers={"User-Agent": "x" * 5000})
    assert len(site.rows("sessions")[0][6]) == 200
