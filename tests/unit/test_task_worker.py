"""How runs of tasks end: each way in which a function can, and each in which it is ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask import Flask

from myapp.errors import NotFound, Text, Unavailable
from myapp.tasks import TaskFailed, owner, progress, result, service, worker
from myapp.tasks.beat import Beat
from myapp.tasks.queue import TaskQueue
from myapp.tasks.results import Folder
from myapp.tasks.run import Ended, Run
from myapp.tasks.stored import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Task
from myapp.tasks.worker import FAILURE, STOPPED, Workers

from ..support import PATIENCE, wait_for
from .conftest import Store
from .tasking import Tasking, kind_of


class Office:
    """Workers of one process, of which a test calls `run` itself, and one user's tasks."""

    def __init__(self, app: Flask, store: Store, folder: Path) -> None:
        self.tasking = Tasking(store)
        self.folder = Folder(folder / "results")
        self.queue = TaskQueue("", folder / "tasks.sqlite3", "a test")
        self.beat = Beat(store.database)
        self.workers = Workers(app, store.database, self.queue, self.folder, self.beat, 1, 2)
        self.owner = store.add()[0]

    def run(self, function: Callable[[], object], **options: Any) -> Task:
        """A task that does this, at its end."""
        with kind_of(function, **options):
            task = self.tasking.create(self.owner)
            self.workers.run(task.id)
        return self.tasking.find(task.id)

    def files(self) -> list[str]:
        return [file.name for file in self.folder.path.iterdir()] if self.folder.path.exists() else []

    def close(self) -> None:
        self.workers.close(0.0)
        self.beat.close()
        self.queue.close()


@pytest.fixture
def office(kept_app: Flask, emptied: Store, tmp_path: Path) -> Iterator[Office]:
    office = Office(kept_app, emptied, tmp_path)
    yield office
    office.close()


def fails_by(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_function_that_returns_has_done_its_task(office: Office) -> None:
    def work() -> None:
        with result("a.csv") as file:
            file.write(owner().name.encode())
        progress(40)

    done = office.run(work)
    assert (done.state, done.progress, done.result_name, done.result_size) == (DONE, 100, "a.csv", 5)
    assert office.files() == [done.result_file]
    assert office.workers.counts["done"] == 1
    assert office.beat.numbers == set()


class Speechless(TaskFailed):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TaskFailed("no paper"), "no paper"),
        (TaskFailed(Text("%(n)d left", n=3)), "3 left"),
        (TaskFailed(), FAILURE),
        (Speechless(), FAILURE),
        (TaskFailed("\x00\ud800"), "??"),
        (NotFound(Text("There is no such post.")), "There is no such post."),
        (RuntimeError("a secret"), FAILURE),
        (SystemExit(3), FAILURE),
        (KeyboardInterrupt(), FAILURE),
        (gevent.GreenletExit(), FAILURE),
        (Ended("by itself"), FAILURE),
    ],
)
def test_function_that_raises_has_failed_its_task_and_nothing_else(
    error: BaseException, said: str, office: Office
) -> None:
    failed = office.run(fails_by(error))
    assert (failed.state, failed.error, failed.result_file) == (FAILED, said, None)
    assert office.beat.numbers == set()
    assert office.run(lambda: None).state == DONE, "the next one has its turn"


def test_result_of_a_run_that_fails_is_nobodys(office: Office) -> None:
    def work() -> None:
        with result("a.csv") as file:
            file.write(b"x")
        raise TaskFailed("no paper")

    assert office.run(work).result_url is None
    assert office.files() == []


def test_task_of_a_kind_that_is_gone_has_failed(office: Office) -> None:
    with kind_of(lambda: None):
        task = office.tasking.create(office.owner)
    office.workers.run(task.id)
    assert office.tasking.find(task.id).error == worker.UNKNOWN


def test_task_whose_parameters_are_of_another_version_has_failed_with_that_reason(office: Office) -> None:
    with kind_of(lambda: None):
        task = office.tasking.create(office.owner)

    def work(month: str) -> None:
        pass

    with kind_of(work):
        office.workers.run(task.id)
    failed = office.tasking.find(task.id)
    assert failed.state == FAILED
    assert "month" in (failed.error or "")


