"""When parts fail: lost news, another process that writes, kill -9, a restored backup."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from myapp.auth.people import by_name
from myapp.extensions import database
from myapp.messages import service

from ..support import BIN, ROOT, AppServer
from .checker import Checker, stored
from .conftest import Servers
from .someone import Someone, Three, people_of, wait_until_parked
from .wire import fetch

#: The promise, and what a busy machine may add.
LATEST, SLACK = 5.0, 3.0


def write_beside(sender: Someone, to: Someone, body: str) -> None:
    """Send a message from this process, past the server."""
    with sender.server.app.app_context(), database().transaction() as transaction:
        service.send(transaction, by_name(transaction, sender.name), to.name, body)


def test_what_another_process_wrote_reaches_every_parked_client_within_5_s(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    ws, telling, polling = bob.websocket(), bob.websocket(0, push="new"), bob.long_poll(0, timeout=50)
    ws.hello(), telling.hello()
    wait_until_parked(bob, "long-poll")
    began = time.monotonic()
    write_beside(alice, bob, "from beside")
    assert [event["data"]["body"] for event in ws.events(1)] == ["from beside"]
    assert telling.next() == {"type": "new", "seq": 1}
    assert polling.read_answer().json()["events"][0]["data"]["body"] == "from beside"
    assert time.monotonic() - began < LATEST + SLACK


@pytest.fixture
def bus(probed: AppServer) -> Iterator[Three]:
    """Three people of a server whose bus is mended after the test."""
    yield people_of(probed)
    fetch(probed.port, "POST", "/_bus/works")


@pytest.mark.parametrize("how", ["lose", "double", "swap"])
def test_news_that_the_bus_loses_doubles_or_swaps_costs_no_event(bus: Three, how: str) -> None:
    alice, bob, _ = bus
    ws = bob.websocket()
    ws.hello()
    fetch(bob.port, "POST", f"/_bus/{how}")
    checker = Checker()
    for number in range(9):
        alice.send(bob, str(number))
    began = time.monotonic()
    while checker.cursor < 9:
        checker.take(ws.next())
    assert time.monotonic() - began < LATEST + SLACK
    checker.finish(stored(bob))
    ws.say("heartCheck")
    assert ws.next() == {"type": "pong", "latest": 9}


def test_after_kill_9_clients_that_come_back_get_everything_after_their_cursor(start: Servers) -> None:
    server = start()
    alice, bob, _ = people_of(server)
    alice.send(bob, "one")
    ws, polling = bob.websocket(), bob.long_poll(1, timeout=50)
    ws.hello()
    checker = Checker()
    checker.take(ws.next())
    wait_until_parked(bob, "long-poll")
    server.kill()
    assert ws.read_to_end() == b""
    assert polling.read_to_end() == b""
    write_beside(alice, bob, "two, while it is down")
    server.start()
    again = bob.websocket(checker.cursor)
    again.hello()
    checker.take(again.next())
    alice.send(bob, "three")
    checker.take(again.next())
    assert [event["data"]["body"] for event in checker.events] == ["one", "two, while it is down", "three"]
    assert bob.long_poll(1).read_answer().json()["seq"] == 3


def test_what_was_answered_before_kill_9_is_stored(start: Servers) -> None:
    server = start()
    alice, bob, _ = people_of(server)
    for number in range(20):
        alice.send(bob, str(number))
    server.kill()
    server.start()
    assert [event["data"]["body"] for event in stored(bob)] == [str(number) for number in range(20)]


def restore_a_backup(server: AppServer) -> str:
    """What an administrator runs beside the server after restoring a backup; the new epoch."""
    command = [str(BIN / "flask"), "--app", "wsgi", "inbox", "new-epoch"]
    done = subprocess.run(command, cwd=ROOT, env=server.environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_restored_database_resets_every_client_once(start: Servers) -> None:
    alice, bob, _ = people_of(start())
    alice.send(bob, "before")
    ws, telling = bob.websocket(1), bob.websocket(1, push="new")
    before = ws.hello()["epoch"]
    telling.hello()
    polling = bob.long_poll(1, timeout=50, epoch=before)
    wait_until_parked(bob, "long-poll")
    epoch = restore_a_backup(bob.server)
    assert epoch != before
    for socket in (ws, telling):
        hello = socket.hello()
        assert (hello["epoch"], hello["seq"], hello["latest"]) == (epoch, 1, 1)
        assert socket.next() == {"type": "reset", "epoch": epoch, "latest": 1}
    said = polling.read_answer().json()
    assert (said["reset"], said["events"], said["seq"], said["epoch"]) == (True, [], 1, epoch)
    # the next comparison finds this, and resets nobody again
    write_beside(alice, bob, "after")
    assert [event["seq"] for event in ws.events(1)] == [2]
    assert telling.next() == {"type": "new", "seq": 2}


def test_a_cursor_of_the_epoch_before_is_reset_by_a_short_poll(start: Servers) -> None:
    alice, bob, _ = people_of(start())
    alice.send(bob, "before")
    before = bob.poll()["epoch"]
    epoch = restore_a_backup(bob.server)
    said = bob.poll(1, epoch=before)
    assert (said["reset"], said["epoch"], said["seq"]) == (True, epoch, 1)
    assert bob.poll(1, epoch=epoch)["reset"] is False
