"""What happens to tasks, one thing at a time; in any order: test_tasks_any_order.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from myapp import inbox
from myapp.errors import Conflict, Invalid, NotFound, Text, TooMany
from myapp.notifications import notify
from myapp.tasks import service, start, topics
from myapp.tasks.results import ResultFile
from myapp.tasks.service import LONGEST_REASON, MOST_DEATHS, MOST_UNFINISHED
from myapp.tasks.stored import CANCELLED, DONE, FAILED, QUEUED, RUNNING
from myapp.texts import KEY_LIFE

from .conftest import Store
from .tasking import Tasking, kind_of


def work(month: str = "2026-11") -> None:
    pass


@pytest.fixture
def tasking(emptied: Store) -> Iterator[Tasking]:
    with kind_of(work), kind_of(work, "again", again=True), kind_of(work, "firm", can_cancel=False):
        yield Tasking(emptied)


@pytest.fixture
def ann(tasking: Tasking) -> int:
    return tasking.store.add()[0]


@pytest.fixture
def bob(tasking: Tasking, ann: int) -> int:
    return tasking.store.add()[0]


# -- runs that come back late


def test_run_that_was_put_back_cannot_end_the_task_any_more(tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann)
    tasking.put_back(run)
    assert tasking.finish(run) is None
    assert tasking.find(run.id).state == QUEUED


def test_run_that_was_cancelled_cannot_end_the_task_that_is_tried_again(tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann)
    tasking.cancel(ann, run.id)
    tasking.retry(ann, run.id)
    assert tasking.finish(run) is None
    again = tasking.claim(run.id)
    assert tasking.finish(run) is None
    assert not tasking.progress(run, 50)
    assert again is not None
    assert tasking.finish(again) is not None
    assert tasking.states(ann) == [
        (run.id, state) for state in (QUEUED, RUNNING, CANCELLED, QUEUED, RUNNING, DONE)
    ]  # fmt: skip


def test_what_is_told_after_the_end_changes_nothing(tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann)
    ended = tasking.finish(run)
    assert ended is not None
    assert not tasking.progress(run, 50)
    assert tasking.find(run.id)._replace(seq=None) == ended._replace(seq=None)


def test_one_of_two_workers_claims_a_task(tasking: Tasking, ann: int) -> None:
    task = tasking.create(ann)
    assert tasking.claim(task.id) is not None
    assert tasking.claim(task.id) is None


# -- places


def test_no_place_stays_free_where_two_runs_end_before_the_next_is_taken(tasking: Tasking, ann: int) -> None:
    tasks = [tasking.create(ann) for _ in range(4)]
    runs = [tasking.claim(task.id, 2) for task in tasks]
    assert [run is not None for run in runs] == [True, True, False, False]
    tasking.news.clear()
    for run in runs[:2]:
        assert run is not None
        tasking.finish(run)
    assert [tasking.claim(number, 2) is not None for number in tasking.entries] == [True, True]
    assert {tasking.find(task.id).state for task in tasks[2:]} == {RUNNING}


def test_thousand_of_one_user_take_no_place_of_anothers(tasking: Tasking, ann: int, bob: int) -> None:
    tasking.store.write(
        "INSERT INTO tasks (owner_id, source_id, kind, title, params, state, progress, version, attempt, deaths,"
        f" patience, claimed_until, at, queued_at) SELECT {ann}, 0, 'work', 'x', '{{}}', 'queued', 0, 1, 0, 0,"
        " 1, 0, 1, 1 FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
        " SELECT i FROM n) AS many"
    )
    tasking.create(ann)
    own = tasking.create(bob)
    with pytest.raises(TooMany) as refused:
        tasking.create(ann)
    assert int(refused.value.headers["Retry-After"]) > 0
    claimed = [tasking.claim(number, 2) for number in tasking.entries]
    assert own.id in {run.id for run in claimed if run is not None}
    assert MOST_UNFINISHED == 1000


# -- what the owner is told


def test_failed_task_that_is_tried_again_is_seen(tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann)
    tasking.finish(run, FAILED, "no paper")
    assert tasking.badge(ann) == 1
    assert tasking.find(run.id).error == "no paper"
    again = tasking.retry(ann, run.id)
    assert (again.state, again.error, tasking.badge(ann)) == (QUEUED, None, 0)
    assert tasking.retry(ann, run.id) == tasking.find(run.id)


def test_done_task_can_be_neither_cancelled_nor_tried_again(tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann)
    tasking.finish(run, file=ResultFile(f"{run.id}-{'0' * 32}", "a.csv", 3))
    before = tasking.store.head(ann)
    with pytest.raises(Conflict):
        tasking.cancel(ann, run.id)
    with pytest.raises(Conflict):
        tasking.retry(ann, run.id)
    assert tasking.store.head(ann) == before
    assert tasking.find(run.id).result_url == f"/tasks/{run.id}/result"


def test_kind_that_cannot_be_cancelled_goes_on(tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann, "firm")
    with pytest.raises(Conflict):
        tasking.cancel(ann, run.id)
    assert tasking.find(run.id).state == RUNNING


@pytest.mark.parametrize("reason", ["\x00 and \ud800", "x" * 1_000_000, Text("%(n)d left", n=3)])
def test_any_reason_can_be_stored(reason: str, tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann)
    tasking.finish(run, FAILED, reason)
    error = tasking.find(run.id).error
    assert error is not None
    assert len(error) <= LONGEST_REASON
    assert error in ("? and ?", "3 left", "x" * (LONGEST_REASON - 1) + "…")


# -- runs that broke off


def test_run_that_is_not_heard_of_is_run_again_so_many_times(tasking: Tasking, ann: int) -> None:
    number = tasking.create(ann, "again").id
    for death in range(MOST_DEATHS):
        run = tasking.claim(number)
        assert run is not None
        assert tasking.give_up(run) is None, "it is heard of"
        tasking.fall_silent(number)
        assert tasking.silent() == [number]
        given_up = tasking.give_up(run)
        assert given_up is not None
        assert given_up.state == (QUEUED if death + 1 < MOST_DEATHS else FAILED)
        assert tasking.give_up(run) is None, "it was given up already"
    assert tasking.find(number).error == service.BROKE_OFF


def test_run_that_may_not_be_run_again_has_failed(tasking: Tasking, ann: int) -> None:
    run = tasking.started(ann)
    tasking.fall_silent(run.id)
    tasking.give_up(run)
    assert (tasking.find(run.id).state, tasking.find(run.id).error) == (FAILED, service.BROKE_OFF)
    assert tasking.finish(run) is None


def test_clock_that_is_set_back_makes_no_version_smaller(
    tasking: Tasking, ann: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = tasking.create(ann)
    monkeypatch.setattr(service, "now_ms", lambda: task.version - 3_600_000)
    run = tasking.claim(task.id)
    assert run is not None
    assert run.version == task.version + 1
    assert tasking.progress(run, 5)
    tasking.finish(run)
    assert tasking.find(task.id).version > run.version


# -- start


def test_same_key_is_the_same_task_for_seven_days(tasking: Tasking, ann: int, bob: int) -> None:
    first = tasking.create(ann, key="k", month="2026-10")
    assert tasking.create(ann, key="k", month="2026-10").id == first.id
    assert tasking.create(bob, key="k", month="2026-09").id != first.id
    with pytest.raises(Conflict):
        tasking.create(ann, key="k", month="2026-09")
    with pytest.raises(Conflict):
        tasking.create(ann, "again", key="k", month="2026-10")
    assert len(tasking.states(ann)) == 1
    tasking.store.write(f"UPDATE tasks SET at = at - {KEY_LIFE + 1} WHERE id = {first.id}")
    assert tasking.create(ann, key="k", month="2026-09").id != first.id


def test_start_is_part_of_the_callers_transaction_whoever_was_told_before(tasking: Tasking, ann: int, bob: int) -> None:
    for users in ((ann, bob), (bob, ann)):
        with tasking.database.transaction() as transaction:
            inbox.lock(transaction, (users[0],))
            notify("user2", "hello")
            number = start("user1", "work", month="2026-10")
            assert not tasking.entries, "not before the commit"
        assert tasking.entries == [number]
        tasking.news.clear()


def test_start_in_a_transaction_that_rolls_back_starts_nothing(tasking: Tasking, ann: int) -> None:
    with pytest.raises(ZeroDivisionError), tasking.database.transaction():
        start("user1", "work")
        raise ZeroDivisionError
    assert tasking.news == []
    assert tasking.store.count("tasks") == 0
    assert tasking.states(ann) == []


def test_start_names_what_is_wrong(tasking: Tasking, ann: int) -> None:
    with pytest.raises(NotFound):
        start("nobody", "work")
    with pytest.raises(Invalid, match="again, .*work"):
        start("user1", "nothing")
    with pytest.raises(Invalid, match=r"params\.month"):
        start("user1", "work", month=3)
    with pytest.raises(Invalid, match=r"params\.year"):
        start("user1", "work", year="2026")
    assert tasking.store.count("tasks") == 0


# -- who may watch


def test_topic_of_a_task_is_its_owners_alone(tasking: Tasking, ann: int, bob: int) -> None:
    run = tasking.started(ann)
    tasking.progress(run, 40)
    topic = f"task:{run.id}"
    with tasking.database.read() as connection:
        assert [watch.key for watch in topics.resolve(connection, ann, [topic])] == [topic]
        assert topics.resolve(connection, bob, [topic]) == []
        for wrong in ("task:0", f"task:0{run.id}", "task:x", "task:", f"task:{10**15}", f"post:{run.id}"):
            assert topics.resolve(connection, ann, [wrong]) == []
        version, data = topics.read(connection, [topic])[topic]
    assert version == tasking.find(run.id).version
    assert data == '{"state":"running","progress":40,"result_url":null,"error":null}'
