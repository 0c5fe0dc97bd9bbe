"""Every page can be used by people who see little, hear the page, or have only a keyboard (WCAG 2.2 AA, by axe)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from .support import PATIENCE, Person, Town, Window, numbered
from .telling import admin_of, announce, happen, like, open_bell, shop_of, tasks_of_all_kinds, tell

#: What may be wrong by night and right by day.
COLOR_RULES = ["color-contrast", "link-in-text-block"]
AXE = Path(__file__).parent.parent / "npm/node_modules/axe-core/axe.min.js"


def nothing(window: Window) -> None:
    """As the page comes."""


def with_errors(window: Window) -> None:
    window.expect_problems("422")
    window.find("[name=username]").fill("x")
    window.find("[name=password]").fill("wrong")
    window.find("form.card button.primary").click()
    expect(window.find(".error").first).to_be_visible()


def with_news_below(window: Window) -> None:
    window.find("[data-scroller]").evaluate("(scroller) => { scroller.scrollTop = -300 }")
    expect(window.find("#below")).to_be_visible()


def offline(window: Window) -> None:
    window.expect_outage()
    window.page.context.set_offline(True)
    window.state("offline")
    expect(window.find("#live-retry")).to_be_visible(timeout=PATIENCE)


def signed_out(window: Window) -> None:
    window.expect_problems("401")
    window.page.evaluate(
        """() => fetch('/auth/sessions/all', {
          method: 'DELETE', headers: { 'X-CSRFToken': document.querySelector('[name=csrf-token]').content } })"""
    )
    window.state("signed-out")


def with_a_token(window: Window) -> None:
    window.find("[name=label]").fill("backup script")
    window.find("[name=label]").press("Enter")
    expect(window.find(".token")).to_be_visible()


def with_a_wrong_password(window: Window) -> None:
    window.expect_problems("422")
    window.find("[name=current_password]").fill("not this one")
    window.find("[name=new_password]").fill("another password")
    window.find("[name=new_password]").press("Enter")
    expect(window.find(".error").first).to_be_visible()


def with_the_bell_open(window: Window) -> None:
    open_bell(window)


def with_a_menu_open(window: Window) -> None:
    window.find(".post__menu > summary").first.click()
    window.find(".post__actions summary").first.click()
    expect(window.find(".post__actions .danger").first).to_be_visible()


def with_a_wrong_announcement(window: Window) -> None:
    window.expect_problems("422")
    for name, value in (("title", "  "), ("url", "nowhere")):
        window.find(f"#{name}").fill(value)
    window.find("form[action$=announcements] button").click()
    expect(window.find(".error").first).to_be_visible()


def with_a_wrong_token(window: Window) -> None:
    window.expect_problems("422")
    window.find("[name=scopes]").first.uncheck()
    window.find("form[action$=tokens] button").click()
    expect(window.find(".error").first).to_be_visible()


def with_a_new_token(window: Window) -> None:
    window.find("form[action$=tokens] button").click()
    expect(window.find("[data-copy]")).to_be_visible()


def with_the_menu_open(window: Window) -> None:
    window.find(".menu summary").click()
    expect(window.find(".menu button")).to_be_visible()
    expect(window.find(".chat__blocked, .message--deleted")).to_have_count(2)


#: The same for an administrator to whom something has happened.
TOLD: dict[str, tuple[str, Callable[[Window], None]]] = {
    "the bell, open": ("/", with_the_bell_open),
    "notifications": ("/notifications", nothing),
    "preferences": ("/notifications/preferences", nothing),
    "announcements": ("/announcements", nothing),
    "tasks": ("/tasks", nothing),
    "posts": ("/posts", with_a_menu_open),
    "a post": ("/posts/{post}", nothing),
    "administration, wrong": ("/admin", with_a_wrong_announcement),
    "a system, wrong": ("/admin/systems/{shop}", with_a_wrong_token),
    "a system with a new token": ("/admin/systems/{shop}", with_a_new_token),
    "reports": ("/admin/reports", nothing),
    "a report": ("/reports/new?message={message}", nothing),
    "a blocked person, with the menu open": ("/chats/{bob}", with_the_menu_open),
}
#: What is looked at: a page, and what is done there first.
OWN: dict[str, tuple[str, Callable[[Window], None]]] = {
    "conversations": ("/", nothing),
    "people": ("/?q=b", nothing),
    "nobody found": ("/?q=nobody-of-this-name", nothing),
    "conversation": ("/chats/{bob}", nothing),
    "conversation with news below": ("/chats/{bob}", with_news_below),
    "older messages": ("/chats/{bob}?before=1000000", nothing),
    "empty conversation": ("/chats/{eve}", nothing),
    "offline": ("/chats/{bob}", offline),
    "signed out": ("/", signed_out),
    "account": ("/account", nothing),
    "account with a new token": ("/account", with_a_token),
    "account with a wrong password": ("/account", with_a_wrong_password),
    "not found": ("/chats/nobody-of-this-name", nothing),
}
STRANGERS: dict[str, tuple[str, Callable[[Window], None]]] = {
    "sign in": ("/auth/login", nothing),
    "sign in, wrong": ("/auth/login", with_errors),
    "sign up": ("/auth/register", nothing),
    "sign up, wrong": ("/auth/register", with_errors),
    "not found, signed out": ("/nowhere", nothing),
    "the API's description": ("/docs/api", nothing),
}


def violations(window: Window) -> list[str]:
    """What axe finds in either colour scheme, each with its first elements."""
    window.page.evaluate(AXE.read_text())
    return [*violations_in(window, "light", None), *violations_in(window, "dark", COLOR_RULES)]


def violations_in(window: Window, scheme: Literal["light", "dark"], rules: list[str] | None) -> list[str]:
    """What axe finds by these rules; by all, if none are given."""
    window.page.emulate_media(color_scheme=scheme)
    window.page.wait_for_function("() => document.getAnimations().length === 0")  # colours have changed
    options = {"resultTypes": ["violations"], **({"runOnly": {"type": "rule", "values": rules}} if rules else {})}
    found: dict[str, Any] = window.page.evaluate("(options) => axe.run(options)", options)
    return [
        f"{scheme}: {violation['id']}: {violation['help']}: {[node['html'] for node in violation['nodes']][:3]}"
        for violation in found["violations"]
    ]


@pytest.mark.parametrize("name", OWN)
def test_axe_finds_nothing_on_one_s_own_pages(name: str, town: Town) -> None:
    ann, bob, eve = town.people_named("ann", "bob", "eve")
    path, act = OWN[name]
    bob.send(ann, "read", "see https://example.org", *numbered(20))
    ann.send(bob, "sent")
    eve.send(ann, "unread")
    path = path.format(bob=bob.name, eve=eve.name if name != "empty conversation" else bob.name)
    window = ann.open(path, transport="websocket" if name != "not found" else None)
    if name == "not found":
        window.expect_problems("404")
    act(window)
    assert violations(window) == []


@pytest.mark.parametrize("name", STRANGERS)
def test_axe_finds_nothing_on_a_stranger_s_pages(name: str, town: Town) -> None:
    path, act = STRANGERS[name]
    window = town.stranger()
    window.expect_problems("404")
    window.go(path)
    act(window)
    assert violations(window) == []


def test_axe_finds_nothing_on_the_first_page_of_somebody_new(town: Town) -> None:
    (ann,) = town.people_named("ann")
    window = ann.open("/")
    expect(window.find("#no-conversations")).to_be_visible()
    assert violations(window) == []


def test_axe_finds_nothing_where_it_is_told_what_happened(town: Town) -> None:
    admin = admin_of(town)
    happen(admin, like("Bob"), like("Eve"))
    tell(admin, title="Seen before")
    admin.program.post("/notifications/seen", json={"upto": 3})
    tell(admin, title="New", body="and more", url="/account")
    happen(admin, like("Bob"), like("Eve"))
    announce(town.server, "Hear, hear", body="See https://example.org")
    bob, eve = town.people_named("bob", "eve")
    message, deleted = bob.send(admin, "nasty", "worse")
    tasks_of_all_kinds(admin)
    admin.program.post("/reports", json={"user": bob.name, "message": message, "reason": "It is nasty."})
    bob.program.delete(f"/messages/{deleted}")
    admin.program.put(f"/users/{bob.name}/block")
    post = eve.post(f"@{admin.name}, see https://example.org")
    admin.react(post, "like")
    for person in (admin, eve):
        person.reply(post, "Hello")
    admin.delete_post(eve.reply(post, "gone"))
    window = admin.open("/account")
    tell(admin, title="Now", url="/account")
    expect(window.find(".live-toast")).to_be_visible(timeout=PATIENCE)
    found = {"a toast": violations(window)}
    for name, (path, act) in TOLD.items():
        path = path.format(shop=shop_of(town.server)[0], message=message, bob=bob.name, post=post)
        window.go(path).is_on("websocket")
        act(window)
        found[name] = violations(window)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_axe_finds_nothing_where_nothing_has_happened(town: Town) -> None:
    (ann,) = town.people_named("ann")
    window = ann.open("/notifications")
    open_bell(window)
    expect(window.find(".empty:visible")).to_have_count(2)
    assert violations(window) == []


def test_axe_finds_what_is_wrong(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob)
    window.page.evaluate(
        """() => {
          document.querySelector('label[for=body]').remove();
          document.querySelector('textarea').removeAttribute('placeholder');
          document.querySelector('h1').style.color = 'light-dark(black, black)';
        }"""
    )
    found = {tuple(violation.split(": ")[:2]) for violation in violations(window)}
    assert found >= {("light", "label"), ("dark", "color-contrast")}


def test_the_messages_are_a_log(two: tuple[Person, Person]) -> None:
    ann, bob = two
    bob.send(ann, "Hello")
    window = ann.chat(bob)
    log = window.page.get_by_role("log")
    expect(log.get_by_role("listitem").filter(has_text="Hello")).to_have_count(1)
