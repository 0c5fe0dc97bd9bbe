"""Server-sent events: what a stream carries, block by block, and how it ends; on both servers and both databases."""

from __future__ import annotations

import pytest

from ..support import wait_for
from .conftest import Servers
from .someone import Browser, Someone, Three, logged, people_of, wait_until_parked
from .stream import EventStream
from .wire import Wire, fetch, request_bytes


def open_stream(who: Someone, seq: int = 0, **query: object) -> EventStream:
    return EventStream.open(who, seq, **query).began()


# -- what it carries


def test_a_stream_has_the_headers_that_keep_it_a_stream(anywhere: Three) -> None:
    answer = EventStream.open(anywhere.bob).answer
    assert (answer.header("content-type") or "").startswith("text/event-stream")
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-accel-buffering") == "no"
    assert answer.header("connection") == "close"
    assert answer.header("content-length") is None


def test_a_stream_first_says_when_to_come_back_and_not_the_same_to_all(three: Three) -> None:
    waits = {EventStream.open(three.bob).block().retry for _ in range(5)}
    assert all(1000 <= int(wait) <= 3000 for wait in waits)
    assert len(waits) > 1


def test_each_event_has_its_seq_and_kind_and_badges_follow_the_batch(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    sent = [alice.send(bob, body) for body in ("hëllo", 'two\nlines "quoted"')]
    stream = open_stream(bob)
    for seq, message in enumerate(sent, 1):
        block = stream.next()
        assert (block.id, block.event) == (str(seq), "message")
        event = block.json()
        assert set(event) == {"seq", "kind", "at", "data"}
        assert (event["seq"], event["data"]["id"], event["data"]["body"]) == (seq, message["id"], message["body"])
    badges = stream.next()
    assert (badges.event, badges.id, badges.json()["messages"]) == ("badges", "", 2)


def test_a_message_reaches_a_waiting_stream(anywhere: Three) -> None:
    alice, bob, _ = anywhere
    stream = open_stream(bob)
    assert stream.is_quiet
    for number in range(1, 4):
        message = alice.send(bob, str(number))
        (event,) = stream.events(1)
        assert (event["seq"], event["data"]["id"]) == (number, message["id"])


def test_a_stream_gives_only_what_follows_its_cursor(three: Three) -> None:
    alice, bob, _ = three
    for number in range(3):
        alice.send(bob, str(number))
    assert [event["seq"] for event in open_stream(bob, 2).events(1)] == [3]


def test_the_last_event_id_wins_over_seq(three: Three) -> None:
    alice, bob, _ = three
    for number in range(3):
        alice.send(bob, str(number))
    stream = EventStream.open(bob, 0, {"Last-Event-ID": "2"}).began()
    assert [event["seq"] for event in stream.events(1)] == [3]


def test_a_long_inbox_comes_whole_and_in_order(three: Three) -> None:
    alice, bob, _ = three
    for number in range(40):
        alice.send(bob, f"{number}".ljust(3900, "x"))
    stream = open_stream(bob)
    assert [event["seq"] for event in stream.events(40)] == list(range(1, 41))


@pytest.mark.parametrize("query", [{"epoch": "another"}, {"seq": 7}], ids=["epoch", "beyond"])
def test_a_cursor_that_means_nothing_gets_reset_and_goes_on_from_latest(anywhere: Three, query: dict) -> None:
    alice, bob, _ = anywhere
    alice.send(bob, "before")
    stream = EventStream.open(bob, **{"seq": 0, **query}).began()
    block = stream.next()
    assert (block.event, block.id) == ("reset", "")
    assert block.json() == {"type": "reset", "epoch": bob.poll()["epoch"], "latest": 1}
    alice.send(bob, "after")
    assert [event["seq"] for event in stream.events(1)] == [2]


def test_a_silent_stream_carries_comments(watched: Three) -> None:
    stream = open_stream(watched.bob)
    for _ in range(2):
        block = stream.block()
        assert block.comments and not block.data


# -- who may, and who may not


def test_a_bad_query_or_last_event_id_is_422_and_names_it(three: Three) -> None:
    bob = three.bob
    for query, headers, field in (
        ("seq=-1", {}, "seq"),
        ("seq=1&seq=2", {}, "seq"),
        ("", {"Last-Event-ID": "x"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "9007199254740992"}, "Last-Event-ID"),
        ("watch=" + ",".join(f"t{n}" for n in range(51)), {}, "watch"),
    ):
        answer = bob.get(f"/messages/stream?{query}", headers)
        assert (answer.status, list(answer.json()["errors"])) == (422, [field])


def test_nobody_gets_a_401(three: Three) -> None:
    answer = fetch(three.bob.port, "GET", "/messages/stream?seq=0")
    assert (answer.status, answer.header("www-authenticate")) == (401, "Bearer")


def test_head_answers_at_once_and_parks_nothing(three: Three) -> None:
    answer = fetch(three.bob.port, "HEAD", "/messages/stream?seq=0", three.bob.headers)
    assert (answer.status, (answer.header("content-type") or "").partition(";")[0]) == (200, "text/event-stream")
    assert three.alice.get(f"/presence?users={three.bob.name}").json() == {three.bob.name: "offline"}


def test_a_body_is_refused(three: Three) -> None:
    answer = fetch(three.bob.port, "GET", "/messages/stream?seq=0", three.bob.headers, body=b"hello")
    assert answer.status == 400


def test_a_ticket_follows_by_stream(three: Three) -> None:
    ticket = three.bob.post("/auth/ticket", {}).json()["ticket"]
    wire = Wire(three.bob.port)
    wire.send(request_bytes("GET", f"/messages/stream?seq=0&ticket={ticket}"))
    assert wire.read_answer("HEAD").status == 200


def test_an_allowed_origin_may_read_it(three: Three) -> None:
    answer = EventStream.open(three.bob, 0, {"Origin": "https://friend.example"}).answer
    assert answer.header("access-control-allow-origin") == "https://friend.example"
    assert "Origin" in (answer.header("vary") or "")


# -- how it ends


def test_a_session_that_ends_closes_its_stream_with_4401(server: object, three: Three) -> None:
    bob = people_of(three.bob.server, password=True).bob
    browser = Browser(bob)
    stream = EventStream(bob.port)
    stream.send(request_bytes("GET", "/messages/stream?seq=0", browser.headers))
    assert stream.read_answer("HEAD").status == 200
    stream.began()
    assert browser.change("POST", "/auth/logout").status == 204
    block = stream.next()
    assert (block.event, block.json()) == ("close", {"code": 4401, "retry": None})
    assert stream.read_to_end() == b""


def test_a_stop_ends_streams_with_a_code_and_a_time_to_come_back(start: Servers) -> None:
    bob = people_of(start()).bob
    streams = [open_stream(bob) for _ in range(10)]
    assert bob.server.stop() == 0
    waits = set()
    for stream in streams:
        block = stream.next()
        said = block.json()
        assert (block.event, said["code"]) == ("close", {"pywsgi": 1001, "uwsgi": 1012}[bob.server.kind])
        assert int(block.retry) == round(1000 * said["retry"])  # an EventSource obeys this one
        waits.add(said["retry"])
        assert stream.read_to_end() == b""
    assert len(waits) > 1


def test_a_client_that_went_leaves_its_place_within_some_comments(watched: Three) -> None:
    """pywsgi notices at once; uWSGI's router when it cannot pass them on."""
    wait_until_parked(watched.bob, "sse", 0)
    streams = [open_stream(watched.bob) for _ in range(3)]
    wait_until_parked(watched.bob, "sse", 3)
    streams[0].cut()
    streams[1].close()
    wait_until_parked(watched.bob, "sse", 1)


def test_what_a_client_sends_behind_its_request_is_not_served(three: Three) -> None:
    stream = open_stream(three.bob)
    stream.send(request_bytes("GET", "/healthz"))
    three.alice.send(three.bob, "hi")
    assert [event["seq"] for event in stream.events(1)] == [1]
    assert stream.is_quiet


def test_it_is_in_the_access_log_once(three: Three) -> None:
    asked = f"stream-of-{three.bob.name}"
    stream = EventStream.open(three.bob, 0, {"X-Request-ID": asked}).began()
    wait_for(lambda: logged(three.bob, asked), "the line in the log")
    three.alice.send(three.bob, "hi")
    stream.events(1)
    (line,) = logged(three.bob, asked)
    assert '"GET /messages/stream" 200' in line


# -- what it watches


def test_a_stream_is_given_what_it_watches_now_and_when_it_changes(three: Three) -> None:
    alice, bob, carol = three
    stream = open_stream(bob, watch=f"presence:{alice.name},presence:nobody-at-all,{carol.name}")
    first = stream.next()
    said = first.json()
    assert (first.event, first.id) == ("snapshot", "")
    assert (said["type"], said["topic"], said["data"]) == ("snapshot", f"presence:{alice.name}", {"state": "offline"})
    refused = [stream.next(), stream.next()]
    assert [block.event for block in refused] == ["error", "error"]
    assert "presence:nobody-at-all" in refused[0].json()["detail"] and carol.name in refused[1].json()["detail"]
    ws = alice.websocket()
    ws.hello()
    changed = stream.next().json()
    assert changed["data"] == {"state": "online"}
    assert changed["version"] > said["version"]
    ws.cut()
    gone = stream.next().json()
    assert gone["data"] == {"state": "offline"}
    assert gone["version"] > changed["version"]


def test_a_websocket_is_given_what_it_watches_and_told_what_it_may_not(three: Three) -> None:
    alice, bob, _ = three
    ws = bob.websocket()
    ws.hello()
    ws.say(f'{{"type": "watch", "topics": ["presence:{alice.name}", "task:1"]}}')
    said = ws.next()
    version = said.pop("version")
    assert said == {"type": "snapshot", "topic": f"presence:{alice.name}", "data": {"state": "offline"}}
    assert "task:1" in ws.next()["detail"]
    open_stream(alice)
    said = ws.next()
    assert (said["data"], said["version"] > version) == ({"state": "online"}, True)
    ws.say('{"type": "watch", "topics": []}')
    ws.say('{"type": "ping"}')
    assert ws.next()["type"] == "pong"


def test_a_poll_has_the_snapshots_that_it_asks_for(three: Three) -> None:
    alice, bob, _ = three
    said = bob.poll(watch=f"presence:{alice.name},post:17")
    (topic,) = said["snapshots"]
    assert (topic, said["snapshots"][topic]["data"]) == (f"presence:{alice.name}", {"state": "offline"})
    assert "'post:17'" in said["errors"]["watch"]


def test_a_waiting_long_poll_is_answered_when_what_it_watches_changes(three: Three) -> None:
    alice, bob, _ = three
    waiting = bob.long_poll(0, timeout=20, watch=f"presence:{alice.name},post:17")
    wait_until_parked(bob, "long-poll")
    open_stream(alice)
    said = waiting.read_answer().json()
    assert said["events"] == []
    assert said["snapshots"][f"presence:{alice.name}"]["data"] == {"state": "online"}
    assert "'post:17'" in said["errors"]["watch"]
