"""Who is parked here, and how what happens reaches them: at once, or from the database."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myapp.live import catching_up
from myapp.live.batches import FRAME_BYTES, FRAME_EVENTS, cut, join
from myapp.live.bus import News
from myapp.live.clients import BEHIND, CLOSED, CURRENT, MOST_REST
from myapp.live.frames import Batch, CloseCode
from myapp.live.websocket import WebSocketClient

from . import wire
from .parking import USER, Peer, World, badges, open_descriptors, settle, until


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.dispatcher.start()
    inside = open_descriptors()
    yield world
    world.close()
    assert world.dispatcher.counts["callback_failures"] == 0
    assert open_descriptors() <= inside  # gevent keeps a few of its own


def has(peer: Peer, *seqs: int) -> None:
    """The peer has been given exactly these events, and nothing more comes."""
    until(lambda: len(peer.seqs()) >= len(seqs), f"{seqs}, not {peer.seqs()}")
    settle()
    assert peer.seqs() == list(seqs)


def batch(first: int, last: int, *, is_inline: bool = True) -> Batch:
    texts = tuple(str(seq) for seq in range(first, last + 1)) if is_inline else ()
    return Batch(texts, first, last, last, badges(last))


# -- join and cut


@given(st.data())
def test_joined_batches_are_one_run_without_holes(data: st.DataObject) -> None:
    """Whatever the order, however doubled or overlapping: the run begins at the first and ends at the first gap."""
    latest = data.draw(st.integers(1, 30))
    pairs = data.draw(st.lists(st.tuples(st.integers(1, latest), st.integers(0, 6)), min_size=1, max_size=12))
    given_batches = [batch(first, min(latest, first + more)) for first, more in pairs]
    run = join(data.draw(st.permutations(given_batches)))
    covered = {seq for item in given_batches for seq in range(item.first, item.seq + 1)}
    first = min(item.first for item in given_batches)
    last = first
    while last + 1 in covered:
        last += 1
    assert run.texts == tuple(str(seq) for seq in range(first, last + 1))
    assert (run.first, run.seq) == (first, last)


@given(st.permutations(range(1, 12)), st.integers(1, 3))
def test_doubled_batches_in_any_order_join_to_all_of_them(order: list[int], times: int) -> None:
    run = join([batch(seq, seq) for seq in order] * times)
    assert run.texts == tuple(str(seq) for seq in range(1, 12))


@given(st.data())
def test_batches_without_texts_never_make_up_events(data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 5), st.booleans()), min_size=1, max_size=8))
    run = join([batch(first, first + more, is_inline=is_inline) for first, more, is_inline in pairs])
    assert not run.texts or run.texts == tuple(str(seq) for seq in range(run.first, run.seq + 1))


def test_badges_of_a_run_stand_at_its_end() -> None:
    run = join([batch(3, 4), batch(1, 2)])
    assert (run.latest, run.badges) == (4, badges(4))


@given(st.integers(1, 250), st.data())
def test_cut_gives_what_follows_the_cursor_within_one_frame(count: int, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.sampled_from([1, 100, 20_000, 70_000]), min_size=count, max_size=count))
    whole = Batch(tuple("x" * size for size in sizes), 11, 10 + count, 10 + count, "{}")
    cursor = data.draw(st.integers(10, 9 + count))
    part = cut(whole, cursor)
    assert part.first == cursor + 1
    assert part.texts == whole.texts[cursor - 10 : part.seq - 10]
    assert 1 <= len(part.texts) <= FRAME_EVENTS
    assert sum(map(len, part.texts)) <= FRAME_BYTES or len(part.texts) == 1


# -- news to current clients


def test_current_client_is_given_events_without_a_read(world: World) -> None:
    peer = world.connect()
    world.post()
    has(peer, 1)
    assert world.reads == []
    assert peer.said()[0] == {
        "type": "events",
        "events": [{"seq": 1, "data": ""}],
        "seq": 1,
        "latest": 1,
        "badges": {"messages": 1},
    }


def test_every_client_of_the_user_is_given_the_event_and_nobody_else(world: World) -> None:
    peers = [world.connect() for _ in range(5)]
    other = world.connect(user=8)
    world.post()
    for peer in peers:
        has(peer, 1)
    assert other.read() == []


def test_events_of_one_turn_leave_in_one_frame(world: World) -> None:
    peer = world.connect()
    for _ in range(5):
        world.post()
    has(peer, 1, 2, 3, 4, 5)
    assert len(peer.frames) == 1


def test_many_events_of_one_turn_leave_in_frames_of_a_hundred(world: World) -> None:
    peer = world.connect()
    world.post(250)
    has(peer, *range(1, 251))
    assert [len(said["events"]) for said in peer.said()] == [100, 100, 50]
    assert world.reads == []


def test_events_of_many_kilobytes_leave_in_frames_of_64_kb(world: World) -> None:
    peer = world.connect()
    world.post(10, size=15_000)
    has(peer, *range(1, 11))
    assert all(len(frame.payload) <= FRAME_BYTES + 200 for frame in peer.frames)
    assert len(peer.frames) == 3


def test_doubled_news_is_given_once(world: World) -> None:
    peer = world.connect()
    first = world.post()
    world.tell(first)
    has(peer, 1)
    world.tell(first)
    world.post()
    has(peer, 1, 2)
    assert world.reads == []


def test_news_in_disorder_within_a_turn_is_put_in_order(world: World) -> None:
    peer = world.connect()
    batches = [world.store() for _ in range(4)]
    for late in reversed(batches):
        world.tell(late)
    has(peer, 1, 2, 3, 4)
    assert world.reads == []


def test_old_news_does_not_bring_old_badges(world: World) -> None:
    first, second = world.store(), world.store()
    peer = world.connect(cursor=2)
    world.tell(second)
    world.tell(first)
    settle()
    assert peer.read() == []
    assert peer.client.place.badges == badges(2)


def test_news_of_who_is_not_here_is_ignored(world: World) -> None:
    world.dispatcher.delivery.deliver(News(99, world.store(user=99)))
    settle()
    assert world.reads == []


# -- gaps


def test_gap_in_the_news_is_read_from_the_database(world: World) -> None:
    peer = world.connect()
    world.store(17)
    world.post()
    has(peer, *range(1, 19))
    assert world.reads == [(USER, 0)]


def test_what_is_missing_is_waited_for_a_moment_before_reading(world: World) -> None:
    peer = world.connect()
    seventeen = world.store()
    world.post()
    gevent.sleep(0.002)
    assert peer.seqs() == []
    assert world.reads == []  # it is most likely on its way
    world.tell(seventeen)
    has(peer, 1, 2)
    assert len(world.reads) == 1


def test_event_too_large_to_be_carried_is_read(world: World) -> None:
    peer = world.connect()
    stored = world.store(2)
    world.tell(stored._replace(texts=()))
    has(peer, 1, 2)
    assert len(world.reads) == 1


def test_client_that_comes_with_an_old_cursor_is_given_what_it_lacks(world: World) -> None:
    world.store(250)
    peer = world.connect(cursor=30)
    has(peer, *range(31, 251))


def test_one_read_serves_all_clients_that_stand_at_the_same_cursor(world: World) -> None:
    world.store(5)
    peers = [world.connect(cursor=2) for _ in range(20)]
    for peer in peers:
        has(peer, 3, 4, 5)
    assert len(world.reads) == 1


def test_clients_at_different_cursors_are_each_given_what_follows_theirs(world: World) -> None:
    world.store(8)
    peers = [world.connect(cursor=cursor) for cursor in (5, 0, 7, 8, 3)]
    for peer, cursor in zip(peers, (5, 0, 7, 8, 3), strict=True):
        has(peer, *range(cursor + 1, 9))


def test_read_that_fails_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catching_up, "READ_RETRY", 0.01)
    world.failing_reads = 2
    world.store(3)
    with caplog.at_level(logging.WARNING):
        peer = world.connect(cursor=0)
        has(peer, 1, 2, 3)
    assert caplog.text.count("the database is away") == 2


def test_read_that_fails_is_tried_again_once_however_many_ask_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "READ_RETRY", 0.2)
    world.failing_reads = 1
    world.store(3)
    peer = world.connect(cursor=0)
    until(lambda: not world.failing_reads)
    for _ in range(10):
        world.dispatcher.catch_up.enqueue(peer.client.place)
        settle(0.001)
    assert len(world.reads) == 1
    has(peer, 1, 2, 3)
    settle()
    assert len(world.reads) == 2


def test_reads_for_many_users_run_in_a_bounded_number_of_greenlets(world: World) -> None:
    world.gate.clear()
    peers = []
    for user in range(100, 140):
        world.store(2, user)
        peers.append(world.connect(user=user, cursor=0))
    settle()
    assert len(world.reads) == catching_up.READERS
    world.gate.set()
    until(lambda: all(peer.seqs() == [1, 2] for peer in peers))
    assert len(world.reads) == 40  # each user was read for once


def test_user_is_queued_for_reading_once_however_many_clients_ask(world: World) -> None:
    world.gate.clear()
    for user in range(100, 100 + catching_up.READERS):
        world.store(1, user)
        world.connect(user=user, cursor=0)
    world.store(3)
    until(lambda: len(world.reads) == catching_up.READERS)
    peers = [world.connect(cursor=0) for _ in range(20)]
    assert len(world.dispatcher.catch_up._queue) == 1
    world.gate.set()
    for peer in peers:
        until(lambda peer=peer: peer.seqs() == [1, 2, 3])


def test_clients_of_two_epochs_are_each_told_what_holds_in_theirs(world: World) -> None:
    world.store(5)
    world.epoch = "e2"
    new = world.connect(cursor=1, epoch="e2")
    old = world.connect(cursor=3, epoch="e1")
    until(lambda: [said["type"] for said in old.said()] == ["hello", "reset"])
    has(new, 2, 3, 4, 5)


# -- while a read is under way


def test_event_that_comes_during_a_read_is_given_once(world: World) -> None:
    world.store(3)
    world.answer_gate.clear()
    peer = world.connect(cursor=0)
    until(lambda: world.reads)
    world.post(2)
    settle()
    assert peer.seqs() == []
    world.answer_gate.set()
    has(peer, 1, 2, 3, 4, 5)


def test_two_reads_and_a_push_at_once_give_each_event_once(world: World) -> None:
    world.store(5)
    world.answer_gate.clear()
    first = world.connect(cursor=4)
    until(lambda: len(world.reads) == 1)
    second = world.connect(cursor=1)
    until(lambda: len(world.reads) == 2)
    current = world.connect()
    world.post()
    settle()
    world.answer_gate.set()
    has(first, 5, 6)
    has(second, 2, 3, 4, 5, 6)
    has(current, 6)


def test_client_closed_during_a_read_is_left_alone(world: World) -> None:
    world.store(3)
    world.gate.clear()
    gone = world.connect(cursor=0)
    stays = world.connect(cursor=0)
    until(lambda: world.reads)
    gone.sock.close()
    until(lambda: gone.client.state == CLOSED)
    world.gate.set()
    has(stays, 1, 2, 3)


def test_last_client_of_a_user_closed_during_a_read_is_forgotten(world: World) -> None:
    world.store(3)
    world.gate.clear()
    gone = world.connect(cursor=0)
    until(lambda: world.reads)
    gone.sock.close()
    until(lambda: not world.dispatcher.is_here(USER))
    world.gate.set()
    settle()
    assert world.dispatcher.count == 0
    has(world.connect(cursor=1), 2, 3)


@settings(max_examples=60)
@given(st.data())
def test_any_order_of_posts_losses_and_clients_gives_each_event_once(data: st.DataObject) -> None:
    """News that is lost, doubled or late, clients that come and read slowly: in the end all have 1..N."""
    world = World()
    world.dispatcher.start()
    try:
        late: list[Batch] = []
        peers: list[tuple[Peer, int]] = []
        for _ in range(data.draw(st.integers(1, 25))):
            what = data.draw(st.sampled_from(["post", "lose", "delay", "late", "double", "connect", "wait"]))
            if what == "post":
                world.post(data.draw(st.integers(1, 3)))
            elif what == "lose":
                world.store()
            elif what == "delay":
                late.append(world.store())
            elif what == "late" and late:
                world.tell(late.pop(data.draw(st.integers(0, len(late) - 1))))
            elif what == "double":
                item = world.post()
                world.tell(item)
            elif what == "connect":
                cursor = data.draw(st.integers(0, len(world.inboxes[USER])))
                peers.append((world.connect(cursor=cursor, buffers=2048), cursor))
            elif what == "wait":
                gevent.sleep(data.draw(st.sampled_from([0.0, 0.001, 0.025])))
        world.dispatcher.delivery.compare(world.epoch, {USER: len(world.inboxes[USER])})  # what the sweep does
        for peer, cursor in peers:
            expected = list(range(cursor + 1, len(world.inboxes[USER]) + 1))
            until(lambda peer=peer, expected=expected: len(peer.seqs()) >= len(expected), f"{expected}")
            assert peer.seqs() == expected
        assert world.dispatcher.counts["callback_failures"] == 0
    finally:
        world.close()


# -- slow readers


def test_slow_reader_is_behind_with_bounded_memory_and_catches_up(world: World) -> None:
    slow = world.connect(buffers=4096)
    quick = world.connect()
    kept = 0
    for _ in range(60):
        world.post(3, size=2000)
        gevent.sleep(0)
        quick.read()
        kept = max(kept, len(slow.client.rest))
    assert slow.client.state == BEHIND
    assert kept < 10_000  # part of one frame, and of 360 KB that were posted
    has(quick, *range(1, 181))
    assert max(len(frame.payload) for frame in quick.frames) < 10_000
    until(lambda: len(slow.seqs()) >= 180, "the slow reader to catch up")
    assert slow.seqs() == list(range(1, 181))
    until(lambda: slow.client.state == CURRENT)
    assert slow.client.rest == b""


def test_slow_reader_that_reads_byte_by_byte_gets_whole_frames(world: World) -> None:
    slow = world.connect(buffers=2048)
    world.post(5, size=3000)
    settle()
    data = b""
    while len(wire.frames(data)[0]) < 1 or sum(len(f.json["events"]) for f in wire.frames(data)[0]) < 5:
        data += slow.receive(most=997)
        gevent.sleep(0)
    found, rest = wire.frames(data)
    assert rest == b""
    assert [event["seq"] for frame in found for event in frame.json["events"]] == [1, 2, 3, 4, 5]


def test_pongs_to_a_slow_reader_do_not_corrupt_its_frames_nor_pile_up(world: World) -> None:
    slow = world.connect(buffers=2048)
    world.post(60, size=1000)
    gevent.sleep(0)
    for _ in range(2000):
        with contextlib.suppress(BlockingIOError):
            slow.sock.send(wire.masked(b"p" * 100, wire.PING))  # whole or not at all: a unix socket
        gevent.sleep(0)
    assert slow.client.state == BEHIND
    assert len(slow.client.rest) <= MOST_REST
    until(lambda: len(slow.seqs()) >= 60, "all events")
    assert slow.seqs() == list(range(1, 61))
    assert {frame.opcode for frame in slow.frames} == {wire.TEXT, wire.PONG}


def test_rest_of_a_frame_is_kept_for_a_client_that_reads_nothing(world: World) -> None:
    slow = world.connect(buffers=2048)
    for _ in range(40):
        world.post(size=20_000)
        gevent.sleep(0)
        slow.write(wire.masked(b"heartCheck"))
        gevent.sleep(0)
    assert len(slow.client.rest) < 100_000


# -- push=new


def test_telling_client_is_told_the_newest_seq(world: World) -> None:
    peer = world.telling()
    world.post()
    until(lambda: peer.said() == [{"type": "new", "seq": 1}])


def test_telling_client_is_told_of_several_events_at_once(world: World) -> None:
    peer = world.telling()
    for _ in range(3):
        world.post()
    until(peer.said)
    settle()
    assert peer.said() == [{"type": "new", "seq": 3}]
    assert world.reads == []


def test_telling_client_does_not_wait_on_a_gap(world: World) -> None:
    peer = world.telling()
    world.store(4)
    world.post()
    until(peer.said)
    assert peer.said() == [{"type": "new", "seq": 5}]


def test_telling_client_is_not_told_of_old_news(world: World) -> None:
    first = world.store()
    peer = world.telling()
    world.tell(first)
    settle()
    assert peer.said() == []


def test_slow_telling_client_is_told_only_the_newest(world: World) -> None:
    slow = world.telling(buffers=2048)
    told = 0
    while slow.client.state != BEHIND and told < 5000:
        world.post()
        gevent.sleep(0)
        told += 1
    assert slow.client.state == BEHIND
    for _ in range(50):
        world.post()
    until(lambda: slow.said()[-1]["seq"] == told + 50)
    seqs = [said["seq"] for said in slow.said()]
    assert seqs == sorted(set(seqs))
    assert len(seqs) <= told + 2


# -- long polls


def test_long_poll_is_answered_with_the_event_and_ended(world: World) -> None:
    peer = world.long_poll()
    world.post()
    until(peer.answer)
    assert peer.answer() == {
        "epoch": "e1",
        "events": [{"seq": 1, "data": ""}],
        "seq": 1,
        "latest": 1,
        "badges": {"messages": 1},
        "snapshots": {},
        "reset": False,
        "next": 0,
    }
    assert peer.raw.endswith(b"}")
    assert b"Date: Fri, 20 Nov 2026 09:00:00 GMT\r\n" in peer.raw
    assert world.logged == [("127.0.0.1", 1.0, USER, "request-1")]


def test_long_poll_is_answered_once_however_much_comes(world: World) -> None:
    peer = world.long_poll()
    for _ in range(250):
        world.post()
    until(peer.answer)
    assert [event["seq"] for event in peer.answer()["events"]] == list(range(1, 101))
    assert peer.answer()["latest"] == 250


def test_long_poll_that_stands_behind_is_answered_from_the_database(world: World) -> None:
    world.store(3)
    peer = world.long_poll(cursor=1)
    until(peer.answer)
    assert [event["seq"] for event in peer.answer()["events"]] == [2, 3]


def test_slow_long_poll_gets_its_whole_answer(world: World) -> None:
    peer = world.long_poll(buffers=2048)
    world.post(3, size=20_000)
    settle()
    until(peer.answer)
    assert [event["seq"] for event in peer.answer()["events"]] == [1, 2, 3]
    assert world.dispatcher.count == 0


def test_long_poll_is_answered_empty_at_its_deadline(world: World) -> None:
    world.store(4)
    peer = world.long_poll(timeout=10)
    world.clock.now += 9.8
    settle(0.25)
    assert peer.answer() is None
    world.clock.now += 0.5
    until(peer.answer)
    answer = peer.answer()
    assert (answer["events"], answer["seq"], answer["latest"], answer["reset"]) == ([], 4, 4, False)
    assert answer["badges"] == {"messages": 4}


def test_second_request_behind_a_long_poll_is_not_served(world: World) -> None:
    peer = world.long_poll()
    peer.write(b"GET /auth/me HTTP/1.1\r\nHost: x\r\n\r\n")
    settle()
    world.post()
    until(peer.answer)
    assert peer.raw.count(b"HTTP/1.1") == 1


def test_long_poll_whose_client_has_gone_is_forgotten(world: World) -> None:
    peer = world.long_poll()
    peer.sock.close()
    until(lambda: world.dispatcher.count == 0)
    assert not world.dispatcher.is_here(USER)


# -- another epoch


def test_sweep_tells_of_another_epoch_once_and_goes_on(world: World) -> None:
    world.store(5)
    peer = world.connect()
    world.epoch = "e2"
    world.inboxes[USER] = world.inboxes[USER][:2]  # a backup was restored
    world.clock.now += 5
    until(lambda: len(peer.said()) >= 2)
    assert [said["type"] for said in peer.said()] == ["hello", "reset"]
    assert peer.said()[1] == {"type": "reset", "epoch": "e2", "latest": 2}
    assert peer.said()[0]["seq"] == 2
    world.clock.now += 5
    settle(0.25)
    world.post()
    has(peer, 3)
    assert [said["type"] for said in peer.said()] == ["hello", "reset", "events"]


def test_cursor_beyond_the_inbox_is_reset(world: World) -> None:
    world.store(5)
    peer = world.connect()
    world.inboxes[USER] = world.inboxes[USER][:2]
    world.clock.now += 5
    until(lambda: len(peer.said()) >= 2)
    assert peer.said()[1]["type"] == "reset"
    assert peer.client.cursor == 2


def test_long_poll_is_answered_with_reset_in_another_epoch(world: World) -> None:
    world.store(3)
    peer = world.long_poll()
    world.epoch = "e2"
    world.clock.now += 5
    until(peer.answer)
    answer = peer.answer()
    assert (answer["reset"], answer["events"], answer["seq"], answer["epoch"]) == (True, [], 3, "e2")


def test_telling_client_is_reset_in_another_epoch(world: World) -> None:
    world.store(3)
    peer = world.telling()
    world.epoch = "e2"
    world.clock.now += 5
    until(lambda: [said["type"] for said in peer.said()] == ["hello", "reset"])
    world.post()
    until(lambda: peer.said()[-1] == {"type": "new", "seq": 4})


def test_sweep_finds_an_event_that_nobody_was_told_of(world: World) -> None:
    peer, poll, telling = world.connect(), world.long_poll(), world.telling()
    world.store()
    settle()
    assert peer.read() == []
    world.clock.now += 5
    has(peer, 1)
    until(poll.answer)
    until(lambda: telling.said() == [{"type": "new", "seq": 1}])
    assert world.dispatcher.counts["sweep_finds"] == 1


# -- the end of a session


def test_end_of_a_session_closes_its_clients_and_no_others(world: World) -> None:
    mine = world.connect(grant="session:1")
    poll = world.long_poll(grant="session:1")
    other = world.connect(grant="session:2")
    world.bus.publish(News(USER, None, "session:1"))
    until(lambda: mine.close_code() == 4401)
    until(poll.answer)
    assert poll.answer()["events"] == []
    world.post()
    has(other, 1)
    assert mine.seqs() == []


# -- failures


class Broken(WebSocketClient):
    """Fails whenever bytes come."""

    __slots__ = ()

    def received(self, data: bytes) -> None:
        raise ZeroDivisionError("on purpose")


def test_callback_that_raises_closes_that_client_and_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    broken = world.connect(Broken)
    other = world.connect()
    with caplog.at_level(logging.ERROR):
        broken.write(b"x")
        until(lambda: broken.client.state == CLOSED)
    broken.receive()
    assert broken.is_ended
    assert "on purpose" in caplog.text
    assert world.dispatcher.counts["callback_failures"] == 1
    assert world.dispatcher.count == 1
    world.post()
    until(lambda: other.seqs() == [1])
    world.close()


def test_client_that_breaks_off_while_written_to_does_not_hold_up_others(world: World) -> None:
    peers = [world.connect() for _ in range(10)]
    for peer in peers[::2]:
        peer.sock.close()
    world.post()
    for peer in peers[1::2]:
        has(peer, 1)
    until(lambda: world.dispatcher.count == 5)


# -- places


def test_full_means_as_many_clients_as_allowed() -> None:
    world = World(max_clients=2)
    first = world.connect()
    assert not world.dispatcher.is_full
    world.long_poll()
    assert world.dispatcher.is_full
    first.sock.close()
    until(lambda: not world.dispatcher.is_full)
    world.close()


def test_user_who_left_is_not_kept(world: World) -> None:
    peer = world.connect()
    assert world.dispatcher.is_here(USER)
    peer.sock.close()
    until(lambda: not world.dispatcher.is_here(USER))
    assert world.dispatcher._places == {}
    assert world.bus.users == set()


def test_request_that_entered_and_did_not_park_is_not_kept(world: World) -> None:
    world.dispatcher.enter(USER)
    world.dispatcher.enter(USER)
    world.dispatcher.exit(USER)
    assert world.bus.users == {USER}
    world.dispatcher.exit(USER)
    assert world.dispatcher._places == {}
    assert world.bus.users == set()


def test_news_between_entering_and_parking_is_not_missed(world: World) -> None:
    place = world.dispatcher.enter(USER)
    world.post()
    gevent.sleep(0)
    assert place.wanted == 1
    peer = world.connect(cursor=0)
    world.dispatcher.exit(USER)
    has(peer, 1)


# -- the drain


def test_drain_answers_long_polls_and_tells_websockets_when_to_come_back(world: World) -> None:
    world.store(2)
    socket, telling, poll = world.connect(), world.telling(), world.long_poll()
    world.dispatcher.close(CloseCode.GOING_AWAY, patience=0.05)
    assert poll.answer()["events"] == []
    assert poll.answer()["seq"] == 2
    for peer in (socket, telling):
        peer.read()
        assert peer.close_code() == 1001
        (frame,) = peer.frames
        assert frame.reason.startswith("retry=")
        assert 0 < float(frame.reason.removeprefix("retry=")) < 10
        assert peer.is_ended
    assert world.dispatcher.count == 0


def test_restart_sends_everybody_away_one_by_one_and_serves_the_others_meanwhile(world: World) -> None:
    peers = [world.connect() for _ in range(10)]
    draining = gevent.spawn(world.dispatcher.close, CloseCode.RESTARTING, seconds=1, patience=0)
    until(lambda: any(peer.close_code() for peer in peers))
    left = [peer for peer in peers if peer.close_code() is None]
    assert len(left) > 5
    world.post()
    draining.get()
    for peer in peers:
        assert peer.close_code() == 1012
        assert 0 < float(peer.frames[-1].reason.removeprefix("retry=")) < 2
    assert sum(peer.seqs() == [1] for peer in left) >= len(left) - 1


def test_many_who_go_at_once_are_given_times_to_come_back(world: World) -> None:
    peers = [world.connect() for _ in range(30)]
    world.dispatcher.close(CloseCode.GOING_AWAY, patience=0)
    waits = [float(peer.frames[-1].reason.removeprefix("retry=")) for peer in peers if peer.close_code() == 1001]
    assert len(waits) == 30
    assert max(waits) - min(waits) > 0.5


def test_drain_may_be_repeated(world: World) -> None:
    world.connect()
    world.dispatcher.close(patience=0)
    world.dispatcher.close(patience=0)
    assert world.dispatcher.count == 0


def test_drain_waits_no_longer_than_the_clients_take_to_answer(world: World) -> None:
    peer = world.connect()

    def answer() -> None:
        until(lambda: peer.close_code() == 1001)
        peer.write(wire.close(1001))

    answering = gevent.spawn(answer)
    with gevent.Timeout(5, AssertionError("it waited for its whole patience")):
        world.dispatcher.close(patience=30)
    answering.get()
    assert peer.client.state == CLOSED


def test_client_parked_during_the_drain_is_sent_away(world: World) -> None:
    world.dispatcher.is_draining = True
    peer = world.connect()
    until(lambda: peer.close_code() == 1001)
    poll = world.long_poll()
    until(poll.answer)
    world.dispatcher.is_draining = False


def test_dispatcher_starts_nothing_before_its_first_client() -> None:
    world = World()
    assert not world.dispatcher._sweep.is_running
    world.connect()
    assert world.dispatcher._sweep.is_running
    world.close()
