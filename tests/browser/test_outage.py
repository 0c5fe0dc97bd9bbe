"""The server goes away and comes back: both windows show what they missed, and nobody had to reload anything."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect

from myapp.auth.people import by_name
from myapp.extensions import database
from myapp.messages import service

from ..support import ROOT, AppServer, wait_for
from .support import TRANSPORTS, Person, Town

#: Milliseconds after the server's return in which a window must have what it missed.
BACK = 5_000


def write_beside_the_server(sender: Person, receiver: Person, text: str) -> None:
    """Another process writes a message into the database; no server hears of it."""
    with sender.server.app.app_context(), database().transaction() as transaction:
        service.send(transaction, by_name(transaction, sender.name), receiver.name, text)


def new_epoch(server: AppServer) -> None:
    """What one does after restoring a backup."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "inbox", "new-epoch"]
    subprocess.run(command, cwd=ROOT, env=server.environ, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("choice", "own_server", "number", "seconds"),
    [
        ("auto", "pywsgi", signal.SIGTERM, 20),
        ("auto", "uwsgi", signal.SIGKILL, 3),
        ("sse", "uwsgi", signal.SIGKILL, 3),
    ],
    indirect=["own_server"],
    ids=["auto-pywsgi-stopped-for-20s", "auto-uwsgi-killed", "sse-uwsgi-killed"],
)
def test_after_an_outage_both_windows_show_what_they_missed(
    choice: str, own_server: AppServer, own_town: Town, number: int, seconds: float
) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    transport = "websocket" if choice == "auto" else choice
    for person in (ann, bob):
        person.prefer(choice)
    at_ann, at_bob = ann.chat(bob, transport=transport), bob.chat(ann, transport=transport)
    for window in (at_ann, at_bob):
        window.expect_outage()
        window.mark()
    at_ann.write("before")
    for window in (at_ann, at_bob):  # the one who wrote it has the answer too: the outage finds nothing on its way
        window.shows("before")

    gone = time.monotonic()
    if number == signal.SIGKILL:
        own_server.kill()
    else:
        assert own_server.stop(number) == 0
    for window in (at_ann, at_bob):
        window.state("offline")
    at_ann.write("written into the outage")
    expect(at_ann.find(".message--pending [data-field=mark]")).to_have_text("Waiting for the network…")
    write_beside_the_server(bob, ann, "written by another program")
    # the length of the outage is what is tried here: the waits between two tries have grown by its end
    at_bob.page.wait_for_timeout(max(0, seconds - (time.monotonic() - gone)) * 1000)

    own_server.start()
    back = time.monotonic()
    said = ["before", "written by another program", "written into the outage"]
    for window in (at_ann, at_bob):
        window.shows(*said, timeout=max(1, BACK - (time.monotonic() - back) * 1000))
    for window in (at_ann, at_bob):
        assert not window.was_reloaded()
        window.is_on(transport)
    assert ann.stored(bob) == said
    at_bob.write("after")
    at_ann.shows(*said, "after")
    heard = at_ann.heard
    assert heard == sorted(set(heard)), "nothing came twice"


@pytest.mark.parametrize("own_server", ["pywsgi"], indirect=True)
def test_a_restart_is_survived_over_every_transport(own_server: AppServer, own_town: Town) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    windows = []
    for transport in TRANSPORTS:
        bob.prefer(transport)
        window = bob.chat(ann, transport=transport)
        window.expect_outage()
        window.mark()
        windows.append(window)
    own_server.stop()
    write_beside_the_server(ann, bob, "missed")
    own_server.start()
    for window in windows:
        window.shows("missed", timeout=BACK)
    ann.send(bob, "live")
    for window, transport in zip(windows, TRANSPORTS, strict=True):
        window.shows("missed", "live")
        window.is_on(transport)
        assert not window.was_reloaded()


