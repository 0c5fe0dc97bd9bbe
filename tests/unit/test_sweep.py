"""The loop that looks after all parked clients: deadlines, and comparing everybody with the database."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
import gevent.event
import pytest

from myapp.live.bus import AWAY, DEAF, OK, STARTING
from myapp.live.places import Place
from myapp.live.rounds import MOST
from myapp.live.sweep import ROUND, ROUND_ALONE, TICK, Sweep

from .parking import Clock

EVERY = 5.0  # seconds, as promised


class Client:
    """Somebody who is looked after; `check` says when next."""

    def __init__(self, dispatcher: Owner, check: Callable[[float], float | None]) -> None:
        self.dispatcher = dispatcher
        self.fd = 3
        self.calls: list[float] = []
        self._check = check

    def check(self, now: float) -> float | None:
        self.calls.append(now)
        return self._check(now)

    def drop(self) -> None:
        self.fd = -1


class Owner:
    """What the sweep asks of the dispatcher."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.bus_state = OK
        self.left: set[int] = set()
        self.compared: list[tuple[str, dict[int, int]]] = []

    def is_in_use(self, place: Place) -> bool:
        return place.user not in self.left

    @property
    def grants(self) -> Owner:
        return self

    @property
    def topics(self) -> Owner:
        return self

    @property
    def stored(self) -> Owner:
        return self

    @property
    def delivery(self) -> Owner:
        return self

    def let_out(self) -> Iterator[None]:
        """Nothing changes here."""
        return iter(())

    def check(self) -> None:
        """Nobody's session is in doubt here."""

    def is_followed(self, topic: object) -> bool:
        return True

    def look_at_clock(self) -> None:
        """Nobody is slow or away here."""

    def compare(self, epoch: str, heads: dict[int, int]) -> None:
        self.compared.append((epoch, heads))


