"""Everything can be done by the keyboard alone; one always sees where one is, and a live change takes nobody away."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from ..support import PASSWORD
from .support import PATIENCE, Person, Town, Window, numbered
from .telling import admin_of, rings, shop_of, tell
from .test_outage import new_epoch

#: More than any page has to tab through.
MOST_STOPS = 60

_WHERE = """(selector) => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
  const { width, height } = element.getBoundingClientRect();
  return {
    isThere: element.matches(selector),
    isNowhere: element === document.body,
    isSeen: element.matches(':focus-visible') && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
      && outlineColor !== 'rgba(0, 0, 0, 0)' && width > 1 && height > 1,
    html: element.outerHTML.slice(0, 120),
  };
}"""


def tab_to(window: Window, selector: str, key: str = "Tab") -> None:
    """Press the key until this has the focus. It is seen at every stop, and the browser's own controls are none."""
    stops: list[str] = []
    for _ in range(MOST_STOPS):
        window.page.keyboard.press(key)
        where = window.page.evaluate(_WHERE, selector)
        stops.append(where["html"])
        assert where["isSeen"] or where["isNowhere"], f"one does not see where one is: {stops[-1]}"
        if where["isThere"]:
            return
    raise AssertionError(f"{selector} is not reached by {key}: {stops}")


def back_to(window: Window, selector: str) -> None:
    tab_to(window, selector, "Shift+Tab")


def press(window: Window, *keys: str) -> None:
    for key in keys:
        window.page.keyboard.press(key)


def has_focus(window: Window, selector: str) -> None:
    """Wait until this has the focus, and look whether one sees that."""
    expect(window.find(selector)).to_be_focused(timeout=PATIENCE)
    where = window.page.evaluate(_WHERE, selector)
    assert where["isThere"] and where["isSeen"], where


def send_and_read(sender: Person, reader: Person, count: int) -> None:
    """So many messages that were read somewhere else already: the page opens at its end."""
    ids = sender.send(reader, *numbered(count))
    reader.program.post("/messages/read", json={"with": sender.name, "upto": ids[-1]})


def test_one_signs_up_finds_somebody_writes_and_signs_out(town: Town) -> None:
    (bob,) = town.people_named("bob")
    window = town.stranger().go("/auth/login")
    tab_to(window, "a[href='/auth/register']")
    press(window, "Enter")
    window.page.wait_for_url("**/auth/register")
    expect(window.find("[name=username]")).to_be_focused()
    window.page.keyboard.type(f"zoe-{secrets.token_hex(3)}")
    tab_to(window, "[name=password]")
    window.page.keyboard.type(PASSWORD)
    press(window, "Enter")
    window.page.wait_for_url(window.home + "/")
    window.is_on("websocket")

    tab_to(window, ".skip")
    press(window, "Enter")
    tab_to(window, "#q")  # skipped: the header
    window.page.keyboard.type(bob.name)
    press(window, "Enter")
    window.page.wait_for_url("**/?q=*")
    tab_to(window, ".person a")
    press(window, "Enter")
    window.page.wait_for_url(f"**/chats/{bob.name}")
    window.is_on("websocket")

    expect(window.find("#send textarea")).to_be_focused()
    window.page.keyboard.type("one")
    press(window, "Shift+Enter")
    window.page.keyboard.type("two")
    press(window, "Enter")
    window.shows("one\ntwo")
    window.page.keyboard.type("by the button")
    tab_to(window, "#send button")
    press(window, "Space")
    window.shows("one\ntwo", "by the button")

    back_to(window, ".top__me form button")
    press(window, "Enter")
    window.page.wait_for_url("**/auth/login")


