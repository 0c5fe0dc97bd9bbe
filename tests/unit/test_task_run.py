"""One run of a task from within: how far it is, what it gives, whose it is; and how it is interrupted from outside."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import pytest

from myapp.auth.people import Person
from myapp.tasks import interrupting, owner, progress, result, run
from myapp.tasks.interrupting import Interrupt
from myapp.tasks.results import Folder
from myapp.tasks.run import Ended, Run, entered

from ..support import PATIENCE, wait_for

ANN = Person(7, "ann", "Ann")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "results")


@pytest.fixture
def at_hand(folder: Folder) -> Iterator[Run]:
    """The run that the functions are about."""
    at_hand = Run(3, 1, ANN, folder, lambda: False)
    with entered(at_hand):
        yield at_hand


def files(folder: Folder) -> list[str]:
    return sorted(file.name for file in folder.path.iterdir())


@pytest.mark.parametrize(
    ("given", "percent"),
    [
        *((0, 0), (40, 40), (99.9, 99), (100, 100), (Decimal("12.5"), 12), (True, 1)),
        *((-1, 0), (1e9, 100), (float("inf"), 100), (float("-inf"), 0)),
    ],
)
def test_progress_is_a_whole_number_of_100(given: Any, percent: int, at_hand: Run) -> None:
    progress(given)
    assert at_hand.percent == percent


@pytest.mark.parametrize("given", [float("nan"), "40", None, [40]])
def test_progress_that_is_no_number_is_an_error_there(given: Any, at_hand: Run) -> None:
    progress(30)
    with pytest.raises((ValueError, TypeError)):
        progress(given)
    assert at_hand.percent == 30


@pytest.mark.parametrize("call", [lambda: progress(1), lambda: result("a.csv"), owner])
def test_outside_of_a_task_it_is_said_so(call: Callable[[], object]) -> None:
    with pytest.raises(RuntimeError, match="not called by a task"):
        call()


def test_owner_is_whose_task_it_is(at_hand: Run) -> None:
    assert owner() is ANN


def test_run_that_is_to_end_ends_at_its_next_progress_for_the_first_reason(at_hand: Run) -> None:
    at_hand.end("too long")
    at_hand.end("stopped")
    with pytest.raises(Ended, match="too long"):
        progress(1)


def test_progress_gives_way_where_others_wait_for_it_but_not_within_a_transaction(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []
    monkeypatch.setattr(run, "TURN", -1.0)
    monkeypatch.setattr(run._turns, "wait", lambda: turns.append("gave way"))
    for is_patched, is_in_transaction, is_given in ((True, False, 1), (True, True, 0), (False, False, 0)):
        monkeypatch.setattr(run, "_is_patched", lambda is_patched=is_patched: is_patched)
        with entered(Run(3, 1, ANN, folder, lambda is_in=is_in_transaction: is_in)):  # type: ignore[misc]
            progress(1)
        assert len(turns) == is_given
        turns.clear()


def test_progress_gives_way_also_where_the_run_is_to_end_and_does_not(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []
    monkeypatch.setattr(run, "TURN", -1.0)
    monkeypatch.setattr(run._turns, "wait", lambda: turns.append("gave way"))
    monkeypatch.setattr(run, "_is_patched", lambda: True)
    with entered(ended := Run(3, 1, ANN, folder, lambda: False)):
        ended.end("cancelled")
        for _ in range(3):
            with pytest.raises(Ended):
                progress(1)
    assert len(turns) == 3


def test_result_is_a_file_of_the_task(at_hand: Run, folder: Folder) -> None:
    with result("Grüße.csv") as file:
        file.write(b"1,2\n")
    assert at_hand.file is not None
    assert (at_hand.file.name, at_hand.file.size) == ("Grüße.csv", 4)
    assert files(folder) == [at_hand.file.path]
    assert folder.of(at_hand.file.path).read_bytes() == b"1,2\n"


def test_second_result_takes_the_first_ones_place(at_hand: Run, folder: Folder) -> None:
    with result("a.csv") as outer, result("b.csv") as inner:
        inner.write(b"inner")
        outer.write(b"outer")
    assert at_hand.file is not None
    assert at_hand.file.name == "a.csv"
    assert files(folder) == [at_hand.file.path]


def test_result_whose_writing_fails_leaves_nothing_and_the_one_before_stays(at_hand: Run, folder: Folder) -> None:
    with result("a.csv"):
        pass
    before = at_hand.file
    at_hand.end("stopped")
    with pytest.raises(Ended), result("b.csv") as file:
        file.write(b"half")
        progress(50)
    assert at_hand.file is before
    assert before is not None
    assert files(folder) == [before.path]


def test_result_may_be_closed_by_what_writes_it(at_hand: Run) -> None:
    with result("a.csv") as file, io.TextIOWrapper(file, encoding="utf-8") as text:
        csv.writer(text, lineterminator="\n").writerow(["ä", 1])
    assert at_hand.file is not None
    assert at_hand.file.size == 5


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "..\\b", "/etc/passwd", "a\nb", "a\x00", "a\x7f", "x" * 151, "\ud800.csv"]
)
def test_name_that_no_file_can_have_is_refused(name: str, at_hand: Run, folder: Folder) -> None:
    with pytest.raises(ValueError, match="cannot be a file's name"), result(name):
        pass
    assert at_hand.file is None
    assert not folder.path.exists()


def test_name_that_is_none_of_ours_leads_to_no_file(folder: Folder) -> None:
    for name in ("../x", "3-abc", "", f"3-{'0' * 33}", f"-{'0' * 32}"):
        with pytest.raises(ValueError, match="no file of results"):
            folder.of(name)


# -- interrupting


class Interrupted(threading.Thread):
    """A thread that runs a function within an Interrupt, and notes how it ended."""

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__()
        self.function = function
        self.interrupt: Interrupt | None = None
        self.ended: list[str] = []
        self.start()

    def run(self) -> None:
        interrupt = Interrupt()
        try:
            with interrupt:
                self.interrupt = interrupt
                self.function()
        except Ended:
            self.ended.append("interrupted")
        for _ in range(1000):
            pass
        self.ended.append("went on")


def wait_long() -> None:
    for _ in range(100_000):
        time.sleep(0.001)


def test_thread_is_interrupted_in_its_function_alone() -> None:
    thread = Interrupted(wait_long)
    interrupt = wait_for(lambda: thread.interrupt, "the function to begin")
    interrupt.fire("stop")
    thread.join()
    assert thread.ended == ["interrupted", "went on"]


def test_thread_whose_function_keeps_the_interrupt_goes_on_until_the_next_one() -> None:
    ready, kept = threading.Semaphore(0), []

    def function() -> None:
        for _ in range(2):
            try:
                ready.release()  # from here on it is kept
                wait_long()
            except Ended:
                kept.append("kept")

    thread = Interrupted(function)
    for _ in range(2):
        assert ready.acquire(timeout=PATIENCE)
        assert thread.interrupt is not None
        thread.interrupt.fire("stop")
    thread.join()
    assert kept == ["kept", "kept"]
    assert thread.ended == ["went on"]


def test_interrupt_that_comes_late_hits_nothing() -> None:
    thread = Interrupted(lambda: None)
    thread.join()
    assert thread.interrupt is not None
    thread.interrupt.fire("stop")
    for _ in range(200):
        other = Interrupted(lambda: None)  # it may have the same number
        thread.interrupt.fire("stop")
        other.join()
        assert other.ended == ["went on"]


@pytest.fixture
def as_greenlets(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that gevent has patched."""
    monkeypatch.setattr(interrupting, "_greenlet", gevent.getcurrent)


@pytest.mark.usefixtures("as_greenlets")
def test_greenlet_is_interrupted_where_it_waits() -> None:
    said: list[str] = []

    def work() -> None:
        try:
            with Interrupt() as interrupt:
                made.append(interrupt)
                gevent.event.Event().wait()
        except Ended as ended:
            said.append(str(ended))

    made: list[Interrupt] = []
    greenlet = gevent.spawn(work)
    gevent.sleep(0)
    made[0].fire("too long")
    greenlet.join()
    assert said == ["too long"]


@pytest.mark.usefixtures("as_greenlets")
def test_greenlet_that_leaves_before_the_interrupt_arrives_goes_on() -> None:
    """It was about to go on when the interrupt was fired, and now waits for something else."""
    is_needed, made, said = gevent.event.Event(), [], []

    def work() -> None:
        with Interrupt() as interrupt:
            made.append(interrupt)
            is_needed.wait()
        said.append("left")
        gevent.sleep(0.001)
        said.append("stored")

    greenlet = gevent.spawn(work)
    gevent.sleep(0)
    is_needed.set()
    made[0].fire("too long")
    greenlet.join()
    assert said == ["left", "stored"]
    assert greenlet.exception is None