class Swept:
    """A sweep that turns when a test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.owner = Owner()
        self.queries: list[tuple[float, list[int]]] = []
        self.is_away = False
        #: how many of the next reads fail
        self.failures = 0
        self.compared_at: dict[int, list[float]] = defaultdict(list)
        owner: Any = self.owner
        self.sweep = Sweep(owner, self._read_heads, self.clock)

    def _read_heads(self, users: Sequence[int]) -> tuple[str, dict[int, int]]:
        self.queries.append((self.clock.now, list(users)))
        if self.is_away or self.failures:
            self.failures = max(0, self.failures - 1)
            raise ConnectionError("the database is away")
        for user in users:
            self.compared_at[user].append(self.clock.now)
        return "e1", {user: user * 10 for user in users}

    def add(self, users: Sequence[int]) -> None:
        for user in users:
            self.sweep.add(Place(user))

    def call_at(self, seconds: float, check: Callable[[float], float | None] = lambda now: None) -> Client:
        client = Client(self.owner, check)
        anyone: Any = client
        self.sweep.check_at(anyone, self.clock.now + seconds)
        return client

    def turn(self, seconds: float, step: float = TICK) -> None:
        """Turns for so long, as the loop makes them."""
        end = self.clock.now + seconds
        while self.clock.now < end - 1e-9:
            self.clock.now += step
            self.sweep.turn()


@pytest.fixture
def swept() -> Swept:
    return Swept()


# -- deadlines


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 1.0, 24.97, 75.0])
def test_deadline_is_met_not_before_and_at_most_two_ticks_late(seconds: float, swept: Swept) -> None:
    began = swept.clock.now
    client = swept.call_at(seconds)
    swept.turn(seconds + 1)
    (called,) = client.calls
    assert seconds - 1e-6 <= called - began <= seconds + 2 * TICK + 1e-6


def test_deadline_that_has_passed_is_met_soon(swept: Swept) -> None:
    client = swept.call_at(-10)
    swept.turn(0.3)
    assert len(client.calls) == 1


def test_client_says_when_it_is_looked_at_next(swept: Swept) -> None:
    client = swept.call_at(1, lambda now: now + 2)
    swept.turn(9.5)
    assert len(client.calls) == 5 or len(client.calls) == 4
    assert all(2 - 1e-6 <= b - a <= 2 + 2 * TICK + 1e-6 for a, b in zip(client.calls, client.calls[1:], strict=False))


def test_client_without_a_next_time_is_not_looked_at_again(swept: Swept) -> None:
    client = swept.call_at(1)
    swept.turn(10)
    assert len(client.calls) == 1


def test_closed_client_is_not_looked_at(swept: Swept) -> None:
    client = swept.call_at(1)
    client.drop()
    swept.turn(2)
    assert client.calls == []


def test_deadlines_are_met_after_the_loop_was_held_up(swept: Swept) -> None:
    clients = [swept.call_at(seconds) for seconds in (0.5, 3, 7)]
    swept.turn(8, step=8)
    assert [len(client.calls) for client in clients] == [1, 1, 1]


def test_client_whose_check_fails_is_closed_counted_and_the_others_go_on(
    swept: Swept, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(now: float) -> None:
        raise ZeroDivisionError("on purpose")

    broken = swept.call_at(1, fail)
    other = swept.call_at(1)
    with caplog.at_level(logging.ERROR):
        swept.turn(2)
    assert broken.fd == -1
    assert len(other.calls) == 1
    assert swept.owner.counts["callback_failures"] == 1
    assert "on purpose" in caplog.text


def test_many_deadlines_at_once_leave_turns_to_others(swept: Swept) -> None:
    turns = 0

    def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    def slow(now: float) -> None:
        swept.clock.now += 0.0005  # half a millisecond of work

    clients = [swept.call_at(1, slow) for _ in range(200)]
    greenlet = gevent.spawn(other)
    swept.clock.now += 1.5
    swept.sweep.turn()
    greenlet.kill()
    assert all(len(client.calls) == 1 for client in clients)
    assert turns > 40


# -- comparing


@pytest.mark.parametrize("count", [1, 3, 100, 2500])
def test_every_user_is_compared_within_five_seconds_always(count: int, swept: Swept) -> None:
    began = swept.clock.now
    swept.add(range(count))
    swept.turn(21)
    for user in range(count):
        times = [began, *(at for at, users in swept.queries if user in users)]
        assert all(b - a < EVERY for a, b in zip(times, times[1:], strict=False))
        assert swept.clock.now - times[-1] < EVERY


def test_query_asks_for_a_thousand_users_at_most(swept: Swept) -> None:
    swept.add(range(20_000))
    swept.turn(10)
    assert max(len(users) for _at, users in swept.queries) <= MOST


def test_users_are_compared_no_more_often_than_needed(swept: Swept) -> None:
    swept.add(range(10))
    swept.turn(ROUND * 10)
    asked = Counter(user for _at, users in swept.queries for user in users)
    assert all(8 <= asked[user] <= 11 for user in range(10))


def test_work_is_spread_over_the_round(swept: Swept) -> None:
    swept.add(range(400))
    swept.turn(ROUND * 3)
    assert max(len(users) for _at, users in swept.queries) <= 20


def test_user_who_left_is_not_asked_for_any_more(swept: Swept) -> None:
    swept.add(range(3))
    swept.owner.left = {1}
    swept.turn(10)
    assert all(1 not in users for _at, users in swept.queries)
    assert len(swept.sweep._places) == 2


def test_what_was_read_is_handed_to_the_dispatcher(swept: Swept) -> None:
    swept.add([7])
    swept.turn(5)
    assert swept.owner.compared[0] == ("e1", {7: 70})


def test_nothing_is_asked_when_nobody_waits(swept: Swept) -> None:
    swept.turn(20)
    assert swept.queries == []


def test_database_that_is_away_is_asked_again(swept: Swept, caplog: pytest.LogCaptureFixture) -> None:
    swept.add(range(3))
    swept.is_away = True
    with caplog.at_level(logging.WARNING):
        swept.turn(6)
    assert swept.owner.compared == []
    assert "the database is away" in caplog.text
    swept.is_away = False
    swept.turn(5)
    assert {user for _epoch, heads in swept.owner.compared for user in heads} == {0, 1, 2}


@pytest.mark.parametrize("state", [OK, AWAY])
@pytest.mark.parametrize("failures", [1, 2])
def test_users_whose_comparison_failed_are_compared_within_five_seconds_all_the_same(
    failures: int, state: str, swept: Swept
) -> None:
    began = swept.clock.now
    swept.owner.bus_state = state
    swept.add(range(300))
    for _ in range(8):
        swept.turn(2.3)
        swept.failures = failures
    swept.turn(3)
    for user in range(300):
        times = [began, *swept.compared_at[user], swept.clock.now]
        assert max(after - before for before, after in zip(times, times[1:], strict=False)) < EVERY


@pytest.mark.parametrize("count", [1, 3000])
def test_database_that_is_away_is_asked_about_once_a_second(count: int, swept: Swept) -> None:
    swept.add(range(count))
    swept.turn(5)
    swept.queries.clear()
    swept.is_away = True
    swept.turn(30)
    assert 20 <= len(swept.queries) <= 35


@pytest.mark.parametrize("seconds", [0.5, 3, 60])
def test_everybody_is_compared_soon_after_the_database_is_back(seconds: float, swept: Swept) -> None:
    began = swept.clock.now
    swept.add(range(1200))
    swept.turn(3)
    swept.is_away = True
    swept.turn(seconds)
    swept.is_away = False
    back = swept.clock.now
    swept.turn(EVERY)
    for user in range(1200):
        times = [began, *swept.compared_at[user], swept.clock.now]
        gaps = zip(times, times[1:], strict=False)
        assert all(after - before < EVERY or after < back + 1.5 for before, after in gaps)


def test_who_left_after_a_comparison_failed_is_not_asked_for_any_more(swept: Swept) -> None:
    swept.add(range(3))
    swept.failures = 1
    swept.turn(ROUND)
    assert swept.failures == 0
    swept.owner.left = {1}
    swept.queries.clear()
    swept.turn(10)
    assert all(1 not in users for _at, users in swept.queries)
    assert len(swept.sweep._places) == 2


def stand_still(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> gevent.event.Event:
    """The database answers nothing before this happens."""
    answers = gevent.event.Event()
    read = swept.sweep._read_heads

    def stuck(users: Sequence[int]) -> tuple[str, dict[int, int]]:
        answers.wait()
        return read(users)

    monkeypatch.setattr(swept.sweep, "_read_heads", stuck)
    return answers


def test_who_is_asked_for_while_the_bus_carries_again_is_asked_for_once_more(
    swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read may be from before that."""
    answers = stand_still(swept, monkeypatch)
    swept.add(range(3))
    swept.turn(ROUND)
    swept.sweep.compare_all()
    answers.set()
    swept.turn(3 * TICK)
    assert all(len(swept.compared_at[user]) >= 2 for user in swept.queries[0][1])
    assert {user for _at, users in swept.queries for user in users} == {0, 1, 2}


