"""Looking for words, and going where they stand."""

from __future__ import annotations

from playwright.sync_api import expect

from .support import Person, numbered


def test_what_was_written_long_ago_is_found_and_gone_to(two: tuple[Person, Person]) -> None:
    ann, bob = two
    (sought,) = bob.send(ann, "Schäfchen zählen: 三十个字")
    ann.read(bob, bob.send(ann, *numbered(60))[-1])
    window = ann.open("/")
    window.page.get_by_role("link", name="Search", exact=True).click()
    field = window.page.get_by_role("searchbox", name="Words in messages and posts")
    expect(field).to_be_focused()
    field.fill("schafchen 三十个")
    field.press("Enter")
    expect(window.find("mark")).to_have_text(["Schäfchen", "三十个"])
    window.find("mark").first.click()
    expect(window.find(f"#message-{sought}:target")).to_be_in_viewport()
    assert window.bodies.count() == 1
