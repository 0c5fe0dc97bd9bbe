"""Runs that compute in the server itself: requests have a moment behind each turn, however many compute."""

from __future__ import annotations

import heapq
from itertools import count, pairwise

import pytest
from greenlet import getcurrent, greenlet

from myapp.tasks import run


class Clock:
    """Time of greenlets that work and sleep: it goes by with both, and nothing else."""

    def __init__(self) -> None:
        self.now = 0.0
        self._hub = getcurrent()
        self._numbers = count()
        self._asleep: list[tuple[float, int, greenlet]] = []

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        heapq.heappush(self._asleep, (self.now + seconds, next(self._numbers), getcurrent()))
        self._hub.switch()

    def run(self, *greenlets: greenlet) -> None:
        for one in greenlets:
            one.switch()
        while self._asleep:
            until, _number, one = heapq.heappop(self._asleep)
            self.now = max(self.now, until)
            one.switch()


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, float]]:
    """Who worked, from when to when: three who do nothing else, each turn longer than it should be."""
    clock, turns = Clock(), run._Turns()
    monkeypatch.setattr(run, "time", clock)
    found: list[tuple[str, float, float]] = []

    def compute(name: str) -> None:
        for _ in range(4):
            began = clock.now
            clock.now += 1.5 * run.TURN
            found.append((name, began, clock.now))
            turns.wait()

    clock.run(*(greenlet(lambda name=name: compute(name)) for name in "abc"))
    return found


def test_requests_have_a_moment_behind_each_turn(worked: list[tuple[str, float, float]]) -> None:
    apart = [after[1] - before[2] for before, after in pairwise(worked)]
    assert apart[:2] == [0, 0], "all three begin at once"
    assert min(apart[2:]) > 0.99 * run.MOMENT


def test_those_who_compute_have_their_turns_one_after_the_other(worked: list[tuple[str, float, float]]) -> None:
    assert "".join(name for name, _began, _ended in worked) == 4 * "abc"
