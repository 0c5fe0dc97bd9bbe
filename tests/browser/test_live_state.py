"""What one sees of the connection: how long until the next try, that one may hasten it, and which way is in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ..support import AppServer
from .support import Town


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[AppServer]:
    """A server that only this test uses, and so may end."""
    server = AppServer("pywsgi", tmp_path).start()
    yield server
    server.kill()


@pytest.fixture
def own_town(own_server: AppServer, browser: Browser) -> Iterator[Town]:
    town = Town(own_server, browser)
    yield town
    assert town.close() == []


def test_an_outage_counts_down_and_the_button_ends_it(own_server: AppServer, own_town: Town) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    window = ann.chat(bob, transport="websocket")
    window.expect_outage()
    automatic = window.find("#live-transport option[value=auto]")
    expect(automatic).to_have_text(re.compile(": WebSocket$"))
    window.page.evaluate("Math.random = () => 0.999")  # the longest waits there are
    assert own_server.stop() == 0
    window.state("offline")
    status = window.find("#live-status")
    expect(status).to_have_text(re.compile(r"^Offline\. Trying again in [234] s\.$"))
    expect(status.locator("[aria-live=off]")).to_have_text("1")
    expect(automatic).not_to_have_text(re.compile(":"))
    expect(window.find("#live-retry")).to_be_visible()
    expect(window.find("#live-reload")).to_be_hidden()
    own_server.start()
    window.find("#live-retry").click()
    window.state("live")
    expect(window.find("#live-actions")).to_be_hidden()


def test_without_a_network_it_is_offline_at_once_and_back_when_it_returns(own_town: Town) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    window = ann.chat(bob, transport="websocket")
    window.expect_outage()
    window.expect_problems("ERR_INTERNET_DISCONNECTED")
    window.page.context.set_offline(True)
    window.state("offline", timeout=1_000)
    window.page.context.set_offline(False)
    window.state("live")