def test_the_skip_link_leads_past_the_header(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    window = ann.open("/")
    press(window, "Tab")
    has_focus(window, ".skip")
    press(window, "Enter", "Tab")
    has_focus(window, "#q")


def test_the_messages_scroll_by_keys_and_the_button_leads_back(two: tuple[Person, Person]) -> None:
    ann, bob = two
    send_and_read(bob, ann, 40)
    window = ann.chat(bob)
    back_to(window, "[data-scroller]")
    window.page.evaluate("() => addEventListener('scrollend', () => { window.hasScrolled = true }, true)")
    press(window, "PageUp")
    below = window.find("#below")
    expect(below).to_be_visible(timeout=PATIENCE)
    window.page.wait_for_function("() => window.hasScrolled")
    expect(window.bodies.last).not_to_be_in_viewport()
    tab_to(window, "#below")
    press(window, "Enter")
    expect(below).to_be_hidden(timeout=PATIENCE)
    expect(window.bodies.last).to_be_in_viewport()
    # the button is gone: one is where its key would have scrolled on, and not at the page's beginning
    has_focus(window, "[data-scroller]")
    press(window, "Home")
    expect(window.bodies.first).to_be_in_viewport()


def test_one_goes_from_message_to_message_and_deletes_one(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ids = ann.send(bob, "one", "two", "three")
    window = ann.chat(bob)
    back_to(window, ".message__more")
    has_focus(window, f"[data-message-id='{ids[2]}'] .message__more")
    press(window, "ArrowUp")
    has_focus(window, f"[data-message-id='{ids[1]}'] .message__more")
    press(window, "Enter")
    window.page.wait_for_url("**/delete")
    tab_to(window, "main button")
    press(window, "Enter")
    window.page.wait_for_url(f"**/chats/{bob.name}")
    window.shows("one", "This message was deleted.", "three")


def test_older_messages_come_when_one_goes_to_their_link(two: tuple[Person, Person]) -> None:
    ann, bob = two
    send_and_read(bob, ann, 170)
    window = ann.chat(bob)
    back_to(window, "#older a")
    expect(window.bodies).to_have_count(100, timeout=PATIENCE)  # it came into sight, which loads them too
    has_focus(window, "#older a")
    for count in (150, 170):
        press(window, "Enter")
        expect(window.bodies).to_have_count(count, timeout=PATIENCE)
    assert window.page.url.endswith(f"/chats/{bob.name}")
    expect(window.find("#older")).to_have_count(0)
    has_focus(window, "[data-scroller]")


def test_the_transport_is_switched_by_arrow_keys(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    window = ann.open("/")
    tab_to(window, "#live-transport")
    for transport in ("websocket", "sse", "long-poll", "short-poll", "off"):
        press(window, "ArrowDown")
        window.is_on(transport)
    press(window, "ArrowUp")
    window.is_on("short-poll")
    has_focus(window, "#live-transport")


def test_a_conversation_keeps_the_focus_when_it_rises_and_when_others_do(town: Town) -> None:
    ann, bob, eve = town.people_named("ann", "bob", "eve")
    bob.send(ann, "Hello")
    eve.send(ann, "Hello")
    window = ann.open("/")
    theirs = f"[data-conversation={bob.name}] a"
    tab_to(window, theirs)
    bob.send(ann, "to the top")
    window.last_is("to the top")
    has_focus(window, theirs)
    eve.send(ann, "above it")
    window.last_is("above it")
    has_focus(window, theirs)
    tab_to(window, ".foot button")
    back_to(window, theirs)  # where it is now: below the other
    press(window, "Enter")
    window.page.wait_for_url(f"**/chats/{bob.name}")


@pytest.mark.parametrize("place", ["#send textarea", "#send button", "[data-scroller]", ".chat__back"])
def test_a_message_that_arrives_leaves_the_focus_where_it_is(place: str, two: tuple[Person, Person]) -> None:
    ann, bob = two
    bob.send(ann, "Hello")
    window = ann.chat(bob)
    if place != "#send textarea":
        tab_to(window, place, "Tab" if place == "#send button" else "Shift+Tab")
    bob.send(ann, "and again")
    window.shows("Hello", "and again")
    window.counts(0)
    has_focus(window, place)


def list_of(ann: Person, bob: Person) -> tuple[Window, str]:
    window, place = ann.open("/"), f"[data-conversation={bob.name}] a"
    tab_to(window, place)
    return window, place


def search(ann: Person, bob: Person) -> tuple[Window, str]:
    window = ann.open("/")
    tab_to(window, "#q")
    window.page.keyboard.type("half a na")
    return window, "#q"


def text(ann: Person, bob: Person) -> tuple[Window, str]:
    window = ann.chat(bob)
    window.page.keyboard.type("half a sen")
    return window, "#send textarea"


def scrolled(ann: Person, bob: Person) -> tuple[Window, str]:
    window = ann.chat(bob)
    back_to(window, "[data-scroller]")
    return window, "[data-scroller]"


def button(ann: Person, bob: Person) -> tuple[Window, str]:
    window = ann.chat(bob)
    window.page.keyboard.type("half a sen")
    tab_to(window, "#send button")
    return window, "#send button"


def test_a_page_that_is_loaded_anew_keeps_focus_and_what_was_typed(town: Town) -> None:
    ann, bob = town.people_named("ann", "bob")
    bob.send(ann, "Hello")
    places: list[Callable[[Person, Person], tuple[Window, str]]] = [list_of, search, text, scrolled, button]
    windows = [go(ann, bob) for go in places]
    for window, _place in windows:
        window.mark()
        window.page.evaluate("() => { window.main = document.querySelector('main') }")
    new_epoch(town.server)
    for window, _place in windows:
        window.page.wait_for_function("() => document.querySelector('main') !== window.main", timeout=PATIENCE)
        assert not window.was_reloaded()
    for window, place in windows:
        has_focus(window, place)
    assert [window.find(place).input_value() for window, place in windows[1:3]] == ["half a na", "half a sen"]
    typing = windows[2][0]
    typing.page.keyboard.type("tence")
    assert typing.find("#send textarea").input_value() == "half a sentence", "the caret is where it was"


def test_after_an_outage_that_one_ended_by_its_button_the_focus_is_not_lost(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob)
    window.expect_outage()
    window.page.context.set_offline(True)
    window.state("offline")
    expect(window.find("#live-retry")).to_be_visible(timeout=PATIENCE)
    back_to(window, "#live-retry")
    press(window, "Enter")
    window.page.context.set_offline(False)
    window.state("live")
    expect(window.find("#live-retry")).to_be_hidden()
    has_focus(window, "#live-transport")


def test_every_stop_of_the_account_s_page_is_seen(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    assert ann.program
    window = ann.open("/account")
    for place in (
        "[name=display_name]",
        "[name=picture]",
        "#language",
        "[name=current_password]",
        "[name=new_password]",
        "form[action*=sessions] button",
        "form[action*=tokens][action*=revoke] button",
        "[name=label]",
    ):
        tab_to(window, place)
    window.page.keyboard.type("by keys")
    press(window, "Enter")
    expect(window.find(".token")).to_be_visible()


def test_the_bell_is_opened_read_marked_and_closed_by_keys(town: Town) -> None:
    (ann,) = town.people_named("ann")
    for title in ("one", "two"):
        tell(ann, title=title, url="/chats/nobody")
    window = ann.open("/account")
    panel = window.find("#bell-panel")
    tab_to(window, "#bell")
    press(window, "Space")
    expect(panel.locator(".notice")).to_have_count(2, timeout=PATIENCE)
    has_focus(window, "#bell")
    for place in (".notices__all button", "[data-seqs='2'] a", "[data-seqs='2'] button", "[data-seqs='1'] a"):
        press(window, "Tab")
        has_focus(window, place)
    tab_to(window, "[data-seqs='1'] button")
    press(window, "Enter")
    has_focus(window, "[data-seqs='2'] button")
    rings(window, 1)
    press(window, "Escape")
    expect(panel).to_be_hidden()
    has_focus(window, "#bell")
    press(window, "Enter")
    expect(panel).to_be_visible()
    tab_to(window, ".panel__foot a")
    press(window, "Tab")
    has_focus(window, ".top__account")
    expect(panel).to_be_hidden()
    press(window, "Shift+Tab", "Enter")
    tab_to(window, ".panel__foot a")
    press(window, "Enter")
    window.page.wait_for_url("**/notifications")


def test_every_stop_of_what_happened_and_of_administration_is_seen(town: Town) -> None:
    admin = admin_of(town)
    tell(admin, title="one", url="/account")
    window = admin.open("/notifications")
    for place in (
        "main a[href='/announcements']",
        "main .notices__all button",
        "main .notice a",
        "main .notice button",
    ):
        tab_to(window, place)
    window.go("/notifications/preferences")
    for place in ("[name=wanted]", "main button"):
        tab_to(window, place)
    window.go("/admin")
    for place in ("#title", "#body", "#url", "form[action$=announcements] button", "#display_name"):
        tab_to(window, place)
    window.go(f"/admin/systems/{shop_of(town.server)[0]}")
    for place in ("form[action$=rotate] button", "#label", "[name=scopes]", "#days"):
        tab_to(window, place)
    press(window, "Enter")
    expect(window.find("#new-token")).to_be_visible()
    tab_to(window, "[data-copy]")
