"""The core: cursor, reset, heartbeats, close codes, choice of transport, backoff. No I/O, a clock of the test's."""

from __future__ import annotations

import ast
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

import myapp_client
from myapp_client import ClientError, Cursor, Event, Forbidden, Invalid, NotFound, NotSignedIn, Pace, ProtocolError
from myapp_client.closing import retry_of
from myapp_client.events import start_at
from myapp_client.pace import backoff

from .puppet import Ask, HangUp, Listen, Open, Puppet, Say, badges_at, events, hello, poll, reset

# -- the cursor


def test_events_come_out_typed_and_the_cursor_moves_with_each_that_is_taken() -> None:
    puppet = Puppet()
    puppet.open(hello(2))
    puppet.core.heard(events(1, 2), puppet.now)
    first = puppet.core.take()
    assert first == Event(1, "message", datetime(2026, 11, 20, 9, tzinfo=UTC), {"body": "1"})
    assert puppet.core.cursor == Cursor(1, "e1")
    puppet.core.take()
    assert (puppet.core.cursor, puppet.core.take()) == (Cursor(2, "e1"), None)


def test_an_event_is_told_as_it_came() -> None:
    said = {"seq": 1, "kind": "x", "at": "2026-11-20T09:00:00.120Z", "data": {"a": None}}
    assert myapp_client.events.event_of(said).as_json() == said


def test_what_was_had_before_is_dropped() -> None:
    puppet = Puppet(2, "e1")
    puppet.open(hello(4), events(1, 2, 3), events(3, 4), events(4))
    assert puppet.seqs == [3, 4]


def test_where_one_is_missing_the_connection_is_made_anew_from_the_cursor() -> None:
    puppet = Puppet()
    puppet.open(hello(4), events(1), events(3))
    assert isinstance(puppet.core.step(puppet.now), HangUp)
    assert puppet.asks(Open) == {"seq": "1", "epoch": "e1"}
    assert puppet.seqs == [1]


def test_without_seq_it_begins_at_the_latest() -> None:
    puppet = Puppet(None)
    assert puppet.step() == Ask("/badges", 15.0)
    puppet.answer(json.dumps({"badges": {"likes": 3}, "seq": 18, "epoch": "e1"}).encode())
    assert (puppet.core.cursor, puppet.core.badges) == (Cursor(18, "e1"), {"likes": 3})
    assert puppet.asks(Open) == {"seq": "18", "epoch": "e1"}


def test_badges_that_stand_at_an_earlier_seq_are_of_no_interest() -> None:
    puppet = Puppet()
    puppet.open(hello(2), events(1, 2), events(1))
    assert puppet.core.badges == badges_at(2, "e1")


@pytest.mark.parametrize("seq", [-1, 2**53, True, 1.0, "1"])
def test_a_seq_that_is_none_is_named(seq: object) -> None:
    with pytest.raises(ValueError, match="^seq: "):
        start_at(seq, "")  # type: ignore[arg-type]


def test_an_epoch_without_its_seq_is_refused() -> None:
    with pytest.raises(ValueError, match="^epoch: "):
        start_at(None, "e1")


# -- reset


def test_a_reset_comes_once_in_its_place_and_following_goes_on_behind_it() -> None:
    puppet = Puppet(0, "e1")
    puppet.open(hello(1, "e1"), events(1), hello(9, "e2"), reset(9, "e2"), events(10))
    assert puppet.seqs == [1, 10]
    (told,) = puppet.resets
    assert (told.before, told.cursor, puppet.taken.index(told)) == (Cursor(1, "e1"), Cursor(9, "e2"), 1)
    assert puppet.core.cursor == Cursor(10, "e2")


def test_a_reset_brings_the_badges_of_the_inbox_that_was_put_back() -> None:
    puppet = Puppet(100, "e1")
    puppet.open(hello(100, "e1"), hello(60, "e2"), reset(60, "e2"))
    assert puppet.core.badges == badges_at(60, "e2")


def test_a_reset_that_was_announced_and_not_heard_comes_after_all() -> None:
    puppet = Puppet(5, "e1")
    puppet.open(hello(9, "e2"))
    puppet.close(None)
    assert puppet.resets == []
    assert puppet.asks(Open) == {"seq": "5", "epoch": "e1"}


