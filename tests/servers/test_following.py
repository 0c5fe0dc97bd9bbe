"""Following an inbox: what each way of it gives, field by field, on both servers and both databases."""

from __future__ import annotations

import re

from myapp.auth.people import avatar

from .someone import Three, wait_until_parked

POLL_FIELDS = {"epoch", "events", "seq", "latest", "badges", "snapshots", "reset", "next"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def check_message_event(event: dict, seq: int, three: Three, body: str, message: dict) -> None:
    """A message from alice to bob, as both sides' inboxes have it."""
    assert set(event) == {"seq", "kind", "at", "data"}
    assert (event["seq"], event["kind"]) == (seq, "message")
    assert TIME.fullmatch(event["at"])
    assert event["data"] == {
        "id": message["id"],
        "from": three.alice.name,
        "from_name": three.alice.name,
        "avatar": avatar(three.alice.name, three.alice.name, None),
        "to": three.bob.name,
        "body": body,
    }


def test_a_send_answers_with_the_message_and_the_senders_seq(anywhere: Three) -> None:
    answer = anywhere.alice.post("/messages", {"to": anywhere.bob.name, "body": "hi"})
    assert answer.status == 201
    message = answer.json()
    assert set(message) == {"id", "from", "from_name", "avatar", "to", "body", "at", "deleted", "seq"}
    assert (message["from"], message["to"], message["body"]) == (anywhere.alice.name, anywhere.bob.name, "hi")
    assert message["seq"] == 1


def test_a_send_repeated_with_its_key_is_one_message(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    first = alice.post("/messages", {"to": bob.name, "body": "hi", "key": "k"})
    again = alice.post("/messages", {"to": bob.name, "body": "hi", "key": "k"})
    assert (first.status, again.status) == (201, 200)
    assert first.json() == again.json()
    assert len(bob.poll()["events"]) == 1


def test_a_key_used_for_other_content_is_a_conflict(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    alice.send(bob, "hi", key="k")
    answer = alice.post("/messages", {"to": bob.name, "body": "other", "key": "k"})
    assert (answer.status, answer.header("content-type")) == (409, "application/problem+json")


def test_an_empty_inbox_polls_empty(anywhere: Three) -> None:
    said = anywhere.bob.poll()
    assert set(said) == POLL_FIELDS
    assert (said["events"], said["seq"], said["latest"], said["reset"]) == ([], 0, 0, False)
    assert (said["snapshots"], said["badges"].get("messages")) == ({}, 0)
    assert said["epoch"] and isinstance(said["epoch"], str)
    assert said["next"] > 0


def test_a_message_arrives_by_short_poll(anywhere: Three) -> None:
    message = anywhere.alice.send(anywhere.bob, "hëllo")
    said = anywhere.bob.poll()
    assert set(said) == POLL_FIELDS
    check_message_event(said["events"][0], 1, anywhere, "hëllo", message)
    assert (said["seq"], said["latest"], said["reset"], said["badges"]["messages"]) == (1, 1, False, 1)


def test_a_message_arrives_in_the_senders_inbox_too(anywhere: Three) -> None:
    message = anywhere.alice.send(anywhere.bob, "hi")
    said = anywhere.alice.poll()
    check_message_event(said["events"][0], 1, anywhere, "hi", message)
    assert said["badges"]["messages"] == 0


def test_a_poll_gives_at_most_its_limit_and_says_to_ask_again_at_once(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    for number in range(3):
        alice.send(bob, str(number))
    said = bob.poll(limit=2)
    assert [event["seq"] for event in said["events"]] == [1, 2]
    assert (said["seq"], said["latest"], said["next"]) == (2, 3, 0)


def test_a_poll_gives_only_what_follows_its_cursor(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    for number in range(3):
        alice.send(bob, str(number))
    assert [event["seq"] for event in bob.poll(2)["events"]] == [3]


def test_a_cursor_beyond_the_inbox_is_reset(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    alice.send(bob, "hi")
    said = bob.poll(7)
    assert (said["reset"], said["events"], said["seq"], said["latest"]) == (True, [], 1, 1)


def test_another_epoch_is_reset(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    alice.send(bob, "hi")
    said = bob.poll(0, epoch="another")
    assert (said["reset"], said["events"], said["seq"]) == (True, [], 1)


def test_the_answered_epoch_is_no_reset(anywhere: Three) -> None:
    epoch = anywhere.bob.poll()["epoch"]
    assert anywhere.bob.poll(0, epoch=epoch)["reset"] is False


def test_a_long_poll_answers_at_once_when_there_is_something(anywhere: Three) -> None:
    message = anywhere.alice.send(anywhere.bob, "hi")
    said = anywhere.bob.long_poll(0).read_answer().json()
    assert set(said) == POLL_FIELDS
    check_message_event(said["events"][0], 1, anywhere, "hi", message)
    assert (said["seq"], said["latest"], said["next"], said["reset"]) == (1, 1, 0, False)


def test_a_message_answers_a_waiting_long_poll(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    waiting = bob.long_poll(0, timeout=20)
    wait_until_parked(bob, "long-poll")
    assert waiting.is_quiet
    message = alice.send(bob, "hi")
    said = waiting.read_answer().json()
    assert set(said) == POLL_FIELDS
    check_message_event(said["events"][0], 1, anywhere, "hi", message)
    assert (said["seq"], said["latest"], said["next"]) == (1, 1, 0)
    assert (said["badges"]["messages"], said["snapshots"], said["reset"]) == (1, {}, False)


def test_a_long_poll_without_news_answers_empty_after_its_timeout(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    alice.send(bob, "hi")
    said = bob.long_poll(1, timeout=0.3).read_answer().json()
    assert set(said) == POLL_FIELDS
    assert (said["events"], said["seq"], said["latest"], said["reset"], said["next"]) == ([], 1, 1, False, 0)
    assert said["badges"]["messages"] == 1


def test_a_long_poll_with_timeout_0_answers_at_once(anywhere: Three) -> None:
    assert anywhere.bob.long_poll(0, timeout=0).read_answer().json()["events"] == []


def test_a_long_poll_of_another_epoch_answers_reset_at_once(anywhere: Three) -> None:
    said = anywhere.bob.long_poll(0, timeout=20, epoch="another").read_answer().json()
    assert (said["reset"], said["events"]) == (True, [])


def test_a_websocket_says_hello_first(anywhere: Three) -> None:
    anywhere.alice.send(anywhere.bob, "hi")
    said = anywhere.bob.websocket(1).next()
    epoch = said.pop("epoch")
    badges = said.pop("badges")
    assert said == {"type": "hello", "protocol": 1, "seq": 1, "latest": 1, "heartbeat": 25}
    assert (epoch, badges["messages"]) == (anywhere.bob.poll()["epoch"], 1)


def test_a_websocket_gets_what_follows_its_cursor_after_hello(anywhere: Three) -> None:
    message = anywhere.alice.send(anywhere.bob, "hi")
    socket = anywhere.bob.websocket(0)
    assert socket.hello()["seq"] == 0
    said = socket.next()
    assert set(said) == {"type", "events", "seq", "latest", "badges"}
    assert (said["type"], said["seq"], said["latest"], said["badges"]["messages"]) == ("events", 1, 1, 1)
    check_message_event(said["events"][0], 1, anywhere, "hi", message)


def test_a_message_reaches_a_waiting_websocket(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    socket = bob.websocket(0)
    socket.hello()
    message = alice.send(bob, "hi")
    said = socket.next()
    assert set(said) == {"type", "events", "seq", "latest", "badges"}
    assert (said["type"], said["seq"], said["latest"], said["badges"]["messages"]) == ("events", 1, 1, 1)
    check_message_event(said["events"][0], 1, anywhere, "hi", message)


def test_messages_reach_a_websocket_in_order(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    socket = bob.websocket(0)
    socket.hello()
    for number in range(20):
        alice.send(bob, str(number))
    events = list(socket.events(20))
    assert [event["seq"] for event in events] == list(range(1, 21))
    assert [event["data"]["body"] for event in events] == [str(number) for number in range(20)]


def test_an_inbox_longer_than_a_frame_comes_in_several(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    for number in range(12):
        alice.send(bob, f"{number}" + "x" * 3_900 + "ß")
    waiting = alice.long_poll(0, timeout=5).read_answer()
    assert waiting.status == 200
    socket = bob.websocket(0)
    socket.hello()
    assert [event["seq"] for event in socket.events(12)] == list(range(1, 13))


def test_a_websocket_of_another_epoch_gets_hello_then_reset_and_goes_on_from_latest(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    alice.send(bob, "before")
    socket = bob.websocket(0, epoch="another")
    said = socket.hello()
    assert (said["seq"], said["latest"]) == (1, 1)
    assert socket.next() == {"type": "reset", "epoch": said["epoch"], "latest": 1}
    alice.send(bob, "after")
    assert [event["seq"] for event in socket.events(1)] == [2]


def test_a_websocket_beyond_the_inbox_is_reset(anywhere: Three) -> None:
    socket = anywhere.bob.websocket(7)
    assert socket.hello()["seq"] == 0
    said = socket.next()
    assert (said["type"], said["latest"]) == ("reset", 0)


def test_with_push_new_a_websocket_is_told_the_newest_seq(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    socket = bob.websocket(0, push="new")
    socket.hello()
    alice.send(bob, "hi")
    assert socket.next() == {"type": "new", "seq": 1}


def test_with_push_new_a_websocket_that_is_behind_is_told_so_after_hello(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    alice.send(bob, "1")
    alice.send(bob, "2")
    socket = bob.websocket(0, push="new")
    said = socket.hello()
    assert (said["seq"], said["latest"]) == (0, 2)
    assert socket.next() == {"type": "new", "seq": 2}


def test_reading_tells_both_sides(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    message = alice.send(bob, "hi")
    of_alice, of_bob = alice.websocket(1), bob.websocket(1)
    of_alice.hello(), of_bob.hello()
    answer = bob.post("/messages/read", {"with": alice.name, "upto": message["id"]})
    assert (answer.status, answer.json()["badges"]["messages"]) == (200, 0)
    wanted = {"by": bob.name, "with": alice.name, "upto": message["id"]}
    for socket in (of_alice, of_bob):
        said = socket.next()
        assert [(event["kind"], event["data"]) for event in said["events"]] == [("read", wanted)]
        assert said["badges"]["messages"] == 0


def test_every_client_of_a_user_gets_the_event(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    sockets = [bob.websocket(0) for _ in range(3)]
    for socket in sockets:
        socket.hello()
    waiting = [bob.long_poll(0, timeout=20) for _ in range(3)]
    wait_until_parked(bob, "long-poll", 3)
    alice.send(bob, "hi")
    assert [event["seq"] for socket in sockets for event in socket.events(1)] == [1, 1, 1]
    assert [wire.read_answer().json()["seq"] for wire in waiting] == [1, 1, 1]


def test_nobody_else_gets_the_event(anywhere: Three) -> None:
    alice, bob, carol = anywhere
    of_carol = carol.websocket(0)
    of_carol.hello()
    of_bob = bob.websocket(0)
    of_bob.hello()
    alice.send(bob, "hi")
    list(of_bob.events(1))
    of_carol.say('{"type": "ping"}')
    assert of_carol.next() == {"type": "pong", "latest": 0}