def test_loop_that_was_held_up_does_not_ask_for_everybody_at_once_for_ever(swept: Swept) -> None:
    swept.add(range(100))
    swept.turn(60, step=60)
    swept.queries.clear()
    swept.turn(ROUND)
    assert sum(len(users) for _at, users in swept.queries) <= 300


# -- its loop


def test_it_runs_from_start_to_close(swept: Swept) -> None:
    assert not swept.sweep.is_running
    swept.sweep.start()
    assert swept.sweep.is_running
    client = swept.call_at(1)
    swept.clock.now += 2
    with gevent.Timeout(5):
        while not client.calls:
            gevent.sleep(0.005)
    swept.sweep.close()
    swept.sweep.close()
    later = swept.call_at(1)
    swept.clock.now += 2
    gevent.sleep(3 * TICK)
    assert later.calls == []


def test_turn_that_fails_does_not_end_the_loop(
    swept: Swept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(epoch: str, heads: dict[int, int]) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(swept.owner, "compare", fail)
    swept.add([7])
    swept.sweep.start()
    swept.clock.now += 5
    with caplog.at_level(logging.ERROR), gevent.Timeout(5):
        while "on purpose" not in caplog.text:
            gevent.sleep(0.005)
    client = swept.call_at(1)
    swept.clock.now += 2
    with gevent.Timeout(5):
        while not client.calls:
            gevent.sleep(0.005)
    swept.sweep.close()


@pytest.mark.parametrize("state", [AWAY, DEAF, STARTING])
def test_everybody_is_compared_every_two_seconds_while_the_bus_carries_nothing(swept: Swept, state: str) -> None:
    swept.owner.bus_state = state
    swept.add(range(1, 1201))
    swept.turn(20)
    for user in (1, 600, 1200):
        times = [at for at, users in swept.queries if user in users]
        gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
        assert len(times) >= 20 / ROUND_ALONE - 1
        assert max(gaps) <= ROUND_ALONE + 3 * TICK


def test_everybody_is_compared_at_once_when_the_bus_carries_again(swept: Swept) -> None:
    swept.add(range(1, 1201))
    swept.turn(1)
    before = len(swept.queries)
    swept.sweep.compare_all()
    swept.turn(TICK)
    assert {user for _at, users in swept.queries[before:] for user in users} == set(range(1, 1201))


def test_database_that_stands_still_does_not_hold_up_deadlines(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = stand_still(swept, monkeypatch)
    swept.add(range(1, 11))
    client = swept.call_at(6)
    swept.turn(7)
    assert len(client.calls) == 1
    assert swept.queries == []
    answers.set()
    swept.turn(5)
    assert {user for _at, users in swept.queries for user in users} == set(range(1, 11))