def test_a_poll_resets_too() -> None:
    puppet = Puppet(5, "e1", "long-poll")
    puppet.asks(Ask)
    puppet.answer(poll(seq=9, epoch="e2", is_reset=True))
    assert [told.cursor for told in puppet.resets] == [Cursor(9, "e2")]
    assert puppet.asks(Ask) == {"seq": "9", "epoch": "e2", "timeout": "25.0"}


def test_events_of_another_epoch_without_reset_are_not_taken() -> None:
    puppet = Puppet(0, "e1")
    puppet.open(hello(9, "e2"), events(1))
    assert puppet.seqs == []
    assert isinstance(puppet.core.step(puppet.now), HangUp)


# -- heartbeats


def test_a_ping_with_the_cursor_goes_out_at_the_interval_that_hello_names() -> None:
    puppet = Puppet()
    puppet.open(hello(1, heartbeat=10), events(1))
    assert puppet.step() == Listen(10.0)
    puppet.now += 10
    assert puppet.step() == Say('{"type": "ping", "seq": 1}')
    assert puppet.step() == Listen(15.0)
    puppet.hear('{"type": "pong", "latest": 1}')
    assert puppet.step() == Listen(10.0)


def test_a_connection_that_does_not_answer_is_dead() -> None:
    puppet = Puppet()
    puppet.open(hello(0, heartbeat=10))
    puppet.now += 10
    assert isinstance(puppet.step(), Say)
    puppet.now += 15
    assert puppet.step() == Listen(0.0)  # what has come meanwhile is looked at first
    puppet.core.quiet(puppet.now)
    assert isinstance(puppet.core.step(puppet.now), HangUp)
    puppet.asks(Open)


def test_a_program_that_was_away_for_long_does_not_take_its_connection_for_dead() -> None:
    puppet = Puppet()
    puppet.open(hello(1, heartbeat=10))
    puppet.now += 500
    assert isinstance(puppet.step(), Say)
    puppet.core.quiet(puppet.now)
    puppet.hear(events(1))
    assert puppet.seqs == [1]
    assert isinstance(puppet.step(), Listen)


def test_a_websocket_that_does_not_say_hello_is_given_up() -> None:
    puppet = Puppet()
    puppet.open()
    assert puppet.step() == Listen(15.0)
    puppet.now += 15
    puppet.core.quiet(puppet.now)
    assert isinstance(puppet.core.step(puppet.now), HangUp)


def test_a_server_that_says_twice_that_there_is_more_and_does_not_send_it_is_left() -> None:
    puppet = Puppet()
    puppet.open(hello(0))
    puppet.hear('{"type": "pong", "latest": 1}')
    assert isinstance(puppet.step(), Listen)
    puppet.hear('{"type": "pong", "latest": 1}')
    assert isinstance(puppet.core.step(puppet.now), HangUp)


# -- close codes


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1009, 4400])
def test_it_stops_when_it_has_broken_the_protocol(code: int) -> None:
    puppet = Puppet()
    puppet.open(hello(0))
    with pytest.raises(ProtocolError, match=str(code)) as caught:
        puppet.close(code, "why")
    assert caught.value.code == code


def test_it_stops_when_it_is_not_signed_in() -> None:
    puppet = Puppet()
    puppet.open()
    with pytest.raises(NotSignedIn) as caught:
        puppet.close(4401, "not signed in")
    assert (caught.value.code, caught.value.status) == (4401, 401)


@pytest.mark.parametrize("code", [1001, 1012, 4409])
def test_it_comes_back_when_the_server_says(code: int) -> None:
    puppet = Puppet()
    puppet.open(hello(1), events(1))
    puppet.close(code, "retry=4.2")
    assert puppet.rest() == pytest.approx(4.2)
    assert puppet.asks(Open) == {"seq": "1", "epoch": "e1"}


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 1012, 4408, 4409, 4999])
def test_it_comes_back_with_backoff_where_nothing_is_said(code: int | None) -> None:
    puppet = Puppet()
    puppet.open(hello(0))
    puppet.close(code)
    assert 0 <= puppet.rest() <= 0.5
    puppet.asks(Open)


def test_with_too_many_clients_it_waits_then_polls_then_tries_again() -> None:
    puppet = Puppet()
    puppet.open(hello(0))
    puppet.close(4429, "retry=10")
    assert puppet.rest() == pytest.approx(10)
    puppet.asks(Ask)
    puppet.now += 46
    puppet.answer(poll(epoch="e1"))
    puppet.asks(Open)


