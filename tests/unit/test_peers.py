"""What several workers know of each other: who is online, is writing, is gone; over a bus that loses anything."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myapp.live.bus import AWAY, OK
from myapp.live.peers import ALIVE_EVERY, ANSWER_PATIENCE, MOST_NAMED, SILENT, Peers
from myapp.live.presence import GRACE, Presence

from .parking import Clock


class Air:
    """What all workers hear, unless it is lost."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.workers: list[Worker] = []
        self.loses: Callable[[], bool] = lambda: False

    def worker(self) -> Worker:
        worker = Worker(self, f"host:{len(self.workers) + 1}")
        self.workers.append(worker)
        worker.peers.resumed()
        return worker

    def pass_time(self, seconds: float, step: float = 0.5) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += step
            for worker in self.workers:
                worker.turn()


class Worker:
    """A worker's presence and peers; it is its own bus."""

    def __init__(self, air: Air, name: str) -> None:
        self.air = air
        self.worker = name
        self.state = OK
        self.here: set[int] = set()
        self.changes: list[tuple[str, str]] = []
        self.writing: set[tuple[int, int]] = set()
        self.presence = Presence(self.here.__contains__, lambda key, data: self.changes.append((key, data)))
        bus: Any = self
        self.peers = Peers(bus, self.presence, lambda: self.here, self._write, self._answer, air.clock)
        self.presence.tell = self.peers.moved

    def broadcast(self, words: bytes) -> None:
        for other in self.air.workers:
            if other is not self and self.state == other.state == OK and not self.air.loses():
                other.peers.overhear(self.worker, words)

    def _write(self, writer: int, reader: int, is_writing: bool) -> None:
        (self.writing.add if is_writing else self.writing.discard)((writer, reader))

    def _answer(self, question: str, argument: Any) -> Any:
        return [self.worker, question, argument]

    def arrive(self, user: int) -> None:
        self.here.add(user)
        self.presence.arrived(user)

    def leave(self, user: int) -> None:
        self.here.discard(user)
        self.presence.left(user, self.air.clock.now)

    def turn(self) -> None:
        self.presence.expire(self.air.clock.now)
        self.peers.turn(self.air.clock.now)

    def says(self, *users: int) -> list[str]:
        return [self.presence.state(user) for user in users]

    def die(self) -> None:
        self.air.workers.remove(self)


@pytest.fixture
def air() -> Air:
    return Air()


def test_who_waits_in_one_worker_is_online_in_all(air: Air) -> None:
    one, two, three = air.worker(), air.worker(), air.worker()
    one.arrive(7)
    air.pass_time(0.5)
    for worker in (one, two, three):
        assert worker.says(7, 8) == ["online", "offline"]
        assert worker.changes == [("presence:7", '{"state":"online"}')]


def test_who_leaves_is_offline_in_all_after_the_grace(air: Air) -> None:
    one, two = air.worker(), air.worker()
    one.arrive(7)
    air.pass_time(1)
    one.leave(7)
    air.pass_time(GRACE - 1)
    assert two.says(7) == ["online"]
    air.pass_time(2)
    assert one.says(7) == two.says(7) == ["offline"]


def test_page_that_comes_back_to_another_worker_does_not_flicker(air: Air) -> None:
    one, two, watching = air.worker(), air.worker(), air.worker()
    one.arrive(7)
    air.pass_time(1)
    one.leave(7)
    two.arrive(7)
    air.pass_time(3 * GRACE)
    assert watching.changes == [("presence:7", '{"state":"online"}')]
    assert one.changes == two.changes == watching.changes


def test_tabs_in_two_workers_are_one_person_until_the_last_goes(air: Air) -> None:
    one, two = air.worker(), air.worker()
    one.arrive(7)
    two.arrive(7)
    air.pass_time(1)
    one.leave(7)
    air.pass_time(2 * GRACE)
    assert one.says(7) == two.says(7) == ["online"]
    two.leave(7)
    air.pass_time(2 * GRACE)
    assert one.says(7) == two.says(7) == ["offline"]


