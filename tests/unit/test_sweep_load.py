"""Ten thousand parked clients under one sweep, with a fake clock: what each is given when, in slices of 1 ms."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from myapp.live.frames import CloseCode
from myapp.live.rounds import MOST
from myapp.live.sweep import ROUND, SLICE, TICK
from myapp.live.websocket import QUIET, WebSocketClient

from . import wire
from .crowd import ASKED, CALL, Crowd, WorkingSocket, WorkingStream
from .far_ends import Arrived
from .parking import HEAD, World, until

ALL = 10_000
#: What the last client that is called in a slice may add to it, or one query.
MORE = max(CALL, ASKED * 1_000)
#: Deadlines are met so many seconds late at most: two ticks, and what the other clients of the tick took.
LATE = 2 * TICK + ALL * CALL
COMMENT = b":\n\n"
PING = (wire.PING, b"")


class Story:
    """Eighty seconds of ten thousand clients: what had arrived by when, in seconds."""

    ENDED_ELSEWHERE = 20.0
    ASKED_AT = (14.9, 15.5, ENDED_ELSEWHERE, 24.9, 26.0, 30.5, 49.9, 51.5, 74.9, 77.0)

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.arrived: dict[float, list[Arrived]] = {}
        crowd.add_all()
        #: sessions that another process ends: one of each kind
        self.ended = [crowd.silent[7], crowd.answering[7], crowd.polls[7], crowd.streams[7]]
        for at in self.ASKED_AT:
            crowd.pass_until(at)
            self.arrived[at] = crowd.ask()
            if at == self.ENDED_ELSEWHERE:
                crowd.ended.update(f"session:{number}" for number in self.ended)

    def of(self, numbers: range, at: float) -> Counter[bytes]:
        """What arrived there since the time before, and at how many of them; without those whose session ended."""
        arrived = self.arrived[at]
        return Counter(arrived[number].data for number in numbers if number not in self.ended)


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    crowd = Crowd()
    try:
        yield Story(crowd)
    finally:
        crowd.close()


def frames(data: bytes) -> list[wire.Frame]:
    found, rest = wire.frames(data)
    assert rest == b""
    return found


# -- what each is given, and when


def test_nobody_is_called_before_time(story: Story) -> None:
    everybody = range(ALL)
    assert story.of(everybody, 14.9) == {b"": ALL - 4}
    assert story.of(story.crowd.silent, 24.9) == {b"": 1_999}
    assert story.of(story.crowd.polls, 24.9) == {b"": 2_999}
    assert story.of(story.crowd.silent, 49.9) == {b"": 1_999}


def test_every_stream_carries_a_comment_every_15_seconds(story: Story) -> None:
    at = {15.5: 1, 24.9: 0, 26.0: 0, 30.5: 1, 49.9: 1, 51.5: 0, 74.9: 1, 77.0: 1}
    for seconds, count in at.items():
        assert story.of(story.crowd.streams, seconds) == {COMMENT * count: 2_999}


def test_every_silent_websocket_is_pinged_after_25_and_50_seconds_and_closed_after_75(story: Story) -> None:
    silent = story.crowd.silent
    assert [frames(data) for data in story.of(silent, 26.0)] == [[PING]]
    assert [frames(data) for data in story.of(silent, 51.5)] == [[PING]]
    assert story.of(silent, 74.9) == {b"": 1_999}
    ((last, count),) = story.of(silent, 77.0).items()
    (frame,) = frames(last)
    assert (frame.code, count) == (CloseCode.NO_HEARTBEAT, 1_999)


def test_a_websocket_that_answers_pings_is_pinged_on_and_not_closed(story: Story) -> None:
    pinged = [at for at in story.ASKED_AT for data in story.of(story.crowd.answering, at) if data]
    assert pinged == [26.0, 51.5, 77.0]
    assert all(story.of(story.crowd.answering, at) in ({b"": 1_999}, {b"\x89\x00": 1_999}) for at in story.ASKED_AT)


def test_every_long_poll_is_answered_at_its_deadline_once_and_its_connection_ends(story: Story) -> None:
    ((answer, count),) = story.of(story.crowd.polls, 26.0).items()
    assert (answer.startswith(HEAD), answer.count(b"HTTP/1.1"), count) == (True, 1, 2_999)
    assert all(story.arrived[26.0][number].is_ended for number in story.crowd.polls)
    assert story.of(story.crowd.polls, 77.0) == {b"": 2_999}


def test_sessions_are_looked_after_at_the_beginning_and_at_heartbeats_and_comments(story: Story) -> None:
    looked_at = story.crowd.looked_at
    times = {number: looked_at[f"session:{number}"] for number in range(ALL) if number not in story.ended}
    for numbers, wanted in (
        (story.crowd.silent, (0, 25, 50)),
        (story.crowd.streams, (0, 15, 30, 45, 60, 75)),
        (story.crowd.polls, (0,)),  # they come back at once, and are asked then
    ):
        for number in numbers:
            if number not in story.ended:
                assert len(times[number]) == len(wanted)
                # all, who begin at once, are looked after within 20 turns
                assert all(0 <= at - due < LATE + 2.0 for at, due in zip(times[number], wanted, strict=True))


def test_who_lost_the_session_elsewhere_is_sent_away_at_the_next_heartbeat_or_comment(story: Story) -> None:
    silent, answering, poll, stream = story.ended
    for number in (silent, answering):
        data = story.arrived[26.0][number].data + story.arrived[30.5][number].data
        assert [frame.opcode for frame in frames(data)] == [wire.PING, wire.CLOSE]
        assert frames(data)[1].code == CloseCode.NOT_SIGNED_IN
    data = story.arrived[30.5][stream].data + story.arrived[49.9][stream].data
    assert data.startswith(COMMENT + b"event: close") and b"4401" in data
    assert story.arrived[26.0][poll].data.startswith(HEAD)
    gone = Counter(arrived.is_ended for arrived in story.arrived[49.9])
    assert gone == {False: ALL - 3_000 - 3, True: 3_000 + 3}


def test_every_user_is_compared_at_least_every_5_seconds(story: Story) -> None:
    assert len(story.crowd.compared) == ALL
    for numbers, end in ((story.crowd.polls, 25), (story.crowd.streams, 76), (story.crowd.silent, 74)):
        for user in numbers:
            if user not in story.ended:
                times = [0, *(at for at in story.crowd.compared[user] if at < end), end]
                assert max(after - before for before, after in zip(times, times[1:], strict=False)) < 5


# -- at what price


def test_no_slice_takes_longer_than_a_millisecond_and_one_call_or_query(story: Story) -> None:
    assert max(story.crowd.slices) <= SLICE + MORE + 1e-9


def test_queries_ask_for_a_thousand_users_or_sessions_at_most_and_no_more_often_than_needed(story: Story) -> None:
    crowd = story.crowd
    assert max(count for _, count in crowd.queries) <= 1_000
    assert max(count for _, count in crowd.looks) <= 1_000
    turns = crowd.seconds / TICK
    assert len(crowd.queries) <= turns * (1 + ALL / (ROUND / TICK) / MOST)
    assert sum(count for _, count in crowd.queries) <= ALL * (crowd.seconds / ROUND + 1)
    heartbeats = ALL + 2 * 2_000 + 5 * 2_000 + 5 * 3_000
    assert sum(count for _, count in crowd.looks) <= heartbeats
    assert len(crowd.looks) <= heartbeats / MOST + 8 * 15


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    try:
        yield crowd
    finally:
        crowd.close()


def test_ten_thousand_that_are_due_in_the_same_tick_are_called_in_slices(crowd: Crowd) -> None:
    crowd.add_all(sockets=25, polls=25, streams=25)
    crowd.pass_until(24.9)
    crowd.slices.clear()
    for _ in range(3):
        crowd.turn()
    assert len(crowd.slices) >= ALL * CALL / SLICE
    assert max(crowd.slices) <= SLICE + MORE + 1e-9
    arrived = crowd.ask()
    assert all(one.data for one in arrived)


def test_all_are_compared_in_slices_after_the_loop_was_held_up(crowd: Crowd) -> None:
    crowd.add_all()
    crowd.clock.now += 10
    crowd.slices.clear()
    crowd.turn()
    assert sum(count for _, count in crowd.queries) == ALL
    assert max(count for _, count in crowd.queries) <= 1_000
    assert max(crowd.slices) <= SLICE + MORE + 1e-9


def test_what_a_second_of_sweeping_costs_is_shown(crowd: Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten thousand whose deadlines are spread, without the database's own time. It is no promise, so only shown."""
    for _ in range(100):
        crowd.add(WorkingSocket, 40, 25)
        crowd.add(WorkingStream, 60, 15)
        crowd.pass_until(crowd.seconds + 0.2)
    began, seconds = time.process_time(), crowd.seconds
    crowd.pass_until(seconds + 10)
    cost = (time.process_time() - began) / (crowd.seconds - seconds)
    assert crowd.dispatcher.count == ALL
    with capsys.disabled():
        print(f"\na second of sweeping over {ALL} clients: {cost * 1000:.1f} ms of CPU")


