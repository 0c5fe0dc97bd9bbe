"""What runs tasks, while the database or the queue is away: in this process, with a queue that tests hold."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from myapp.auth import people
from myapp.db import Transaction
from myapp.errors import Unavailable
from myapp.tasks import kinds, recovery, result, service, task
from myapp.tasks.running import Tasks
from myapp.tasks.stored import Task, find

from .conftest import Site

KIND, OUTAGE = "trouble", "outage"


@pytest.fixture
def tasks(site: Site) -> Iterator[Tasks]:
    """No worker is there: a test runs what it asks for."""

    @task(KIND)
    def trouble() -> None:
        with result("all.txt") as file:
            file.write(b"all of it")

    @task(OUTAGE, again=True)
    def outage() -> None:
        outages.append(1)
        if len(outages) < 3:
            raise OperationalError("SELECT 1", {}, OSError("the server closed the connection"))

    outages: list[int] = []
    found: Tasks = site.app.extensions["myapp"].tasks
    found.queue.put = lambda number: None  # type: ignore[method-assign]
    found.workers.start = lambda: None  # type: ignore[method-assign]
    found.beat.close()
    yield found
    kinds.remove(KIND)
    kinds.remove(OUTAGE)


def ask(site: Site, name: str, kind: str = KIND) -> int:
    with site.app.extensions["myapp"].database.transaction() as transaction:
        owner = people.by_name(transaction, name).id
        number: int = service.create(transaction, owner, kinds.by_name(kind), {})[0].id
    return number


def look(site: Site, number: int) -> Task:
    with site.app.extensions["myapp"].database.read() as connection:
        found = find(connection, number)
    assert found is not None
    return found


def begin(site: Site, number: int) -> None:
    """As a worker does that is killed then."""
    with site.app.extensions["myapp"].database.transaction() as transaction:
        assert service.claim(transaction, number, "killed:1", 0) is not None
    site.write("UPDATE tasks SET claimed_until = 0")


def test_result_stays_where_the_answer_to_its_commit_was_lost(
    site: Site, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.programs("alice")
    number = ask(site, "alice")
    database = site.app.extensions["myapp"].database
    whole, commits = database.transaction, []

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        with whole() as made:
            yield made
        commits.append(made)
        if len(commits) == 2:  # the first is the claim
            raise Unavailable("away")

    monkeypatch.setattr(database, "transaction", transaction)
    tasks.workers.run(number)
    done = look(site, number)
    assert (done.state, tasks.workers.counts["done"], len(commits)) == ("done", 1, 3)
    assert done.result_file is not None and tasks.folder.of(done.result_file).read_bytes() == b"all of it"


def test_task_that_met_no_database_is_run_again_if_it_may_be_and_three_times_at_most(site: Site, tasks: Tasks) -> None:
    site.programs("alice", "bob")
    of_alice, of_bob = ask(site, "alice", OUTAGE), ask(site, "bob", OUTAGE)
    for _ in range(3):
        assert look(site, of_alice).state == "queued"
        tasks.workers.run(of_alice)
    assert (look(site, of_alice).state, look(site, of_alice).deaths) == ("done", 2)

    site.write(f"UPDATE tasks SET deaths = 2 WHERE id = {of_bob}")
    kinds.remove(OUTAGE)

    @task(OUTAGE, again=True)
    def still_away() -> None:
        raise OperationalError("SELECT 1", {}, OSError("the server closed the connection"))

    tasks.workers.run(of_bob)
    failed = look(site, of_bob)
    assert (failed.state, failed.error) == ("failed", "The database did not answer in the middle of it.")
    assert failed.can_retry


def test_run_that_broke_off_is_given_up_while_the_queue_is_away(
    site: Site, tasks: Tasks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.programs("alice", "bob")
    broken, waiting = ask(site, "alice"), ask(site, "bob")
    begin(site, broken)
    site.write(f"UPDATE tasks SET queued_at = 0 WHERE id = {waiting}")

    def is_empty() -> bool:
        raise OSError("Redis is away")

    monkeypatch.setattr(tasks.queue, "is_empty", is_empty)
    for _ in range(3):
        tasks.recover()
        assert look(site, broken).state == "failed"
    said = [record for record in caplog.records if "the queue does not answer" in record.message]
    assert len(said) == 1 and said[0].levelno == logging.WARNING and said[0].exc_info is None


def test_process_that_was_just_started_lets_the_living_speak_first(site: Site, tasks: Tasks) -> None:
    site.programs("alice")
    number = ask(site, "alice")
    begin(site, number)
    tasks.is_here = False  # others run tasks, and the database may have been away until now
    tasks.recover()
    assert look(site, number).state == "running"
    tasks._trusted_from = 0.0
    tasks.recover()
    assert look(site, number).state == "failed"


def test_what_waits_for_its_owners_others_to_end_is_not_taken_for_lost(site: Site, tasks: Tasks) -> None:
    site.programs("alice", "bob")
    of_alice, of_bob = [ask(site, "alice") for _ in range(4)], [ask(site, "bob") for _ in range(4)]
    begin(site, of_alice[2])
    site.write("UPDATE tasks SET queued_at = 0")
    with site.app.extensions["myapp"].database.read() as connection:
        assert recovery.waiting(connection, 2) == [of_bob[0], of_alice[0], of_bob[1]]
        assert len(recovery.waiting(connection, 0)) == 7
        assert recovery.standing(connection)[:2] == (7, 1)


def test_a_look_goes_through_nothing_that_is_over(site: Site, tasks: Tasks) -> None:
    looks: list[tuple[Any, dict[str, int]]] = [
        (recovery._SILENT, {"most": 1, "listened": 1, "enough": 1}),
        (recovery._WAITING, {"most": 1, "ms": 1, "per_user": 1}),
        (recovery._STANDING, {}),
    ]
    with site.app.extensions["myapp"].database.read() as connection:
        for statement, values in looks:
            sql, constants, _ = statement.compiled("sqlite")
            if connection.driver.__class__.__module__.startswith("sqlite3"):
                plan = connection.driver.execute(f"EXPLAIN QUERY PLAN {sql}", {**constants, **values}).fetchall()
                assert [row[3] for row in plan if "tasks" in row[3]] == ["SCAN tasks USING INDEX ix_tasks_unfinished"]


def test_where_no_worker_is_there_the_log_says_so_once(
    site: Site, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    site.programs("alice")
    number = ask(site, "alice")
    tasks.is_here = False
    site.write(f"UPDATE tasks SET queued_at = queued_at - {recovery.LOST_AFTER + 1}")
    tasks.recover()
    assert "make worker" not in caplog.text
    site.write("UPDATE tasks SET queued_at = queued_at - 3600000")
    for _ in range(2):
        tasks.recover()
    assert len(re.findall(r"1 tasks wait, the first for 36\d\d s, and none runs", caplog.text)) == 1
    assert look(site, number).state == "queued"


def test_owner_is_known_before_a_run_begins(site: Site, tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that goes away behind the claim must not cost a task its only run."""
    site.programs("alice")
    number = ask(site, "alice")
    database = site.app.extensions["myapp"].database

    def read() -> Any:
        raise Unavailable("away")

    with monkeypatch.context() as away:
        away.setattr(database, "read", read)
        thread = threading.Thread(target=tasks.workers.run, args=(number,))
        thread.start()
        thread.join()
    assert look(site, number).state == "done"


def test_figures_tell_how_many_tasks_wait_and_for_how_long(site: Site, tasks: Tasks) -> None:
    (alice,) = site.programs("alice")
    ask(site, "alice")
    begin(site, ask(site, "alice"))
    site.write("UPDATE tasks SET queued_at = queued_at - 7000000")
    text = alice.get("/metrics").text
    assert 'myapp_tasks{state="queued"} 1.0' in text and 'myapp_tasks{state="running"} 1.0' in text
    assert "myapp_tasks_waiting_seconds 70" in text