def test_worker_that_starts_learns_who_is_online(air: Air) -> None:
    one = air.worker()
    for user in range(1, 2 * MOST_NAMED + 10):
        one.arrive(user)
    air.pass_time(2)
    two = air.worker()
    air.pass_time(1)
    assert two.says(1, MOST_NAMED, 2 * MOST_NAMED + 9, 2 * MOST_NAMED + 10) == ["online"] * 3 + ["offline"]


def test_people_of_a_worker_that_was_killed_are_offline_within_thirty_seconds(air: Air) -> None:
    one, two = air.worker(), air.worker()
    one.arrive(7)
    one.arrive(8)
    two.arrive(8)
    air.pass_time(1)
    one.die()
    air.pass_time(SILENT - ALIVE_EVERY - 1)
    assert two.says(7, 8) == ["online", "online"]
    air.pass_time(ALIVE_EVERY + 3)
    assert two.says(7, 8) == ["offline", "online"]
    assert two.changes[-1] == ("presence:7", '{"state":"offline"}')
    assert two.peers.names == []


def test_worker_that_says_goodbye_leaves_its_people_time_to_come_back(air: Air) -> None:
    one, two = air.worker(), air.worker()
    one.arrive(7)
    one.arrive(8)
    air.pass_time(1)
    one.peers.leave(8.0)
    one.die()
    air.pass_time(4)
    two.arrive(7)
    air.pass_time(6)
    assert two.says(7, 8) == ["online", "offline"]
    assert ("presence:7", '{"state":"offline"}') not in two.changes


def test_nobody_is_taken_for_gone_because_the_bus_is_away(air: Air) -> None:
    one, two = air.worker(), air.worker()
    one.arrive(7)
    air.pass_time(1)
    two.state = AWAY
    air.pass_time(4 * SILENT)
    assert two.says(7) == ["online"]
    one.leave(7)
    one.arrive(9)
    air.pass_time(2 * GRACE)
    two.state = OK
    two.peers.resumed()
    air.pass_time(2)
    assert two.says(7, 9) == ["offline", "online"]


def test_writing_is_known_in_all_workers(air: Air) -> None:
    one, two = air.worker(), air.worker()
    one.peers.wrote(1, 2, True)
    one.peers.wrote(1, 3, True)
    one.turn()
    assert two.writing == {(1, 2), (1, 3)}
    one.peers.wrote(1, 3, False)
    one.turn()
    assert two.writing == {(1, 2)}


def test_all_workers_answer_a_question(air: Air) -> None:
    one, two, three = air.worker(), air.worker(), air.worker()
    air.pass_time(ALIVE_EVERY + 1)
    answers = gevent.spawn(one.peers.ask_all, "who", 7)
    air_answers = answers.get(timeout=5)
    assert air_answers == {worker.worker: [worker.worker, "who", 7] for worker in (one, two, three)}


def test_worker_that_does_not_answer_is_left_out(air: Air) -> None:
    one, two, three = air.worker(), air.worker(), air.worker()
    air.pass_time(ALIVE_EVERY + 1)
    three.state = AWAY
    asked = gevent.spawn(one.peers.ask_all, "stats")
    gevent.sleep(0)
    gevent.sleep(0)
    air.clock.now += ANSWER_PATIENCE + 1
    assert sorted(asked.get(timeout=5)) == [one.worker, two.worker]


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.floats(0, 0.6))
def test_whatever_is_lost_all_know_the_same_in_the_end(seed: int, share: float) -> None:
    air, lots = Air(), random.Random(seed)
    workers = [air.worker() for _ in range(3)]
    air.loses = lambda: lots.random() < share
    for _ in range(60):
        worker, user = lots.choice(workers), lots.randint(1, 5)
        if user in worker.here:
            worker.leave(user)
        else:
            worker.arrive(user)
        air.pass_time(lots.choice([0.5, 1, 6]))
    air.loses = lambda: False
    air.pass_time(2 * SILENT)
    truth = ["online" if any(user in worker.here for worker in workers) else "offline" for user in range(1, 6)]
    for worker in workers:
        assert worker.says(*range(1, 6)) == truth