def test_at_once_again_and_again_is_not_obeyed() -> None:
    puppet = Puppet()
    rests = []
    for _ in range(12):
        puppet.open(hello(0))
        puppet.close(1012, "retry=0")
        rests.append(puppet.rest())
    assert rests[:4] == [0, 0, 0, 0] and max(rests) > 1


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [("retry=3", 3), ("retry=0.25", 0.25), ("retry=-1", None), ("", None), ("retry=99999999", 3600), ("retry=x", None)],
)
def test_retry_is_read_within_reason(reason: str, seconds: float | None) -> None:
    assert retry_of(reason) == seconds


# -- which transport


@pytest.mark.parametrize("status", [200, 301, 400, 403, 404, 426, 429, 503])
def test_where_websockets_are_refused_it_polls_at_once_and_tries_again_later(status: int) -> None:
    puppet = Puppet()
    puppet.asks(Open)
    puppet.refuse(status)
    assert puppet.rest() == 0
    assert puppet.asks(Ask) == {"seq": "0", "timeout": "25.0"}
    puppet.answer(poll(1))
    assert (puppet.seqs, puppet.core.transport) == ([1], "long-poll")
    puppet.now += 46
    puppet.open(hello(2), events(2))
    assert (puppet.seqs, puppet.core.transport) == ([1, 2], "websocket")


def test_each_time_in_vain_it_polls_twice_as_long() -> None:
    puppet = Puppet()
    polled = []
    for _ in range(8):
        puppet.asks(Open)
        puppet.refuse(426)
        began = puppet.now
        while not isinstance(step := puppet.step(), Open):
            assert isinstance(step, Ask)
            puppet.now += 25
            puppet.answer(poll())
        polled.append(puppet.now - began)
    assert polled[0] < 80 < polled[3] and max(polled) < 1.5 * 600 + 30


def test_a_server_that_is_about_to_stop_is_polled_for_as_long_as_it_says() -> None:
    puppet = Puppet()
    puppet.asks(Open)
    puppet.refuse(503, retry_after="1")
    query = puppet.asks(Ask)
    assert 1.0 <= float(query["timeout"]) <= 1.5


def test_a_proxy_that_cuts_handshakes_is_found_out_by_polling() -> None:
    puppet = Puppet()
    for _ in range(2):
        puppet.asks(Open)
        puppet.fail()
    puppet.asks(Ask)
    puppet.answer(poll(1))
    puppet.asks(Ask)


def test_a_proxy_that_cuts_young_websockets_is_found_out_by_polling() -> None:
    puppet = Puppet()
    for _ in range(2):
        puppet.open(hello(0))
        puppet.now += 3
        puppet.close(None)
    puppet.asks(Ask)


def test_websockets_that_live_and_then_break_off_are_made_anew_for_ever() -> None:
    puppet = Puppet()
    for _ in range(5):
        puppet.open(hello(0))
        puppet.now += 60
        puppet.close(None)
        assert puppet.rest() <= 0.5


def test_where_nobody_is_there_nothing_is_learned_about_websockets() -> None:
    puppet = Puppet()
    for _ in range(20):
        puppet.asks(Open)
        puppet.fail(was_reached=False)
    puppet.asks(Open)


def test_where_polls_fail_too_websocket_is_next() -> None:
    puppet = Puppet()
    for _ in range(2):
        puppet.asks(Open)
        puppet.fail()
    puppet.asks(Ask)
    puppet.fail()
    puppet.asks(Open)


def test_after_a_failure_there_is_no_transport() -> None:
    puppet = Puppet(transport="long-poll")
    puppet.asks(Ask)
    puppet.answer(poll(1))
    assert puppet.core.transport == "long-poll"
    puppet.asks(Ask)
    puppet.fail()
    assert puppet.core.transport is None


def test_a_transport_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="^transport: give one of auto, websocket, long-poll"):
        Puppet(transport="long_poll")


def test_only_websocket_never_polls() -> None:
    puppet = Puppet(transport="websocket")
    for status in (503, 502, 429):
        puppet.asks(Open)
        puppet.refuse(status)
    for _ in range(5):
        puppet.asks(Open)
        puppet.fail()
    puppet.asks(Open)


# -- polls


def test_next_is_obeyed() -> None:
    puppet = Puppet(0, "e1", "long-poll")
    puppet.asks(Ask)
    puppet.answer(poll(1, wait=7))
    assert puppet.rest() == pytest.approx(7)


