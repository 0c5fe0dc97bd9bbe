"""Somebody opens the address for the first time."""

from __future__ import annotations

import time

from playwright.sync_api import expect

from .support import PATIENCE, Town, Window


def come_as_guest(town: Town) -> Window:
    window = town.stranger().go("/")
    window.page.get_by_role("button", name="Try it as a guest").click()
    window.page.wait_for_url(window.home + "/")
    return window


def test_two_windows_talk_within_ten_seconds(town: Town) -> None:
    started = time.monotonic()
    first = come_as_guest(town)
    first.is_on("websocket")
    expect(first.find("#no-conversations")).to_contain_text("Hello")
    name = first.find(".top__name").text_content()
    assert name
    second = come_as_guest(town)
    second.find("#no-conversations").get_by_role("link", name=name).click()
    second.page.wait_for_url("**/chats/*")
    second.is_on("websocket")
    second.write("Hello from the other window")
    expect(first.find("[data-conversation] [data-field=body]")).to_have_text("Hello from the other window")
    first.counts(1)
    expect(first.find("#no-conversations")).to_have_count(0)
    first.find("[data-conversation] a").click()
    first.page.wait_for_url("**/chats/*")
    first.is_on("websocket")
    first.shows("Hello from the other window")
    first.write("and back")
    second.shows("Hello from the other window", "and back")
    assert time.monotonic() - started < PATIENCE / 1000  # a person needs less than ten seconds, a busy machine more


def test_a_guest_has_a_name_and_a_picture_and_can_choose_others(town: Town) -> None:
    window = come_as_guest(town)
    window.find(".top__account").click()
    expect(window.find("h1")).to_be_visible()
    window.find("[name=display_name]").fill("Zoë")
    window.find("[name=display_name]").press("Enter")
    expect(window.find(".top__name")).to_have_text("Zoë")