# -- while it gives way


def interrupt(crowd: Crowd, happening: Callable[[set[int]], None]) -> dict[int, Arrived]:
    """Have it happen when 200 are due in one tick and the sweep gives way among them; what each has been given then.

    `happening` is told who was called so far.
    """
    numbers = crowd.add(WorkingSocket, 200, QUIET)
    crowd.pass_until(QUIET - 0.1)
    is_over = False

    def on_give_way() -> None:
        nonlocal is_over
        called = {number for number in numbers if crowd.clients[number] in crowd.dispatcher.grants._doubted}
        if called and not is_over:
            is_over = True
            assert len(called) < 100
            happening(called)

    crowd.on_give_way = on_give_way
    crowd.pass_until(QUIET + 1)
    assert is_over
    return dict(enumerate(crowd.ask()))


def test_clients_that_are_closed_while_the_sweep_gives_way_are_not_called(crowd: Crowd) -> None:
    closed: set[int] = set()

    def close_some(called: set[int]) -> None:
        closed.update(range(1, 200, 2))
        for number in closed:
            crowd.clients[number].drop()

    arrived = interrupt(crowd, close_some)
    pinged = {number for number, one in arrived.items() if one.data}
    assert len(closed & pinged) < 50  # they were called before
    assert pinged - closed == set(range(0, 200, 2))
    assert {one.data for one in arrived.values()} == {b"", b"\x89\x00"}
    assert crowd.dispatcher.counts["callback_failures"] == 0