def test_run_that_is_cancelled_ends_at_its_next_progress(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "myapp.tasks")
    seen: list[str] = []

    def work() -> None:
        with result("a.csv") as file:
            file.write(b"x")
        office.tasking.cancel(office.owner, next(iter(office.beat.numbers)))
        office.beat.turn()  # as the beat does within a second
        wait_for(lambda: office.beat.runs()[0].end_reason == "", "the run to be told")
        try:
            progress(50)
        except Exception:
            seen.append("kept")
        seen.append("went on")

    assert office.run(work).state == CANCELLED
    assert seen == []
    assert office.files() == []
    assert office.workers.counts["lost"] == 1
    assert "was ended: it was cancelled" in caplog.text


def test_end_that_is_swallowed_changes_nothing_of_what_was_cancelled(office: Office) -> None:
    def work() -> None:
        office.tasking.cancel(office.owner, next(iter(office.beat.numbers)))
        office.beat.runs()[0].end("")
        with result("a.csv") as file:
            try:
                progress(50)
            except BaseException:
                file.write(b"x")

    cancelled = office.run(work)
    assert (cancelled.state, cancelled.result_file) == (CANCELLED, None)
    assert office.files() == []


def test_run_that_is_overtaken_in_its_own_process_does_not_end_the_other(office: Office) -> None:
    """It was cancelled and tried again before it noticed; then both run here."""
    is_in, go_on = threading.Event(), threading.Event()
    others: list[threading.Thread] = []

    def work() -> None:
        if others:
            is_in.set()
            assert go_on.wait(20)
            return
        (number,) = office.beat.numbers
        office.tasking.cancel(office.owner, number)
        office.tasking.retry(office.owner, number)
        others.append(threading.Thread(target=office.workers.run, args=(number,)))
        others[0].start()
        assert is_in.wait(20)

    with kind_of(work):
        task = office.tasking.create(office.owner)
        office.workers.run(task.id)
        assert office.beat.numbers == {task.id}, "the other lives, and says so"
        assert office.tasking.find(task.id).state == RUNNING
        go_on.set()
        others[0].join()
    assert office.tasking.find(task.id).state == DONE
    assert office.beat.numbers == set()


def test_number_that_is_taken_by_another_has_the_owners_next_task_run(office: Office) -> None:
    ran: list[int] = []
    with kind_of(lambda: ran.extend(office.beat.numbers)):
        first, second = (office.tasking.create(office.owner) for _ in range(2))
        office.workers.run(first.id)
        office.workers.run(first.id)
    assert ran == [first.id, second.id]
    assert office.tasking.find(second.id).state == DONE


# -- the database is away


def is_away(*_args: Any) -> Any:
    raise Unavailable(Text("The database is busy."))


def test_task_that_cannot_be_claimed_waits(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with kind_of(lambda: None):
        task = office.tasking.create(office.owner)
        for module, name in ((service, "claim"), (worker.people, "by_ids")):
            with monkeypatch.context() as patch:
                patch.setattr(module, name, is_away)
                office.workers.run(task.id)
            assert office.tasking.find(task.id).version == task.version
        office.workers.run(task.id)
    assert office.tasking.find(task.id).state == DONE


@pytest.mark.parametrize("failure", [Unavailable(Text("busy")), ValueError("cannot be stored")])
def test_end_that_cannot_be_stored_is_stored_later(
    failure: Exception, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    finish = service.finish

    def finish_later(*args: Any) -> Any:
        tries.append(args[4])
        if len(tries) < 3 and isinstance(failure, Unavailable) or len(tries) < 2:
            raise failure
        return finish(*args)

    monkeypatch.setattr(service, "finish", finish_later)
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: None))
    ended = office.run(lambda: None)
    assert tries == ([DONE, DONE, DONE] if isinstance(failure, Unavailable) else [DONE, FAILED])
    assert ended.state == tries[-1]


# -- ended from outside: in threads of its own


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "GRACE", 0.05)
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.01)


def begin(office: Office) -> Task:
    task = office.tasking.create(office.owner)
    office.queue.put(task.id)
    office.workers.start()
    return task


def ended(office: Office, task: Task) -> Task:
    return wait_for(
        lambda: found if (found := office.tasking.find(task.id)).state in (DONE, FAILED) else None, "its end"
    )


def reports() -> None:
    while True:
        progress(1)
        time.sleep(0.001)


def says_nothing() -> None:
    while True:
        time.sleep(0.001)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("work", [reports, says_nothing])
def test_run_that_takes_too_long_is_ended(work: Callable[[], None], office: Office) -> None:
    with kind_of(work, time_limit=0.02):
        failed = ended(office, begin(office))
        assert failed.error == "It took longer than it may, 0 seconds."
    with kind_of(lambda: None):
        assert ended(office, begin(office)).state == DONE, "the thread that ran it runs the next"


