"""The counters of the limits."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from limits import RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from myapp.windows import LOOK_EVERY, Windows

from ..support import wait_for


@pytest.fixture
def windows() -> Windows:
    found = storage_from_string("windows://")
    assert isinstance(found, Windows)
    return found


def test_counts_of_each_key_are_its_own(windows: Windows) -> None:
    assert [windows.incr("a", 60), windows.incr("b", 60), windows.incr("a", 60), windows.incr("a", 60, 3)] == [
        1,
        1,
        2,
        5,
    ]
    assert (windows.get("a"), windows.get("b"), windows.get("c")) == (5, 1, 0)


def test_a_limit_refuses_what_is_too_much_and_allows_it_in_the_next_window(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    limiter, limit = FixedWindowRateLimiter(windows), RateLimitItemPerSecond(2)
    assert [limiter.hit(limit, "a") for _ in range(3)] == [True, True, False]
    assert now[0] < limiter.get_window_stats(limit, "a").reset_time <= now[0] + 1
    now[0] += 0.9
    assert not limiter.hit(limit, "a")
    now[0] += 0.2
    assert [limiter.hit(limit, "a") for _ in range(3)] == [True, True, False]


def test_what_is_over_is_forgotten(windows: Windows) -> None:
    for number in range(100):
        windows.incr(f"visitor {number}", 0.01)
    time.sleep(LOOK_EVERY)
    windows.incr("another", 60)
    wait_for(lambda: [*windows.storage] == ["another"], "the others to be forgotten")
    assert [*windows.expirations] == [*windows.locks] == ["another"]


def test_a_hit_starts_no_thread(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []

    class Noted(threading.Timer):
        def __init__(self, interval: float, function: Any) -> None:
            started.append(interval)
            super().__init__(interval, function)

    monkeypatch.setattr(threading, "Timer", Noted)
    for _ in range(20):
        windows.incr("a", 60)
        time.sleep(0.02)  # by then the timer of the one before has ended
    assert len(started) <= 1
    assert windows.get("a") == 20
