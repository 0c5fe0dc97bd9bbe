"""What one sees of the connection: how long until the next try, that one may hasten it, and which way is in use."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from ..support import AppServer
from .support import PATIENCE, Person, Town


def test_an_outage_counts_down_and_the_button_ends_it(own_server: AppServer, own_town: Town) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    context = ann.context()
    context.add_init_script("window.luck = 0.999; Math.random = () => luck")  # the longest waits there are
    window = ann.chat(bob, transport="websocket", context=context)
    window.expect_outage()
    automatic = window.find("#live-transport option[value=auto]")
    expect(automatic).to_have_text(re.compile(": WebSocket$"))
    assert own_server.stop() == 0
    window.state("offline")
    status = window.find("#live-status")
    expect(status).to_have_text(re.compile(r"^Offline\. Trying again in [234] s\.$"))
    expect(status.locator("[aria-live=off]")).to_have_text("1")
    expect(automatic).not_to_have_text(re.compile(":"))
    expect(window.find("#live-retry")).to_be_visible()
    expect(window.find("#live-reload")).to_be_hidden()
    # the next wait takes minutes, and so longer than the server's start: it is the button that ends the outage
    window.page.evaluate("luck = 250")
    expect(status).to_have_text(re.compile(r"^Offline\. Trying again in [\d,]*\d{3} s\.$"), timeout=PATIENCE)
    own_server.start()
    window.page.evaluate("luck = 0.999")  # a try that comes too early is repeated
    window.find("#live-retry").click()
    expect(window.find("html")).to_have_attribute("data-live-state", re.compile("live|polling"), timeout=PATIENCE)
    expect(window.find("#live-actions")).to_be_hidden()


def test_without_a_network_it_is_offline_at_once_and_back_when_it_returns(own_town: Town) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    window = ann.chat(bob, transport="websocket")
    window.expect_outage()
    window.page.context.set_offline(True)
    window.state("offline")  # long before a heartbeat is missed
    window.page.context.set_offline(False)
    window.state("live")


def test_after_two_minutes_one_may_load_the_page_anew(own_server: AppServer, own_town: Town) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    ann.prefer("long-poll")
    window = ann.chat(bob, transport="long-poll")
    window.expect_outage()
    assert own_server.stop() == 0
    window.state("offline")
    reload = window.find("#live-reload")
    expect(reload).to_be_hidden()
    window.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 130_000; }")
    expect(reload).to_be_visible(timeout=30_000)
    # or the page, which goes on trying, may be back before the click
    window.page.route("**/messages/**", lambda route: route.abort("connectionrefused"))
    own_server.start()
    with window.page.expect_navigation():
        reload.click()
    window.page.unroute("**/messages/**")
    window.is_on("long-poll")


def test_who_is_signed_out_is_told_so_and_led_back(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window, other = ann.chat(bob), ann.open("/account")
    other.find(".top").get_by_role("button", name="Sign out").click()
    window.state("signed-out")
    expect(window.page.get_by_role("status")).to_have_text("You are signed out.")
    expect(window.find("#live-transport")).to_be_disabled()
    link = window.page.get_by_role("link", name="Sign in again")
    assert (link.get_attribute("href") or "").endswith(f"?next=/chats/{bob.name}")
    expect(window.find("#live-retry")).to_be_hidden()


def test_the_switch_shows_what_is_in_use(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.prefer("auto")
    window = ann.chat(bob)
    chosen = window.find("#live-transport option:checked")
    expect(chosen).to_have_text("Auto: WebSocket", timeout=PATIENCE)
    expect(window.page.get_by_role("status")).to_have_text("Live")
    window.choose("short-poll")
    expect(chosen).to_have_text("Short poll")
    expect(window.page.get_by_role("status")).to_have_text("Updating every few seconds", timeout=PATIENCE)
    window.choose("off")
    expect(window.page.get_by_role("status")).to_have_text("Not updating by itself", timeout=PATIENCE)
