"""Old events leave beside a running server: who stands before them is told to load anew, by whatever way."""

from __future__ import annotations

import pytest

from myapp.extensions import database

from .checker import Checker
from .someone import Someone, Three, wait_until_parked
from .stream import EventStream

SENT, OLD = 6, 4


def trim(who: Someone, *args: str) -> str:
    """What `flask inbox trim` says."""
    result = who.server.app.test_cli_runner().invoke(args=["inbox", "trim", *args])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def bob(anywhere: Three) -> Someone:
    """Somebody with SENT messages, of which OLD are two months old."""
    alice, bob, _ = anywhere
    for number in range(1, SENT + 1):
        alice.send(bob, f"{number}")
    with bob.server.app.app_context(), database().transaction() as transaction:
        transaction.driver.execute(
            f"UPDATE events SET at = at - {60 * 24 * 3600 * 1000} WHERE seq <= {OLD} "
            f"AND user_id = (SELECT id FROM users WHERE name = '{bob.name}')"
        )
    return bob


def test_cursor_from_before_is_reset_by_every_way_and_others_are_not(bob: Someone) -> None:
    assert trim(bob) == f"{OLD} events deleted\n"
    said = bob.poll(1)
    assert (said["reset"], said["events"], said["seq"]) == (True, [], SENT)
    said = bob.long_poll(OLD - 1, timeout=50).read_answer().json()
    assert (said["reset"], said["events"], said["seq"]) == (True, [], SENT)
    ws = bob.websocket(0)
    ws.hello()
    assert ws.next() == {"type": "reset", "epoch": said["epoch"], "latest": SENT}
    stream = EventStream.open(bob, 0).began()
    assert stream.next().event == "reset"
    going_on = bob.websocket(OLD)
    going_on.hello()
    assert [event["seq"] for event in going_on.events(SENT - OLD)] == [*range(OLD + 1, SENT + 1)]
    assert bob.get("/badges").json()["badges"]["messages"] == SENT


def test_who_is_current_notices_nothing(bob: Someone, anywhere: Three) -> None:
    ws, telling, polling = bob.websocket(SENT), bob.websocket(SENT, push="new"), bob.long_poll(SENT, timeout=50)
    stream = EventStream.open(bob, SENT).began()
    ws.hello(), telling.hello()
    wait_until_parked(bob, "long-poll")
    trim(bob, "--days", "30")
    trim(bob, "--days", "1")
    anywhere.alice.send(bob, "after")
    checker = Checker(SENT)
    checker.take(ws.next())
    assert telling.next() == {"type": "new", "seq": SENT + 1}
    assert [event["data"]["body"] for event in polling.read_answer().json()["events"]] == ["after"]
    assert [event["data"]["body"] for event in stream.events(1)] == ["after"]
    assert checker.cursor == SENT + 1


def test_conversations_stay(bob: Someone, anywhere: Three) -> None:
    trim(bob)
    said = bob.get(f"/messages/with/{anywhere.alice.name}").json()
    assert [message["body"] for message in said["messages"]] == [f"{number}" for number in range(SENT, 0, -1)]
