"""Every page: quiet, at home with its policy, and no wider than a small phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ..support import ROOT, wait_for
from .lending import new_context
from .support import Person, Town, Window, numbered

PAGES = {
    "conversations": "/",
    "people": "/?q=",
    "conversation": "/chats/{bob}",
    "older-messages": "/chats/{bob}?before=1000000",
    "empty-conversation": "/chats/{eve}",
    "posts": "/posts",
    "tasks": "/tasks",
    "account": "/account",
    "not-found": "/chats/nobody-of-this-name",
}
STRANGERS = {"login": "/auth/login", "register": "/auth/register"}


@pytest.fixture
def busy(town: Town) -> tuple[Person, dict[str, str]]:
    """Somebody to whom much has happened, and the names of others."""
    ann, bob, eve = town.people_named("ann", "w" * 25, "eve")
    bob.send(ann, "https://example.org/" + "path/" * 60, "w" * 500, "Hello", *numbered(20))
    ann.send(bob, "short", "wide " * 200, "<pre>" + "-" * 300)
    bob.send(ann, "unread " * 30)
    return ann, {"bob": bob.name, "eve": eve.name}


def sideways(window: Window) -> list[str]:
    """What reaches beyond the right edge of the window, if the window can be moved there."""
    return window.page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          const scrollers = [document.documentElement, document.body, ...document.querySelectorAll('[data-scroller]')];
          const wide = scrollers.filter((element) => element.scrollWidth > element.clientWidth);
          const controls = [...document.querySelectorAll('a, button, input, select, textarea, h1, code')]
            .filter((element) => element.checkVisibility() && !element.closest('.skip, .visually-hidden'))
            .filter((element) => element.getBoundingClientRect().right > width + 0.5);
          return [...wide, ...controls].map((element) => element.outerHTML.slice(0, 200));
        }"""
    )


def test_a_small_phone_does_not_scroll_sideways(busy: tuple[Person, dict[str, str]]) -> None:
    ann, others = busy
    context = ann.lent(viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True)
    window = ann.open("/", context=context)
    window.expect_problems("404")
    found = {}
    for name, path in PAGES.items():
        window.go(path.format(**others))
        if name == "account":
            window.find("[name=label]").fill("a label of as many characters as a label may have " + "x" * 14)
            window.find("form.inline button").click()
        if name != "not-found":
            window.is_on("websocket")
        assert window.page.evaluate("innerWidth") == 360
        if wide := sideways(window):
            found[name] = wide
    assert found == {}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_small_phone_does_not_scroll_sideways_before_one_has_signed_in(name: str, town: Town) -> None:
    window = town.stranger(viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True)
    window.expect_problems("422")
    window.go(STRANGERS[name])
    window.find("[name=username]").fill("x" * 40)
    window.find("[name=password]").fill("short")
    window.find("form.card button.primary").click()
    expect(window.find(".error").first).to_be_visible()
    assert sideways(window) == []


def test_the_form_of_a_conversation_stays_on_the_screen_of_a_small_phone(
    busy: tuple[Person, dict[str, str]],
) -> None:
    ann, others = busy
    window = ann.open(f"/chats/{others['bob']}", context=ann.lent(viewport={"width": 360, "height": 640}))
    for part in ("#send textarea", "#send button", ".chat__head h1", "#live-transport"):
        expect(window.find(part)).to_be_in_viewport(ratio=1)
    window.to_the_end()  # it opens where the new begins
    expect(window.bodies.last).to_be_in_viewport()


def test_no_page_has_an_error_or_asks_a_third_party(busy: tuple[Person, dict[str, str]]) -> None:
    ann, others = busy
    window = ann.open("/").watch_requests()
    for name, path in PAGES.items():
        if name == "not-found":
            assert window.unexpected == []
            window.expect_problems("404")
        window.go(path.format(**others))
        if name != "not-found":
            window.is_on("websocket")
        assert window.unexpected == [], name
    stranger = Window(new_context(ann.browser).new_page(), window.home).watch_requests()
    for path in STRANGERS.values():
        stranger.go(path)
        assert stranger.unexpected == []


def test_no_page_of_a_guest_asks_a_third_party(town: Town) -> None:
    window = town.stranger().watch_requests().go("/auth/login")
    window.page.get_by_role("button", name="Try it as a guest").click()
    window.page.wait_for_url(window.home + "/")
    for path in ("/", "/?q=a", "/account"):
        window.go(path).is_on("websocket")
        assert window.unexpected == [], path


def test_a_page_without_a_network_asks_no_third_party(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob).watch_requests()
    window.expect_outage()
    window.page.context.set_offline(True)
    window.state("offline")
    window.write("into the outage")
    expect(window.find(".message--pending")).to_be_visible()
    window.page.context.set_offline(False)
    window.state("live")
    window.shows("into the outage")
    assert window.unexpected == []