def test_a_server_that_answers_empty_at_once_is_not_asked_in_a_tight_loop() -> None:
    puppet = Puppet(0, "e1", "long-poll")
    rests = []
    for _ in range(10):
        puppet.asks(Ask)
        puppet.answer(poll())
        rests.append(puppet.rest())
    assert sum(rests) > 5


def test_retry_after_is_obeyed_with_jitter() -> None:
    puppet = Puppet(0, "e1", "long-poll")
    puppet.asks(Ask)
    puppet.answer(b"", 503, retry_after="8")
    assert 8 <= puppet.rest() <= 10


@pytest.mark.parametrize(
    ("status", "error"), [(401, NotSignedIn), (403, Forbidden), (404, NotFound), (422, Invalid), (301, ProtocolError)]
)
def test_it_stops_where_asking_again_is_of_no_use(status: int, error: type[ClientError]) -> None:
    puppet = Puppet(transport="long-poll")
    puppet.asks(Ask)
    with pytest.raises(error):
        puppet.answer(b"", status)


def test_an_address_that_worked_is_not_given_up_because_a_proxy_says_404() -> None:
    puppet = Puppet(transport="long-poll")
    puppet.asks(Ask)
    puppet.answer(poll(1))
    for status, body in ((404, b""), (301, b""), (200, b"<html>"), (500, b"")):
        puppet.asks(Ask)
        puppet.answer(body, status)
    assert puppet.asks(Ask)["seq"] == "1"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"seq": 1, "epoch": "e1", "badges": []}'])
def test_what_the_service_does_not_answer_says_that_the_address_is_wrong(body: bytes) -> None:
    puppet = Puppet(None)
    puppet.asks(Ask)
    with pytest.raises(ProtocolError, match="Is the address that of the service"):
        puppet.answer(body)


# -- what must not come


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff",
        "",
        "[]",
        "{}",
        '{"type": "events"}',
        '{"type": "events", "events": [{}], "badges": {}, "latest": 1}',
        '{"type": "events", "events": [{"seq": "1", "kind": "m", "at": "2026-11-20T09:00:00Z", "data": {}}]}',
        '{"type": "events", "events": [{"seq": 1, "kind": "m", "at": "yesterday", "data": {}}]}',
        '{"type": "events", "events": [], "badges": [], "latest": 1}',
        '{"type": "reset", "epoch": "e2", "latest": -1}',
    ],
)
def test_a_malformed_frame_costs_the_connection_and_nothing_else(frame: str | bytes) -> None:
    puppet = Puppet()
    puppet.open(hello(1))
    puppet.hear(frame)
    assert isinstance(puppet.core.step(puppet.now), HangUp)
    puppet.open(hello(1), events(1))
    assert puppet.seqs == [1]


def test_frames_of_a_kind_that_is_not_known_are_ignored() -> None:
    puppet = Puppet()
    puppet.open(hello(1), '{"type": "weather"}', '{"type": "snapshot", "topic": "posts", "version": 1, "data": {}}')
    puppet.hear(events(1))
    assert puppet.seqs == [1]


def test_another_protocol_asks_for_a_newer_client() -> None:
    with pytest.raises(ProtocolError, match="update it"):
        Puppet().open(hello(1, protocol=2))


# -- backoff, and the core itself


def test_backoff_is_by_lot_below_a_limit_that_doubles_and_is_capped() -> None:
    lots = random.Random(1)
    for failures, limit in ((1, 0.5), (2, 1.0), (4, 4.0), (7, 30.0), (1000, 30.0)):
        drawn = [backoff(failures, Pace(), lots) for _ in range(500)]
        assert 0 <= min(drawn) < 0.1 * limit and 0.9 * limit < max(drawn) <= limit


CORE = (
    "address", "answers", "calls", "choosing", "closing", "errors", "events", "following", "gathering", "lines",
    "listening", "pace", "retrying", "steps",
)  # fmt: skip
HARMLESS = {"__future__", "collections", "dataclasses", "datetime", "json", "logging", "random", "re", "typing"}


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_nothing_that_does_io(module: str) -> None:
    source = (Path(myapp_client.__file__).parent / f"{module}.py").read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [] if node.level and node.module in CORE else [node.module or ""]
        else:
            continue
        assert {name.partition(".")[0] for name in names} <= HARMLESS | {"urllib", "uuid"}, (module, names)
    assert "urllib.request" not in source
