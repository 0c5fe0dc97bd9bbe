"""Work that takes a while, as people see it: wherever they are meanwhile, and whatever they close."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ..slow_tasks import Steps
from .support import PATIENCE, TRANSPORTS, Person, Town, Window
from .telling import becomes, begin, keep_toasts, open_bell


@pytest.fixture
def ann(town: Town) -> Person:
    (ann,) = town.people_named("ann")
    return ann


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path)


def tab(person: Person, path: str, transport: str) -> Window:
    person.prefer(transport)
    return person.open(path, transport=transport)


@pytest.mark.parametrize(("first", "second"), [*zip(TRANSPORTS, (*TRANSPORTS[1:], TRANSPORTS[0]), strict=True)])
def test_the_bar_goes_on_in_another_tab_on_another_transport_and_the_result_downloads(
    first: str, second: str, ann: Person, steps: Steps, tmp_path: Path
) -> None:
    window = tab(ann, "/tasks", first)
    number = begin(ann, steps)
    steps.say(20)
    window.has_tasks({number: ("running", "20%")})
    window.page.close()
    steps.say(55)
    window = tab(ann, "/tasks", second)
    window.has_tasks({number: ("running", "55%")})
    steps.say(80)
    window.has_tasks({number: ("running", "80%")})
    steps.say(100)
    window.has_tasks({number: ("done", "")})
    expect(window.find("#at-work")).to_be_hidden(timeout=PATIENCE)
    live = window.dom()
    window.page.reload()
    window.is_on(second)
    assert window.dom() == live
    with window.page.expect_download() as downloading:
        window.page.get_by_role("link", name="Download steps.txt (20 B)").click()
    downloading.value.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_text() == "all steps were taken"
    assert downloading.value.suggested_filename == "steps.txt"


def test_every_page_shows_how_far_it_is_and_tells_the_end(ann: Person, steps: Steps) -> None:
    window = keep_toasts(ann.open("/account"))
    bar = window.find("#at-work")
    expect(bar).to_be_hidden()
    number = begin(ann, steps)
    for percent in (35, 70):
        steps.say(percent)
        expect(bar).to_have_attribute("value", str(percent), timeout=PATIENCE)
    steps.say("There were no sales.")
    expect(bar).to_be_hidden(timeout=PATIENCE)
    expect(window.find("[data-badge=tasks]")).to_have_text("1", timeout=PATIENCE)
    toast = window.find(".live-toast")
    expect(toast).to_contain_text("Failed: One step after the other")
    expect(toast).to_contain_text("There were no sales.")
    toast.get_by_role("link").click()
    window.page.wait_for_url(re.compile(rf"/tasks#task-{number}$"))
    expect(window.find("[data-badge=tasks]")).to_be_hidden(timeout=PATIENCE)


def test_the_bar_moves_on_from_where_it_is(ann: Person, steps: Steps) -> None:
    """The same element from the first state to the last: nothing jumps, and nothing is read out anew."""
    window = ann.open("/tasks")
    number = begin(ann, steps)
    window.has_tasks({number: ("running", "0%")})
    card = window.find(f"#task-{number}")
    bar = card.locator("progress").element_handle()
    for percent in (10, 90):
        steps.say(percent)
        window.has_tasks({number: ("running", f"{percent}%")})
    assert bar.evaluate("(bar) => bar.isConnected")
    assert window.find("main [aria-live], main [role=status]").count() == 0
    steps.say(100)
    told = window.find("[data-live-toasts] > *")  # the card is in sight: it is only read out
    expect(told).to_have_text("Done: One step after the other", timeout=PATIENCE)
    expect(told).to_have_class("visually-hidden")
    window.has_tasks({number: ("done", "")})


def test_one_cancels_and_tries_again_by_the_keyboard_and_stays_where_one_is(ann: Person, steps: Steps) -> None:
    window = ann.open("/tasks")
    window.mark()
    steps.say(5)
    number = begin(ann, steps)
    window.has_tasks({number: ("running", "5%")})
    window.page.get_by_role("button", name="Cancel").focus()
    window.page.keyboard.press("Enter")
    window.has_tasks({number: ("cancelled", "")})
    expect(window.find(f"#task-{number}")).to_be_focused()
    steps.say(100)
    window.page.keyboard.press("Tab")
    expect(window.page.get_by_role("button", name="Try again")).to_be_focused()
    window.page.keyboard.press("Enter")
    window.has_tasks({number: ("done", "")})
    expect(window.find(f"#task-{number}")).to_be_focused()
    assert not window.was_reloaded()


def test_who_takes_a_result_from_the_bell_has_seen_it_in_every_tab(ann: Person, steps: Steps) -> None:
    window, other = ann.open("/account"), ann.open("/")
    steps.say(100)
    number = begin(ann, steps)
    expect(other.find("[data-badge=tasks]")).to_have_text("1", timeout=PATIENCE)
    becomes(ann, number, "done")
    bell = open_bell(window)
    with window.page.expect_download():
        bell.get_by_role("link", name="Done: One step after the other").click()
    for one in (window, other):
        expect(one.find("[data-badge=tasks]")).to_be_hidden(timeout=PATIENCE)


def test_without_scripts_a_page_shows_how_far_it_is_and_one_cancels_by_a_form(ann: Person, steps: Steps) -> None:
    steps.say(40)
    number = begin(ann, steps)
    becomes(ann, number, "running")
    window = ann.open("/tasks", transport=None, context=ann.lent(java_script_enabled=False))
    expect(window.find("#at-work")).to_be_visible()
    window.page.get_by_role("button", name="Cancel").click()
    expect(window.find(f"#task-{number} .task__state")).to_have_text("Cancelled")
    expect(window.find("#at-work")).to_be_hidden()
