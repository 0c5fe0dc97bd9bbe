"""What is unread: badges, the title, the list of conversations, and the writer's "Seen"."""

from __future__ import annotations

from playwright.sync_api import expect

from .support import PATIENCE, Person, Town, numbered


def test_badge_and_title_count_up_in_a_window_that_shows_something_else(two: tuple[Person, Person]) -> None:
    ann, bob = two
    account = bob.open("/account")
    account.counts(0)
    ann.send(bob, "one")
    account.counts(1)
    ann.send(bob, "two", "three")
    account.counts(3)


def test_reading_in_one_tab_clears_the_badges_of_all_tabs(two: tuple[Person, Person]) -> None:
    ann, bob = two
    tabs = [bob.open("/"), bob.open("/account")]
    ann.send(bob, "one", "two")
    for tab in tabs:
        tab.counts(2)
    reading = bob.chat(ann)
    for tab in (*tabs, reading):
        tab.counts(0)
    expect(tabs[0].find(f"[data-conversation={ann.name}] [data-field=unread]")).to_be_hidden()


def test_only_what_was_read_is_taken_off(town: Town) -> None:
    ann, bob, eve = town.people_named("ann", "bob", "eve")
    tab = bob.open("/")
    ann.send(bob, "one", "two")
    eve.send(bob, "three")
    tab.counts(3)
    bob.chat(eve)
    tab.counts(2)
    expect(tab.find(f"[data-conversation={ann.name}] [data-field=unread]")).to_have_text("2")
    assert bob.program.get("/badges").json()["badges"]["messages"] == 2


def test_the_writer_sees_that_a_message_was_seen(two: tuple[Person, Person]) -> None:
    ann, bob = two
    writing = ann.chat(bob)
    writing.write("one")
    writing.write("two")
    writing.shows("one", "two")
    marks = writing.find(".message--own [data-field=mark]")
    expect(marks).to_have_text(["Sent", "Sent"])
    bob.chat(ann)
    expect(marks).to_have_text(["Sent", "Seen"], timeout=PATIENCE)


def test_a_message_to_an_open_conversation_is_read_when_it_comes(two: tuple[Person, Person]) -> None:
    ann, bob = two
    writing, reading = ann.chat(bob), bob.chat(ann)
    writing.write("Are you there?")
    expect(writing.find(".message--own [data-mark=seen]")).to_be_visible(timeout=PATIENCE)
    expect(reading.find(".message--other")).to_be_visible()
    expect(reading.find(".message--unread")).to_have_count(0, timeout=PATIENCE)
    reading.counts(0)


def test_a_message_below_what_is_shown_stays_unread_until_one_goes_there(two: tuple[Person, Person]) -> None:
    ann, bob = two
    bob.read(ann, ann.send(bob, *numbered(40))[-1])
    reading = bob.chat(ann)
    reading.find("[data-scroller]").evaluate("(scroller) => scroller.scrollTo(0, -scroller.scrollHeight)")
    ann.send(bob, "further down")
    reading.counts(1)
    expect(reading.find(".message--unread")).to_have_count(1)
    reading.find("#below").click()
    reading.counts(0)
    expect(reading.find("#below")).to_be_hidden()
    expect(reading.bodies.last).to_be_in_viewport()


def test_a_window_that_nobody_looks_at_reads_nothing(two: tuple[Person, Person]) -> None:
    ann, bob = two
    reading = bob.chat(ann)
    reading.page.evaluate("document.hasFocus = () => false")
    ann.send(bob, "Hello")
    reading.counts(1)
    reading.page.evaluate("delete document.hasFocus; window.dispatchEvent(new Event('focus'))")
    reading.counts(0)


def test_a_new_conversation_appears_at_the_top_of_the_list(town: Town) -> None:
    ann, bob, eve = town.people_named("ann", "bob", "eve")
    tab = bob.open("/")
    expect(tab.find("#no-conversations")).to_be_visible()
    names = tab.find("[data-conversations] [data-field=name]")
    ann.send(bob, "first")
    expect(names).to_have_text([ann.name], timeout=PATIENCE)
    eve.send(bob, "second")
    expect(names).to_have_text([eve.name, ann.name], timeout=PATIENCE)
    ann.send(bob, "third")
    expect(names).to_have_text([ann.name, eve.name], timeout=PATIENCE)
    expect(tab.find("#no-conversations")).to_be_hidden()
    expect(tab.find("[data-conversations] [data-field=body]")).to_have_text(["third", "second"])
    tab.find("[data-conversations] a").first.click()
    tab.shows("first", "third")
