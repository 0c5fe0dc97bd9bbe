"""Signs of life: at most four transactions a second, and what they tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from myapp.auth.people import Person
from myapp.changed import Changed
from myapp.db import Transaction
from myapp.errors import Text, Unavailable
from myapp.tasks import beat as module
from myapp.tasks.beat import LIVE_EVERY, PROGRESS_EVERY, Beat
from myapp.tasks.results import Folder
from myapp.tasks.run import Run
from myapp.tasks.stored import RUNNING, Task

from .conftest import Store
from .tasking import Tasking, kind_of


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def tasking(emptied: Store) -> Iterator[Tasking]:
    with kind_of(lambda: None):
        yield Tasking(emptied)


@pytest.fixture
def beat(tasking: Tasking, clock: Clock) -> Beat:
    """One that a test turns itself: closed, it has no thread."""
    beat = Beat(tasking.database)
    beat.close()
    return beat


@pytest.fixture
def task(tasking: Tasking) -> Task:
    return tasking.started(tasking.store.add()[0])


def run_of(task: Task) -> Run:
    return Run(task.id, task.attempt, Person(task.owner_id, "ann", "Ann"), Folder(Path("/nowhere")), lambda: False)


def turns(beat: Beat, tasking: Tasking) -> int:
    """How many things watchers were told by one turn."""
    tasking.news.clear()
    beat.turn()
    return sum(isinstance(item, Changed) for item in tasking.news)


def test_progress_is_stored_and_told_to_watchers_and_is_no_event(beat: Beat, task: Task, tasking: Tasking) -> None:
    run = run_of(task)
    beat.add(run)
    before = tasking.store.head(task.owner_id)
    for percent in (10, 20, 30):
        run.progress(percent)
    assert turns(beat, tasking) == 1
    now = tasking.find(task.id)
    assert (now.progress, now.version > task.version) == (30, True)
    assert tasking.store.head(task.owner_id) == before
    assert turns(beat, tasking) == 0, "nothing has changed since"


def test_run_that_says_nothing_lives_and_is_believed(beat: Beat, clock: Clock, task: Task, tasking: Tasking) -> None:
    beat.add(run_of(task))
    for seconds, is_silent in ((LIVE_EVERY, False), (LIVE_EVERY / 2, True), (LIVE_EVERY / 2, False)):
        tasking.fall_silent(task.id)
        clock.now += seconds
        assert turns(beat, tasking) == 0
        assert tasking.silent() == ([task.id] if is_silent else [])


def test_run_that_is_cancelled_is_told_to_end(beat: Beat, task: Task, tasking: Tasking) -> None:
    run = run_of(task)
    beat.add(run)
    tasking.cancel(task.owner_id, task.id)
    run.progress(50)
    assert turns(beat, tasking) == 0
    assert run.end_reason == ""
    assert tasking.find(task.id).progress == 0


def test_run_that_was_overtaken_is_told_to_end_and_the_other_lives(beat: Beat, task: Task, tasking: Tasking) -> None:
    tasking.put_back(task)
    again = tasking.claim(task.id)
    assert again is not None
    old, new = run_of(task), run_of(again)
    beat.add(old)
    beat.add(new)
    beat.turn()
    assert (old.end_reason, new.end_reason) == ("", None)
    beat.remove(old)
    assert beat.runs() == [new]
    new.progress(60)
    beat.turn()
    assert (tasking.find(task.id).progress, tasking.find(task.id).state) == (60, RUNNING)


def test_what_could_not_be_told_is_told_later(
    beat: Beat, task: Task, tasking: Tasking, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(task)
    beat.add(run)
    run.progress(50)
    for failure in (Unavailable(Text("busy")), RuntimeError("broken")):

        def fail(transaction: Transaction, *_: object, failure: Exception = failure) -> bool:
            raise failure

        with monkeypatch.context() as patch:
            patch.setattr(module, "store", fail)
            beat.turn()
    assert run.end_reason is None
    beat.turn()
    assert tasking.find(task.id).progress == 50


def test_there_are_at_most_four_transactions_a_second(
    clock: Clock, task: Task, tasking: Tasking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though there is always something to tell."""
    beat, run = Beat(tasking.database), run_of(task)
    times: list[float] = []
    turn = beat.turn

    def noted() -> None:
        times.append(clock.now)
        turn()
        if len(times) == 40:
            beat._closing.set()

    class Closing(type(beat._closing)):  # type: ignore[misc]
        def wait(self, timeout: float | None = None) -> bool:
            clock.now += timeout or 0.0
            run.progress((run.percent + 1) % 100)
            beat._is_needed.set()
            return self.is_set()

    monkeypatch.setattr(beat, "turn", noted)
    monkeypatch.setattr(beat, "_closing", Closing())
    beat._closing.set()  # no thread: the test is it
    beat.add(run)
    beat._closing.clear()
    beat._go_on()
    assert len(times) == 40
    assert all(later - earlier >= PROGRESS_EVERY for earlier, later in zip(times, times[1:], strict=False))


def test_what_a_system_said_last_stays_whichever_process_stores_it_first(
    beat: Beat, task: Task, tasking: Tasking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasking.store.write(f"UPDATE tasks SET source_id = 7, attempt = 0 WHERE id = {task.id}")
    times = iter(range(task.version + 1, task.version + 3))
    monkeypatch.setattr(module, "now_ms", lambda: next(times))
    another = Beat(tasking.database)
    another.close()
    beat.say(task.id, 10, task.version)
    another.say(task.id, 20, task.version)
    assert (turns(another, tasking), turns(beat, tasking)) == (1, 0)
    assert tasking.find(task.id).progress == 20


def test_what_a_system_said_is_behind_what_it_was_shown_whatever_the_clocks_say(
    beat: Beat, task: Task, tasking: Tasking
) -> None:
    ahead = task.version + 3_600_000
    tasking.store.write(f"UPDATE tasks SET source_id = 7, attempt = 0, version = {ahead} WHERE id = {task.id}")
    beat.say(task.id, 10, ahead)
    assert turns(beat, tasking) == 1
    assert (tasking.find(task.id).progress, tasking.find(task.id).version) == (10, ahead + 1)