def test_clients_that_come_while_the_sweep_gives_way_are_called_in_their_time(crowd: Crowd) -> None:
    new: list[int] = []

    def add_some(called: set[int]) -> None:
        new.extend(crowd.add(WorkingStream, 10, -1))  # due before the tick that is being called
        new.extend(crowd.add(WorkingStream, 10, 0))
        new.extend(crowd.add(WorkingStream, 10, 0.5))

    arrived = interrupt(crowd, add_some)
    assert {arrived[number].data for number in new} == {COMMENT}
    assert {arrived[number].data for number in range(200)} == {b"\x89\x00"}


def test_dispatcher_that_is_closed_while_the_sweep_gives_way_is_asked_for_nothing_more(crowd: Crowd) -> None:
    asked: list[int] = []

    def close(called: set[int]) -> None:
        crowd.dispatcher.close(patience=0)
        asked.extend((len(crowd.queries), len(crowd.looks), len(crowd.slices)))

    arrived = interrupt(crowd, close)
    assert asked[:2] == [len(crowd.queries), len(crowd.looks)]
    assert all(one.is_ended and one.data for one in arrived.values())
    assert sum(one.data.startswith(b"\x89\x00") for one in arrived.values()) < 100
    assert crowd.dispatcher.count == 0


def test_sockets_have_their_turn_between_two_slices() -> None:
    """Not only greenlets: what a client says while ten thousand are pinged is not to wait for all of them."""
    world = World()
    world.dispatcher._sweep._clock = time.monotonic
    called = heard = 0

    class Slow(WebSocketClient):
        __slots__ = ()

        def check(self, now: float) -> None:
            nonlocal called
            called += 1
            if called == 1:
                world.peers[0].write(wire.masked(b"heartCheck"))
            began = time.monotonic()
            while time.monotonic() - began < SLICE:
                pass

        def received(self, data: bytes) -> None:
            nonlocal heard
            heard = called

    for _ in range(40):
        world.dispatcher.check_at(world.connect(Slow).client, time.monotonic())
    until(lambda: called == 40)
    world.close()
    assert 1 <= heard <= 4
