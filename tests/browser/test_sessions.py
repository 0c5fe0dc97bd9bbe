"""A session that ends: the page says so, and stops asking."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ..support import AppServer
from .support import TRANSPORTS, Person, follows, used


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_page_whose_session_was_ended_elsewhere_says_so_and_stops(
    transport: str, server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    bob.prefer(transport)
    context = bob.context()
    context.add_cookies([{"name": "transport", "value": transport, "url": server.url}])
    context.clock.install()
    window = bob.chat(ann, context=context, transport=None)
    window.is_on(transport)
    window.expect_problems("401")
    assert bob.program.delete("/auth/sessions/all").status_code == 204

    window.state("signed-out")
    expect(window.find("#live-status")).to_have_text("You are signed out.")
    expect(window.find("#live-login")).to_be_visible()
    before = follows(server)
    context.clock.fast_forward("10:00")
    ann.send(bob, "nobody hears this")
    assert used(server, before) == set()
    assert window.bodies.count() == 0


def test_one_comes_back_to_the_same_page_by_signing_in_again(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = bob.chat(ann)
    bob.program.delete("/auth/sessions/all")
    window.state("signed-out")
    window.find("#live-login").click()
    window.find("[name=username]").fill(bob.name)
    window.find("[name=password]").fill("correct horse")
    window.find("form.card button.primary").click()
    window.page.wait_for_url(f"**/chats/{ann.name}")
    window.is_on("websocket")


def test_what_is_written_after_the_session_has_ended_is_given_back(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = bob.chat(ann)
    window.expect_problems("40[13]")
    bob.program.delete("/auth/sessions/all")
    window.state("signed-out")
    window.write("too late")
    expect(window.find("#send-error")).to_have_text("You are signed out.")
    assert window.find("#send textarea").input_value() == "too late"
    assert window.find(".message").count() == 0


def test_signing_out_in_one_tab_signs_out_the_others(two: tuple[Person, Person]) -> None:
    _ann, bob = two
    first, second = bob.open("/"), bob.open("/account")
    first.find("header form button").click()
    first.page.wait_for_url("**/auth/login")
    second.state("signed-out")


def test_revoking_another_session_leaves_this_one_alone(two: tuple[Person, Person]) -> None:
    ann, bob = two
    here, elsewhere = bob.chat(ann), bob.open("/", context=bob.lent())
    account = bob.open("/account")
    account.page.get_by_role("button", name="End", exact=True).first.click()
    elsewhere.state("signed-out")
    ann.send(bob, "still here?")
    here.shows("still here?")