@pytest.mark.parametrize("own_server", ["pywsgi"], indirect=True)
def test_after_a_restored_backup_the_page_loads_its_state_once_and_goes_on(
    own_server: AppServer, own_town: Town
) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    ann.send(bob, "before")
    window = bob.chat(ann)
    window.shows("before")
    window.expect_outage()
    window.mark()
    window.find("#send textarea").fill("half a sen")
    loads: list[str] = []
    window.page.on("request", lambda asked: loads.append(asked.url) if re.search(r"/chats/", asked.url) else None)
    epoch = window.find("body").get_attribute("data-epoch")

    own_server.stop()
    new_epoch(own_server)
    own_server.start()

    expect(window.find("body")).not_to_have_attribute("data-epoch", str(epoch), timeout=10_000)
    ann.send(bob, "after")
    window.shows("before", "after")
    assert len(loads) == 1
    assert not window.was_reloaded()
    assert window.find("#send textarea").input_value() == "half a sen", "what was typed is kept"


@pytest.mark.parametrize("own_server", ["pywsgi"], indirect=True)
def test_a_new_epoch_is_noticed_over_every_transport_while_the_server_runs(
    own_server: AppServer, own_town: Town
) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    windows = []
    for transport in TRANSPORTS:
        bob.prefer(transport)
        windows.append(bob.open("/", transport=transport))
    epoch = windows[0].find("body").get_attribute("data-epoch")
    new_epoch(own_server)
    for window in windows:
        expect(window.find("body")).not_to_have_attribute("data-epoch", str(epoch), timeout=15_000)
    ann.send(bob, "Hello")
    for window in windows:
        expect(window.find("[data-conversation] [data-field=body]")).to_have_text("Hello", timeout=10_000)
        window.counts(1)


def test_a_message_whose_answer_is_lost_is_sent_again_with_its_key_and_appears_once(two: tuple[Person, Person]) -> None:
    ann, bob = two
    at_ann, at_bob = ann.chat(bob), bob.chat(ann)
    at_ann.expect_problems(r"POST .*/messages: net::ERR_FAILED", r"Failed to load resource: net::ERR_FAILED")
    keys: list[str] = []

    def lose_the_first_answer(route):  # type: ignore[no-untyped-def]
        keys.append(route.request.post_data_json["key"])
        if len(keys) > 1:
            route.continue_()
            return
        assert route.fetch().status == 201, "the server has stored it"
        route.abort()

    at_ann.page.route("**/messages", lose_the_first_answer)
    at_ann.write("only once")
    at_bob.shows("only once")
    at_ann.shows("only once")
    assert len(keys) == 2 and keys[0] == keys[1]
    at_ann.write("and one more")
    for window in (at_ann, at_bob):
        window.shows("only once", "and one more")
    assert ann.stored(bob) == ["only once", "and one more"]


@pytest.mark.parametrize("own_server", ["pywsgi"], indirect=True)
def test_what_was_read_just_before_leaving_the_page_is_marked(own_server: AppServer, own_town: Town) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    window, other = bob.chat(ann), bob.open("/account")
    window.page.evaluate("document.hasFocus = () => false")
    ann.send(bob, "Hello")
    window.counts(1)
    with own_server.paused():
        # with all six connections to one host in use, the mark waits in the browser until its page is long gone
        other.page.evaluate("() => { for (let i = 0; i < 6; i++) fetch(`/healthz?${i}`).catch(() => {}) }")
        with window.page.expect_request("**/messages/read"):
            window.page.evaluate("delete document.hasFocus; window.dispatchEvent(new Event('focus'))")
        window.page.goto("about:blank")
    wait_for(lambda: bob.program.get("/badges").json()["badges"]["messages"] == 0, "the message to be read")


def test_the_same_text_twice_is_two_messages(two: tuple[Person, Person]) -> None:
    ann, bob = two
    at_ann, at_bob = ann.chat(bob), bob.chat(ann)
    at_ann.write("yes")
    at_ann.write("yes")
    for window in (at_ann, at_bob):
        window.shows("yes", "yes")
