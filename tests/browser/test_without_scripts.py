"""Everything works by forms alone, in a browser without JavaScript."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import BrowserContext, expect

from ..support import PASSWORD, AppServer
from .support import Person, Town, Window


@pytest.fixture
def plain(two: tuple[Person, Person]) -> tuple[Person, Person, Window]:
    """Ann and Bob, and Ann's window of a browser that runs no scripts."""
    ann, bob = two
    window = ann.open("/", transport=None, context=without_scripts(ann))
    expect(window.find("html")).to_have_attribute("data-live-state", "off")
    return ann, bob, window


def without_scripts(person: Person) -> BrowserContext:
    return person.context(java_script_enabled=False)


def say(window: Window, text: str) -> None:
    window.find("#send textarea").fill(text)
    window.find("#send button").click()


def test_one_registers_signs_out_and_signs_in(town: Town) -> None:
    window = town.stranger(java_script_enabled=False).go("/")
    window.page.wait_for_url("**/auth/login")
    window.page.get_by_role("link", name="Create an account").click()
    name = f"zoe-{secrets.token_hex(3)}"
    for _visit in ("sign up", "sign in"):
        window.find("[name=username]").fill(name)
        window.find("[name=password]").fill(PASSWORD)
        window.find("form.card button.primary").click()
        expect(window.find(".top__me")).to_contain_text(name)
        window.page.get_by_role("button", name="Sign out").click()
        window.page.wait_for_url("**/auth/login")


def test_one_is_led_to_the_page_one_wanted(two: tuple[Person, Person], town: Town) -> None:
    ann, bob = two
    window = town.stranger(java_script_enabled=False).go(f"/chats/{bob.name}")
    window.find("[name=username]").fill(ann.name)
    window.find("[name=password]").fill(PASSWORD)
    window.find("form.card button.primary").click()
    window.page.wait_for_url(f"**/chats/{bob.name}")


def test_one_finds_somebody_and_writes_to_them(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    window.find("[name=q]").fill(bob.name[:-2])
    window.page.get_by_role("button", name="Find").click()
    window.page.get_by_role("link", name=bob.name).click()
    say(window, "Hello Bob,\nthis is Ann & <you>")
    expect(window.find(".message--own [data-field=body]")).to_have_text("Hello Bob,\nthis is Ann & <you>")
    assert bob.stored(ann) == ["Hello Bob,\nthis is Ann & <you>"]
    window.go("/")
    expect(window.find(f"[data-conversation={bob.name}] .row__last")).to_contain_text("You: Hello Bob")


def test_one_is_told_when_nobody_is_found(plain: tuple[Person, Person, Window]) -> None:
    _ann, _bob, window = plain
    window.find("[name=q]").fill("nobody-of-this-name")
    window.find("[name=q]").press("Enter")
    expect(window.find(".empty").first).to_contain_text("Nobody by the name “nobody-of-this-name”")


def test_opening_a_conversation_does_not_read_it_but_the_button_does(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    bob.send(ann, "one", "two")
    window.go("/")
    window.counts(2)
    window.find(f"[data-conversation={bob.name}] a").click()
    expect(window.find(".message--unread")).to_have_count(2)
    window.counts(2)
    window.page.get_by_role("button", name="Mark 2 as read").click()
    window.counts(0)
    expect(window.find(".message--unread")).to_have_count(0)
    expect(window.find("#mark-read")).to_have_count(0)


def test_answering_reads_what_the_page_showed_and_no_more(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    bob.send(ann, "shown")
    window.go(f"/chats/{bob.name}")
    bob.send(ann, "not shown")
    say(window, "an answer")
    window.counts(1)
    expect(window.find(".message--unread [data-field=body]")).to_have_text(["not shown"])


def test_the_writer_sees_what_was_seen(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    (number,) = ann.send(bob, "Hello")
    window.go(f"/chats/{bob.name}")
    expect(window.find("[data-field=mark]")).to_have_text("Sent")
    bob.program.post("/messages/read", json={"with": ann.name, "upto": number})
    window.page.reload()
    expect(window.find("[data-field=mark]")).to_have_text("Seen")


def test_a_form_sent_twice_is_one_message(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    window.go(f"/chats/{bob.name}")
    window.find("#send textarea").fill("only once")
    window.find("#send button").dblclick()
    expect(window.find(".message")).to_have_count(1)
    window.page.go_back()
    window.page.go_forward()
    window.page.reload()
    assert ann.stored(bob) == ["only once"]


def test_a_refused_message_is_kept_in_the_form_and_says_why(plain: tuple[Person, Person, Window]) -> None:
    _ann, bob, window = plain
    window.expect_problems("422")
    window.go(f"/chats/{bob.name}")
    say(window, "   ")
    expect(window.find("#send-error")).to_have_text("The message is empty or blank; write something.")
    say(window, "better")
    expect(window.find(".message--own [data-field=body]")).to_have_text("better")


def test_older_messages_are_a_page_away(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    bob.send(ann, *(f"message {number}" for number in range(1, 61)))
    window.go(f"/chats/{bob.name}")
    expect(window.bodies).to_have_count(50)
    expect(window.bodies.last).to_have_text("message 60")
    expect(window.bodies.last).to_be_in_viewport()
    window.page.get_by_role("link", name="Older messages").click()
    expect(window.bodies).to_have_text([f"message {number}" for number in range(1, 11)])
    window.page.get_by_role("link", name="Newest messages").click()
    expect(window.bodies).to_have_count(50)


def test_one_ends_a_session_of_another_browser(plain: tuple[Person, Person, Window], server: AppServer) -> None:
    ann, _bob, window = plain
    other = ann.open("/", transport=None, context=without_scripts(ann))
    window.go("/account")
    expect(window.find("form[action*=sessions] button")).to_have_text(["Sign out", "End", "Sign out everywhere"])
    window.page.get_by_role("button", name="End", exact=True).click()
    expect(window.find("form[action*=sessions] button")).to_have_text(["Sign out"])
    other.page.reload()
    other.page.wait_for_url("**/auth/login**")


def test_one_signs_out_everywhere(plain: tuple[Person, Person, Window]) -> None:
    ann, _bob, window = plain
    other = ann.open("/", transport=None, context=without_scripts(ann))
    window.go("/account")
    window.page.get_by_role("button", name="Sign out everywhere").click()
    window.page.wait_for_url("**/auth/login**")
    for each in (window, other):
        each.go("/")
        each.page.wait_for_url("**/auth/login**")


def test_one_makes_a_token_that_works_and_revokes_it(plain: tuple[Person, Person, Window], server: AppServer) -> None:
    ann, _bob, window = plain
    window.go("/account")
    window.find("[name=label]").fill("backup script")
    window.page.get_by_role("button", name="Create").click()
    token = window.find("code.token").inner_text()
    with server.client(token) as program:
        assert program.get("/auth/me").json()["name"] == ann.name
        window.go("/account")
        expect(window.find("code.token")).to_have_count(0)
        expect(window.find(".row__name")).to_have_text("backup script")
        window.page.get_by_role("button", name="Revoke").click()
        expect(window.page.get_by_role("button", name="Revoke")).to_have_count(0)
        assert program.get("/auth/me").status_code == 401