def test_every_script_and_style_of_a_page_is_a_file_of_this_server_as_it_was_written(
    busy: tuple[Person, dict[str, str]],
) -> None:
    ann, others = busy
    window = ann.open("/", context=ann.lent())
    loaded: set[str] = set()
    for path in ("/", f"/chats/{others['bob']}", "/account", "/auth/login"):
        window.go(path)
        scripts = window.find("script:not([type='application/json'])")
        found = scripts.evaluate_all("(scripts) => scripts.map(({ type, text }) => [type, text])")
        assert found and all(script == ["module", ""] for script in found)
        assert (
            window.page.evaluate("() => document.querySelectorAll('style, [style], [onclick], [onload]').length") == 0
        )
        names = "() => performance.getEntriesByType('resource').map(({ name }) => name)"
        loaded.update(window.page.evaluate(names))
    assert all(url.startswith(window.home + "/") for url in loaded), loaded
    files = {re.sub(r"^.*/static/~[0-9a-f]{12}/", "static/", url) for url in loaded if "/static/" in url}
    assert {"static/live.js", "static/style.css", "static/live/connection.js"} <= files
    with ann.server.client() as client:
        for name in files:
            answer = client.get(f"/{name}")
            assert answer.content == (ROOT / name).read_bytes(), name
            if name.endswith(".js"):
                assert answer.headers["content-type"].startswith("text/javascript"), name


def test_the_watch_over_pages_finds_what_it_watches_for(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob)
    assert window.unexpected == []
    for script, pattern in (
        ("() => console.error('oops')", "oops"),
        ("() => { setTimeout(() => { throw new Error('thrown') }) }", "uncaught: .*thrown"),
        ("() => { fetch('/nowhere') }", "404"),
        ("() => { new Image().src = 'http://127.0.0.2:9/pixel.png' }", "policy violated: img-src"),
        (
            "() => { document.head.append(Object.assign(document.createElement('script'), { text: '1' })) }",
            "script-src",
        ),
        ("() => { document.body.setAttribute('style', 'color: red') }", "policy violated: style-src"),
    ):
        window.problems.clear()
        window.page.evaluate(script)
        for _ in range(100):
            if any(re.search(pattern, problem) for problem in window.unexpected):
                break
            window.page.wait_for_timeout(20)
        else:
            raise AssertionError(f"{script} was not noticed: {window.problems}")
    window.problems.clear()


def test_older_messages_are_not_mixed_with_what_arrives(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ids = bob.send(ann, *numbered(60))
    window = ann.open(f"/chats/{bob.name}?before={ids[10]}")
    shown = numbered(10)
    window.shows(*shown)
    ann.program.post("/messages/read", json={"with": bob.name, "upto": ids[-1]})
    window.counts(0)
    bob.send(ann, "now")
    window.counts(1)
    window.shows(*shown)


def test_the_keyboard_alone_is_enough(two: tuple[Person, Person]) -> None:
    ann, bob = two
    bob.send(ann, "Hello")
    window = ann.open("/")
    window.find(f"[data-conversation={bob.name}] a").focus()
    window.page.keyboard.press("Enter")
    window.page.wait_for_url(f"**/chats/{bob.name}")
    window.is_on("websocket")
    expect(window.find("#send textarea")).to_be_focused()
    window.page.keyboard.type("one")
    window.page.keyboard.press("Shift+Enter")
    window.page.keyboard.type("two")
    window.page.keyboard.press("Enter")
    window.shows("Hello", "one\ntwo")
    window.page.keyboard.press("Tab")
    expect(window.find("#send button")).to_be_focused()


def test_whoever_else_is_asked_is_noticed(town: Town) -> None:
    window = town.stranger().go("/auth/login")
    window.page.evaluate("() => { document.body.append(Object.assign(new Image(), { src: 'http://localhost:1/x' })) }")
    wait_for(lambda: window.page.wait_for_timeout(20) or window.unexpected, "it to be noticed")
    assert re.search("policy violated: img-src http://localhost:1|violates the following", window.unexpected[0])
    window.expect_problems("localhost:1")
    watched = town.stranger().watch_requests()
    watched.page.goto(window.home.replace("127.0.0.1", "localhost") + "/healthz")
    assert "a third party was asked" in watched.unexpected[0]
    watched.expect_problems("third party")


def test_the_header_of_a_page_that_is_not_live_is_as_on_any_other_on_a_phone(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    window = ann.open("/account")
    window.page.set_viewport_size({"width": 360, "height": 640})
    window.expect_problems("404")
    found = []
    for path in ("/account", "/docs/api", "/nowhere"):
        window.go(path)
        found.append([window.find(f".top {part}").bounding_box() for part in (".bell", ".top__account", ".top__nav")])
    assert found == [found[0]] * 3
