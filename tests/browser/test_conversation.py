"""One conversation as its reader finds it: where the new begins, what is older, who is there and typing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .support import PATIENCE, TRANSPORTS, Person, Window, numbered

#: Where the text of a message stands on the screen, in pixels from the top.
_TOP = "(element) => element.querySelector('[data-field=body]').getBoundingClientRect().top"


def test_a_long_conversation_loads_upwards_without_a_jump(two: tuple[Person, Person]) -> None:
    ann, bob = two
    said = numbered(170)
    ids = bob.send(ann, *said)
    ann.read(bob, ids[-1])
    window = ann.chat(bob)
    expect(window.bodies).to_have_count(50)
    scroller = window.find("[data-scroller]")
    for shown in (100, 150, 170):
        first = window.find("[data-message-id]").first
        number = first.get_attribute("data-message-id")
        anchor = window.find(f"[data-message-id='{number}']")
        # the top of the list comes near: the next part is asked for, and what one looks at stays where it is
        anchor.evaluate(
            """(element) => {
              const scroller = element.closest('[data-scroller]');
              scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 200;
              window.before = element.querySelector('[data-field=body]').getBoundingClientRect().top;
            }"""
        )
        expect(window.bodies).to_have_count(shown, timeout=PATIENCE)
        assert abs(window.page.evaluate("window.before") - anchor.evaluate(_TOP)) <= 1
    assert window.bodies.all_text_contents() == said
    expect(window.find("#older")).to_have_count(0)
    window.find("#below").click()
    expect(window.bodies.last).to_be_in_viewport()
    assert scroller.evaluate("(scroller) => Math.abs(scroller.scrollTop)") <= 1
    assert window.find("[data-message-id]").first.get_attribute("data-message-id") == str(ids[0])


def test_the_link_to_older_messages_loads_them_too(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.read(bob, bob.send(ann, *numbered(60))[-1])
    window = ann.chat(bob)
    window.find("#older a").focus()
    window.page.keyboard.press("Enter")
    expect(window.bodies).to_have_count(60, timeout=PATIENCE)
    assert window.page.url.endswith(f"/chats/{bob.name}")


def test_a_line_shows_where_the_new_begins_and_goes_when_one_answers(two: tuple[Person, Person]) -> None:
    ann, bob = two
    (read,) = bob.send(ann, "old")
    ann.read(bob, read)
    bob.send(ann, "new", "newer")
    window = ann.chat(bob)
    line = window.find(".unread")
    expect(line).to_have_text("New messages")
    assert line.evaluate("(line) => line.nextElementSibling.querySelector('[data-field=body]').textContent") == "new"
    window.counts(0)
    expect(line).to_be_visible()
    window.write("an answer")
    expect(line).to_have_count(0)


def test_a_conversation_opens_where_the_new_begins_and_is_read_when_one_has_come_past_it(
    two: tuple[Person, Person],
) -> None:
    ann, bob = two
    ann.read(bob, bob.send(ann, *numbered(20, "old"))[-1])
    bob.send(ann, *numbered(120, "new"))
    window = ann.chat(bob)
    expect(window.bodies).to_have_count(140)  # all that is new; what was before it comes as it is near
    expect(window.find(".unread")).to_be_in_viewport()
    expect(window.bodies.last).not_to_be_in_viewport()
    window.counts(120)
    expect(window.find("#below")).to_be_visible()
    window.to_the_end()
    window.counts(0)


def test_what_came_while_one_was_away_is_shown_at_once(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob)
    window.choose("off")
    bob.send(ann, *numbered(150))
    window.choose("websocket")
    window.shows(*numbered(150))
    window.counts(0)
    expect(window.bodies.last).to_be_in_viewport()


def test_the_button_to_the_newest_is_there_as_soon_as_one_scrolls_up(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.read(bob, bob.send(ann, *numbered(40))[-1])
    window = ann.chat(bob)
    below = window.find("#below")
    expect(below).to_be_hidden()
    window.find("[data-scroller]").evaluate("(scroller) => { scroller.scrollTop = -400 }")
    expect(below).to_have_text("Newest ↓")
    bob.send(ann, "one more")
    expect(below).to_have_text("New messages ↓", timeout=PATIENCE)
    below.click()
    expect(below).to_be_hidden()
    expect(window.bodies.last).to_be_in_viewport()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_sees_that_the_other_is_there_and_types(transport: str, two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.prefer(transport)
    at_ann = ann.chat(bob, transport=transport)
    presence = at_ann.find("#presence")
    expect(presence).to_have_text("offline")
    at_bob = bob.chat(ann)
    expect(presence).to_have_text("online", timeout=PATIENCE)
    typed = type_until(at_bob, lambda: presence.text_content() == "is typing…")
    at_bob.find("#send textarea").press("Enter")
    expect(presence).to_have_text("online", timeout=PATIENCE)
    at_ann.shows(typed)


def type_until(window: Window, is_seen: Callable[[], bool]) -> str:
    """Go on typing until then: it is seen for five seconds, which a page may miss that asks every few."""
    typed = ""
    while not is_seen():
        assert len(typed) < PATIENCE / 100, "it was not seen"
        window.find("#send textarea").press_sequentially("x", delay=120)
        typed += "x"
    return typed


def test_one_sees_that_nothing_came_of_it_and_that_the_other_went(two: tuple[Person, Person]) -> None:
    ann, bob = two
    presence = ann.chat(bob).find("#presence")
    at_bob = bob.chat(ann)
    type_until(at_bob, lambda: presence.text_content() == "is typing…")
    expect(presence).to_have_text("online", timeout=PATIENCE)  # while they are there still: both end after five seconds
    at_bob.page.close()
    expect(presence).to_have_text("offline", timeout=PATIENCE)


def test_links_can_be_followed_and_tell_nobody_where_they_were(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob)
    address = f"{window.home}/healthz"
    bob.send(ann, f"look at {address}.")
    link = window.find("[data-field=body] a")
    expect(link).to_have_text(address, timeout=PATIENCE)
    with window.page.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_load_state()
    assert opened.value.url == address
    assert opened.value.evaluate("[document.referrer, window.opener]") == ["", None]


def test_days_are_named_in_the_reader_s_time_zone_by_server_and_browser(two: tuple[Person, Person]) -> None:
    ann, bob = two
    bob.send(ann, "today")
    context = ann.context(timezone_id="Pacific/Kiritimati")
    window = ann.open(f"/chats/{bob.name}", context=context)
    day = window.find(".day")
    expect(day).to_have_text("Today")
    assert day.get_attribute("data-day") == window.page.evaluate("new Date().toLocaleDateString('sv')")
    assert {cookie["name"]: cookie["value"] for cookie in context.cookies()}["timezone"] == "Pacific/Kiritimati"
    plain = context.request.get(window.page.url).text()
    assert f'data-day="{day.get_attribute("data-day")}"' in plain


def test_times_keep_up(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.open("/account", transport=None, context=ann.context())
    window.page.clock.install()
    window.go(f"/chats/{bob.name}").is_on("websocket")
    bob.send(ann, "Hello")
    time = window.find(".message time")
    expect(time).to_have_text("now", timeout=PATIENCE)
    window.page.clock.fast_forward(130_000)
    expect(time).to_have_text("2 min ago", timeout=PATIENCE)
