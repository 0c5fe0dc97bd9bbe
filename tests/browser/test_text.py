"""What people write is shown as they wrote it, whoever renders it: the server or the page's own scripts."""

from __future__ import annotations

from playwright.sync_api import expect

from .support import PATIENCE, Person, Window

TEXTS = [
    '<img src=x onerror="window.broken = 1"><script>window.broken = 2</script>',
    "{{ 7 * 7 }} ${7 * 7} </template></ol><b>bold</b>",
    "Tom & Jerry &amp; &lt;b&gt; \"quotes\" 'too'",
    "first line\n\n  third line, indented\n\ttab",
    "👩‍👩‍👧 👍🏽 🇧🇪 e\u0301",
    "שלום (abc) مرحبا 123",
    "a\u202eb\u202cc",
    "x" * 600,
    "  two before, two after  ",
]


def test_a_text_is_shown_as_text_wherever_it_comes_live(two: tuple[Person, Person]) -> None:
    ann, bob = two
    windows = at_ann, at_bob, listing = ann.chat(bob), bob.chat(ann), bob.open("/")
    for said in range(1, len(TEXTS) + 1):
        at_ann.write(TEXTS[said - 1])
        for window in (at_ann, at_bob):
            window.shows(*TEXTS[:said])
        listing.last_is(TEXTS[said - 1])
    for window in windows:
        has_no_markup(window)
    assert ann.stored(bob) == TEXTS


def test_a_text_is_shown_as_text_by_the_server(two: tuple[Person, Person]) -> None:
    ann, bob = two
    at_ann, at_bob, listing = ann.open("/account"), bob.open("/account"), bob.open("/account")
    ann.send(bob, *TEXTS)
    at_ann.go(f"/chats/{bob.name}").shows(*TEXTS)
    at_bob.go(f"/chats/{ann.name}").shows(*TEXTS)
    has_no_markup(at_ann)
    has_no_markup(at_bob)
    for text in TEXTS:
        bob.send(ann, text)
        listing.go("/").last_is(text)
        has_no_markup(listing)


def has_no_markup(window: Window) -> None:
    """Nothing that somebody wrote became an element or a program."""
    window.is_on("websocket")
    assert window.find("[data-field=body] *").count() == 0
    assert window.find("main img, main script").count() == 0
    assert window.page.evaluate("window.broken") is None


def is_the_same_after_a_reload(window: Window) -> None:
    window.is_on("websocket")
    live = window.seen()
    window.page.reload()
    window.is_on("websocket")
    assert window.seen() == live


def test_a_conversation_looks_the_same_live_and_loaded(two: tuple[Person, Person]) -> None:
    ann, bob = two
    at_ann, at_bob = ann.chat(bob), bob.chat(ann)
    at_ann.write("Hello\nBob")
    at_bob.shows("Hello\nBob")
    at_bob.write("Hello <Ann>")
    for window in (at_ann, at_bob):
        window.shows("Hello\nBob", "Hello <Ann>")
        window.find(".message--own [data-field=mark]").wait_for()
        window.page.wait_for_selector(".message--unread", state="detached")
        is_the_same_after_a_reload(window)


def test_unseen_messages_look_the_same_live_and_loaded(two: tuple[Person, Person]) -> None:
    ann, bob = two
    at_ann = ann.chat(bob)
    at_ann.write("nobody reads this")
    at_ann.shows("nobody reads this")
    is_the_same_after_a_reload(at_ann)


def test_an_empty_conversation_looks_the_same_live_and_loaded(two: tuple[Person, Person]) -> None:
    ann, bob = two
    is_the_same_after_a_reload(ann.chat(bob))


def test_the_list_of_conversations_looks_the_same_live_and_loaded(two: tuple[Person, Person]) -> None:
    ann, bob = two
    listing = bob.open("/")
    ids = ann.send(bob, "one", "two & <three>")
    listing.counts(2)
    is_the_same_after_a_reload(listing)
    ann.send(bob, "four")
    listing.counts(3)
    bob.program.post("/messages/read", json={"with": ann.name, "upto": ids[0]})
    listing.counts(2)
    is_the_same_after_a_reload(listing)
    bob.send(ann, "an answer\nof two lines")
    expect(listing.find("[data-conversation] [data-field=you]")).to_have_text("You:", timeout=PATIENCE)
    is_the_same_after_a_reload(listing)


def test_a_conversation_begun_by_oneself_elsewhere_looks_the_same_live_and_loaded(two: tuple[Person, Person]) -> None:
    ann, bob = two
    listing = bob.open("/")
    bob.send(ann, "Hello")
    listing.find("[data-conversation]").wait_for()
    is_the_same_after_a_reload(listing)
