"""Notices in a corner of our own pages."""

from __future__ import annotations

from playwright.sync_api import expect

from .support import PATIENCE, Person
from .telling import tell


def test_a_notification_appears_in_the_corner_of_every_page_and_can_be_dismissed(two: tuple[Person, Person]) -> None:
    ann, bob = two
    windows = [bob.chat(ann), bob.open("/account")]
    tell(bob, title="Your order <b>is</b> ready", url="/account")
    for window in windows:
        toast = window.find(".toasts .live-toast")
        expect(toast.locator("a")).to_have_text("Your order <b>is</b> ready", timeout=PATIENCE)
        toast.locator("button").click()
        expect(toast).to_have_count(0)


def test_a_message_is_no_notice(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = bob.open("/account")
    ann.send(bob, "Hello")
    window.counts(1)
    expect(window.find(".live-toast")).to_have_count(0)


def test_other_scripts_hear_of_one_kind_of_event_on_our_own_pages(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = bob.open("/account")
    window.page.evaluate(
        "document.addEventListener('live:event:message', ({ detail }) => { document.body.id = detail.data.body })"
    )
    ann.send(bob, "Hello")
    expect(window.find("body")).to_have_id("Hello", timeout=PATIENCE)
