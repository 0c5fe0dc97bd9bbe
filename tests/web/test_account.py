"""The account's page: display name, password, sessions and tokens."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from myapp.auth import account
from myapp.auth.service import Ended

from ..support import PASSWORD
from .conftest import HTML, Browser, Site, is_problem, open_site

NEW = "another battery"


@pytest.fixture
def alice(site: Site) -> Browser:
    return site.browser("alice")


def display_name(browser: Browser) -> str:
    name: str = browser.get("/auth/me").get_json()["display_name"]
    return name


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/auth/me").status_code == 200


# -- the page


@pytest.mark.parametrize("has_password", [True, False])
def test_page_has_each_id_once_and_a_label_for_each_field(has_password: bool, alice: Browser, site: Site) -> None:
    if not has_password:
        site.write("UPDATE users SET password_hash = NULL")
    text = alice.page("/account")
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'<label for="([^"]+)"', text)) <= set(ids)


def test_page_shows_the_picture_and_the_language(alice: Browser) -> None:
    alice.submit("/language", language="en")
    text = alice.page("/account")
    assert f'src="{alice.get("/auth/me").get_json()["avatar"]}"' in text
    assert re.search(r'<option value="en"[^>]* selected>English', text)


@pytest.mark.parametrize("path", ["profile", "password", "picture/remove", "tokens", "sessions/all/end"])
def test_form_without_its_csrf_token_changes_nothing(path: str, alice: Browser, site: Site) -> None:
    before = site.stored()
    for token in ("", "wrong"):
        fields = {"csrf_token": token, "display_name": "X", "current_password": PASSWORD, "new_password": NEW}
        is_problem(alice.client.post(f"/account/{path}", data=fields), 403)
    assert site.stored() == before


@pytest.mark.parametrize("path", ["profile", "picture", "picture/remove", "password", "tokens", "sessions/all/end"])
def test_nobody_is_told_to_sign_in(path: str, site: Site) -> None:
    is_problem(site.guest().client.post(f"/account/{path}", data={}), 401)


# -- display name


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Alice", "Alice"),
        ("  Alice \t\n  Liddell ", "Alice Liddell"),
        ("\u3000小\u3000明\u3000", "小 明"),
        ("x" * 64, "x" * 64),
        ("😀" * 64, "😀" * 64),
        (" " * 100 + "x", "x"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<b>bold</b> & co", "<b>bold</b> & co"),
        ("O'Neill %(x)s {{ 1 }}", "O'Neill %(x)s {{ 1 }}"),
        ("!", "!"),
        ("\U0001fae8", "\U0001fae8"),  # newer than Python's Unicode
        ("\u0378", "\u0378"),  # as is whatever nobody has assigned yet
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",) * 2,  # the flag of England
        ("B\u00e9\u0323\u0331\u0302la", "B\u00e9\u0323\u0331\u0302la"),  # four marks on the e
        ("e\u0301" * 32, "e\u0301" * 32),
        ("b\u00f3b", "b\u00f3b"),
    ],
)
def test_display_name_is_changed(typed: str, shown: str, alice: Browser) -> None:
    answer = alice.submit("/account/profile", display_name=typed)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert display_name(alice) == shown
    assert "Your display name is changed." in alice.page("/account")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "\u3000\t\n",
        "x" * 65,
        "a\x00b",
        "a\x07b",
        "a\x7fb",
        "a\u202eb",  # right-to-left override
        "a\u2066b",
        "\ufeffa",
        "a\u200bb",
        "a\u00adb",
        "\ue000",
        "\U000e0041",
        "a\U000e0067\U000e007f",  # tags that are not a flag's
        "\U0001f3f4\U000e0067",
        "\U0001f3f4" + "\U000e0067" * 7 + "\U000e007f",
        "\U0010ffff",
        "a\ufdd0",
        "a\U0003fffe",
        "a\u2065",
        "a\ufff0",
        "\ufffc",
        "\U0001d159 \u2800",
        "\U00013441",
        "a" + "\u0301" * 5,
        "\u1ebf" + "\u0301" * 3,  # the letter has two of its own
        "a" + "\u0301\u200d" * 5,
        "\u200d",
        "\u200c\u200d",
        "\u3164",
        "\u2800",
        "\u0301",
    ],
)
def test_display_name_that_breaks_the_rules_is_refused_at_its_field(typed: str, alice: Browser, site: Site) -> None:
    before = site.stored()
    answer = alice.submit("/account/profile", display_name=typed)
    assert answer.status_code == 422
    assert 'id="display_name-error"' in answer.text
    assert site.stored() == before


def test_what_was_typed_is_kept_on_the_page(alice: Browser) -> None:
    answer = alice.submit("/account/profile", display_name="<x>" * 30)
    assert answer.status_code == 422
    assert "&lt;x&gt;" * 30 in answer.text
    assert "<x>" not in answer.text
    assert "The display name has 90 characters; write at most 64." in answer.text


@pytest.mark.parametrize(
    "typed",
    [
        "bob",
        " Bob",
        "B o b",
        "\uff22\uff4f\uff42",
        "\U0001d41bob",
        "b\u200dob",
        "b\ufe0fob\u0335",
        "\u2800bob",
        "bob\U0001d159",
    ],
)
def test_display_name_that_looks_like_somebody_else_s_name_is_refused(typed: str, both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    both_sites.people.add("bob")
    answer = alice.submit("/account/profile", display_name=typed)
    assert answer.status_code == 422
    assert "The display name is somebody else&#39;s name; choose another one." in answer.text
    assert display_name(alice) == "alice"


def test_display_name_may_be_one_s_own_name(alice: Browser) -> None:
    assert alice.submit("/account/profile", display_name="A L I C E").status_code == 303


@pytest.mark.parametrize("path", ["profile", "picture", "password", "tokens"])
def test_reloading_the_page_of_a_mistake_shows_the_account(path: str, alice: Browser, site: Site) -> None:
    answer = alice.client.get(f"/account/{path}", headers=HTML)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert (
        site.guest().client.get(f"/account/{path}", headers=HTML, follow_redirects=True).request.path == "/auth/login"
    )


def test_person_is_found_by_the_new_name(both_sites: Site) -> None:
    (bob,) = both_sites.programs("bob")
    alice = both_sites.browser("alice")
    alice.submit("/account/profile", display_name="Éowyn of Rohan")
    found = bob.get("/users?q=%C3%A9OWYN").get_json()["users"]
    assert [(person["name"], person["display_name"]) for person in found] == [("alice", "Éowyn of Rohan")]


# -- password


def change(browser: Browser, current: str = PASSWORD, new: str = NEW) -> int:
    return browser.submit("/account/password", current_password=current, new_password=new).status_code


def test_password_is_changed(both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    assert change(alice) == 303
    Browser(both_sites.app, "alice").sign_in(NEW)
    old = both_sites.guest()
    old.page("/auth/login")
    assert old.submit("/auth/login", username="alice", password=PASSWORD).status_code == 422


def test_new_password_ends_all_sessions_but_a_new_one_and_no_token(both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    other = Browser(both_sites.app, "alice").sign_in()
    bob = both_sites.browser("bob")
    program = both_sites.program("alice")
    news: list[object] = []
    both_sites.app.extensions["myapp"].database.publish = news.extend
    assert change(alice) == 303
    assert is_signed_in(alice) and is_signed_in(bob)
    assert not is_signed_in(other)
    assert program.get("/auth/me").status_code == 200
    # whoever waits by one is closed with 4401
    assert sorted(news, key=str) == [Ended(1, "session:1"), Ended(1, "session:2")]


def test_copy_of_the_cookie_is_good_for_nothing_after_a_new_password(both_sites: Site) -> None:
    alice = both_sites.browser("alice")
    ticket = alice.post("/auth/ticket").get_json()["ticket"]
    cookie = alice.client.get_cookie("myapp_session")
    assert cookie is not None
    thief = both_sites.guest()
    thief.client.set_cookie("myapp_session", cookie.value)
    assert is_signed_in(thief)
    assert change(alice) == 303
    assert is_signed_in(alice) and not is_signed_in(thief)
    is_problem(both_sites.guest().get("/auth/me", headers={"Authorization": f"Bearer {ticket}"}), 401)
    assert len(both_sites.rows("sessions")) == 1


def test_new_password_says_that_tokens_stay_where_there_are_some(alice: Browser, site: Site) -> None:
    stay = "Programs with a token stay signed in; revoke tokens below."
    assert change(alice) == 303
    assert stay not in alice.page("/account")
    site.people.token("alice")
    assert alice.page("/account").count(stay) == 1  # the hint
    assert change(alice, NEW, PASSWORD) == 303
    assert alice.page("/account").count(stay) == 2  # what is said once, too


def test_new_password_is_told_in_the_language_of_the_person(alice: Browser) -> None:
    alice.submit("/language", language="zh")
    alice.client.delete_cookie("language")
    assert change(alice) == 303
    assert "Your password is changed" not in alice.page("/account")


@pytest.mark.parametrize("current", ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "x" * 5000, "\x00"])
def test_wrong_current_password_is_refused_at_its_field(current: str, alice: Browser, site: Site) -> None:
    before = site.stored()
    answer = alice.submit("/account/password", current_password=current, new_password=NEW)
    assert answer.status_code == 422
    assert 'id="current_password-error"' in answer.text
    assert "The current password is wrong." in answer.text
    assert NEW not in answer.text
    assert site.stored() == before


@pytest.mark.parametrize("new", ["", "1234567", "x" * 1025, "12345678\x00"])
def test_new_password_that_breaks_the_rules_is_refused_at_its_field(new: str, alice: Browser, site: Site) -> None:
    before = site.stored()
    answer = alice.submit("/account/password", current_password=PASSWORD, new_password=new)
    assert answer.status_code == 422
    assert 'id="new_password-error"' in answer.text
    assert site.stored() == before


def test_password_changed_twice_at_once_is_changed_once(site: Site) -> None:
    browsers = [site.browser("alice"), Browser(site.app, "alice").sign_in()]
    answers: dict[str, int] = {}

    def run(browser: Browser, new: str) -> None:
        answers[new] = change(browser, new=new)

    threads = [
        threading.Thread(target=run, args=(browser, new))
        for browser, new in zip(browsers, ("first password", "second password"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (new for new, status in answers.items() if status == 303)
    assert sum(is_signed_in(browser) for browser in browsers) == 1
    Browser(site.app, "alice").sign_in(winner)


@pytest.fixture
def limited(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, RATE_LIMITS="on")


def test_guessing_the_current_password_is_limited_for_each_person(limited: Site) -> None:
    alice, bob = limited.browser("alice"), limited.browser("bob")
    assert [change(alice, "wrong") for _ in range(10)] == [422] * 10
    assert change(alice) == 429
    assert change(bob) == 303


def test_changes_that_succeed_are_limited_for_each_person(limited: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = limited.browser("alice"), limited.browser("bob")
    monkeypatch.setattr(account, "hash_password", str)  # in place of what takes long
    monkeypatch.setattr(account, "verify", lambda stored, password: True)
    statuses = []
    for _ in range(31):
        alice.page("/account")  # the CSRF token is of the new session
        statuses.append(change(alice))
    assert statuses == [303] * 30 + [429]
    bob.page("/account")
    assert change(bob) == 303


# -- sessions and tokens


def test_each_session_and_token_has_a_button_that_ends_it(alice: Browser, site: Site) -> None:
    other = Browser(site.app, "alice").sign_in()
    site.people.token("alice")
    text = alice.page("/account")
    ends = re.findall(r'action="(/account/sessions/(?:\d+|all)/end)"', text)
    assert sorted(ends) == [f"/account/sessions/{which}/end" for which in ("1", "2", "all")]
    assert "/account/tokens/1/revoke" in text
    assert alice.submit("/account/sessions/2/end").status_code == 303
    assert alice.submit("/account/tokens/1/revoke").status_code == 303
    assert is_signed_in(alice) and not is_signed_in(other)
    assert site.rows("tokens") == []


def test_label_that_is_too_long_is_refused_in_a_sentence(alice: Browser, site: Site) -> None:
    alice.page("/account")
    assert alice.submit("/account/tokens", label="x" * 101).status_code == 303
    assert "Write at most 100 characters." in alice.page("/account")
    assert site.rows("tokens") == []
