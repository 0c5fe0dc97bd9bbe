"""Ctrl-C and SIGTERM while one follows: they end it wherever they come, and break nothing off half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from myapp_client.interruptions import Interruptions

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of the process that runs the tests are back behind each."""
    before = [signal.signal(number, signal.default_int_handler) for number in SIGNALS]
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_nothing_is_raised_where_locks_may_be_held_and_another_thread_ends_it(number: signal.Signals) -> None:
    ended_by: list[str] = []
    is_over = threading.Event()

    def end() -> None:
        ended_by.append(threading.current_thread().name)
        is_over.set()

    with Interruptions(end) as interruptions:
        assert not interruptions.came
        signal.raise_signal(number)
        assert is_over.wait(60)
        assert interruptions.came
    assert ended_by == ["myapp-client-interruptions"]


def test_what_may_wait_for_long_is_broken_off() -> None:
    with Interruptions(lambda: None) as interruptions, pytest.raises(KeyboardInterrupt), interruptions.allowed():
        signal.raise_signal(signal.SIGTERM)


def test_what_may_wait_for_long_does_not_begin_after_one() -> None:
    with Interruptions(lambda: None) as interruptions:
        with interruptions.allowed():
            pass
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interruptions.allowed():
            raise AssertionError("it has begun")


def test_a_second_one_is_raised_wherever_it_comes() -> None:
    with Interruptions(lambda: None):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruptions(lambda: None) as interruptions:
        signal.raise_signal(signal.SIGINT)
        assert not interruptions.came


def test_afterwards_they_do_what_they_did_and_nothing_is_ended() -> None:
    ended: list[bool] = []
    with Interruptions(lambda: ended.append(True)):
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert not ended