@pytest.mark.usefixtures("hasty")
def test_run_that_nobody_can_end_has_failed_in_time_and_leaves_its_place_to_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STUCK", 0.05)
    may_go_on, has_gone_on = threading.Event(), threading.Event()

    def waits_in_c() -> None:
        may_go_on.wait()
        with result("late.csv"):
            has_gone_on.set()

    with kind_of(waits_in_c, time_limit=0.02):
        failed = ended(office, begin(office))
    assert failed.error == "It took longer than it may, 0 seconds."
    with kind_of(lambda: None):
        assert ended(office, begin(office)).state == DONE
    may_go_on.set()
    assert has_gone_on.wait(20)
    wait_for(lambda: not office.files(), "what it gave to be deleted")
    assert office.tasking.find(failed.id).state == FAILED


@pytest.mark.usefixtures("hasty")
def test_run_that_ends_just_before_it_is_left_to_itself_keeps_what_it_gave(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STUCK", 0.05)
    may_go_on, is_late = threading.Event(), threading.Event()
    stored_as = office.workers._stored_as

    def slowly(task: Task, run: Run, state: str, error: str | None) -> str:
        if state == FAILED:
            may_go_on.set()
            wait_for(lambda: office.tasking.find(task.id).state == DONE, "the run to be first")
        outcome = stored_as(task, run, state, error)
        if state == FAILED:
            is_late.set()
        return outcome

    def waits_in_c() -> None:
        with result("a.csv"):
            may_go_on.wait()

    monkeypatch.setattr(office.workers, "_stored_as", slowly)
    with kind_of(waits_in_c, time_limit=0.02):
        task = begin(office)
        assert is_late.wait(PATIENCE)
    office.workers.close(PATIENCE)
    assert office.files() == [office.tasking.find(task.id).result_file]
    assert (office.workers.counts["done"], office.workers.counts["lost"]) == (1, 0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("again", "state"), [(True, QUEUED), (False, FAILED)])
@pytest.mark.parametrize("work", [reports, says_nothing])
def test_process_that_ends_puts_back_what_may_run_again(
    again: bool, state: str, work: Callable[[], None], office: Office
) -> None:
    with kind_of(work, again=again):
        task = begin(office)
        wait_for(lambda: office.workers._within, "the run to begin")
        office.workers.close(0.0)
        assert office.workers._wait(PATIENCE), "the end is stored by a thread that may have been kept waiting"
        left = office.tasking.find(task.id)
        assert (left.state, left.deaths, left.error) == (state, 0, None if again else STOPPED)
        other = office.tasking.create(office.owner)
        office.workers.start()
        office.workers.run(other.id)
        assert office.tasking.find(other.id).state == QUEUED, "nothing is begun any more"


def test_process_that_ends_waits_for_what_is_being_stored(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    is_storing, go_on = threading.Event(), threading.Event()
    finish = service.finish

    def finish_slowly(*args: Any) -> Any:
        is_storing.set()
        assert go_on.wait(20)
        return finish(*args)

    monkeypatch.setattr(service, "finish", finish_slowly)
    with kind_of(lambda: None):
        task = begin(office)
        assert is_storing.wait(20)
        closing = threading.Thread(target=office.workers.close, args=(20.0,))
        closing.start()
        go_on.set()
        closing.join()
    assert office.tasking.find(task.id).state == DONE


def test_process_that_ends_has_nobody_at_the_queue_any_more(office: Office) -> None:
    with kind_of(lambda: None):
        ended(office, begin(office))
    office.workers.close(0.0)
    pullers = [thread for _puller, thread in office.workers._consumer.worker_threads]
    assert [thread for thread in pullers if thread.is_alive()] == []


@pytest.mark.usefixtures("hasty")
def test_garbage_in_the_queue_runs_nothing_and_stops_nobody(office: Office) -> None:
    for data in (b"", b"garbage", b"{}", b"[]", b"\x80\x04K\x01.", b'["1","os.system",null,0,0,null,["true"],{}]'):
        office.queue.huey.storage.enqueue(data)
    run = office.queue.huey._registry.task_to_string(next(iter(office.queue.huey._registry._registry.values())))
    for argument in ('"x"', "null", "1e400", "-5", "[1]", str(10**30)):
        office.queue.huey.storage.enqueue(f'["1","{run}",null,0,0,null,[{argument}],{{}}]'.encode())
    with kind_of(lambda: None):
        assert ended(office, begin(office)).state == DONE
