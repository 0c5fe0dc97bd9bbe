"""What is done beside the requests: once started it looks by itself, and stops when it is told to."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from myapp.announcements import service, telling
from myapp.auth.people import Person
from myapp.chores import Chores
from myapp.db import Database, Transaction, now_ms
from myapp.messages.service import send
from myapp.notifications.content import Content
from myapp.retention import DAY, Retention
from myapp.search.index import MESSAGES

from ..support import PATIENCE, make_app, wait_for
from . import noticed
from .conftest import Store

#: Seconds between two looks: nobody waits for one, or one is as good as at once.
NEVER, OFTEN = 3600.0, 0.01


@pytest.fixture
def store(emptied: Store) -> Store:
    emptied.write("DELETE FROM facts WHERE name = 'trimmed_at'")
    return emptied


@pytest.fixture
def make(store: Store) -> Iterator[Callable[..., Chores]]:
    """Makes some, and ends them."""
    made: list[Chores] = []

    def new(look_every: float = NEVER, days: int = 30) -> Chores:
        made.append(Chores(store.database, Retention(store.database, days), look_every=look_every))
        return made[-1]

    yield new
    for one in made:
        one.close(PATIENCE)
        assert one._thread is None or not one._thread.is_alive()


def create(store: Store, title: str = "News") -> int:
    with store.database.transaction() as transaction:
        return service.create(transaction, Content(title))[0]


def is_finished(store: Store, number: int) -> bool:
    with store.database.read() as connection:
        return service.by_number(connection, number).finished_at is not None


def reached(store: Store, number: int) -> int:
    with store.database.read() as connection:
        return service.by_number(connection, number).reached


def threads() -> int:
    return sum(thread.name == "chores" for thread in threading.enumerate())


# -- starting, waking, closing


def test_nothing_runs_before_it_is_started(make: Callable[..., Chores]) -> None:
    make()
    assert threads() == 0


def test_it_is_started_once(make: Callable[..., Chores]) -> None:
    chores = make()
    for _ in range(3):
        chores.start()
        chores.wake()
    assert threads() == 1


def test_it_is_closed_once_and_for_good(make: Callable[..., Chores]) -> None:
    chores = make()
    chores.start()
    for _ in range(3):
        chores.close(PATIENCE)
    chores.start(), chores.wake()
    assert threads() == 0


def test_closing_what_was_not_started_does_nothing(make: Callable[..., Chores]) -> None:
    chores = make()
    chores.close()
    chores.start()
    assert threads() == 0


def test_closing_at_any_moment_does_not_wait_for_the_next_look(store: Store, make: Callable[..., Chores]) -> None:
    for _ in range(50):
        chores = make()
        chores.start()
        chores.close(PATIENCE)
        assert threads() == 0


# -- indexing


def test_who_looks_indexes_what_was_written(store: Store, make: Callable[..., Chores]) -> None:
    writer, reader = store.add(2)
    with store.database.transaction() as transaction:
        send(transaction, Person(writer, "user1", "user1"), "user2", "Hello")
    make(OFTEN).start()

    def is_indexed() -> bool:
        with store.database.read() as connection:
            is_there = MESSAGES.find(connection, [("hello", False)], 2**62, 10, reader)
            return bool(is_there) and not MESSAGES.is_behind(connection)

    wait_for(is_indexed, "the index")


# -- announcing


def test_who_is_woken_tells_everyone(store: Store, make: Callable[..., Chores]) -> None:
    users = store.add(5)
    chores = make()
    chores.start()
    numbers = [create(store, title) for title in ("one", "two")]
    chores.wake()
    wait_for(lambda: all(is_finished(store, number) for number in numbers), "both")
    assert [[event["data"]["title"] for event in noticed.events(store, user)] for user in users] == [["one", "two"]] * 5
    noticed.check(store, users)


def test_who_looks_finds_it_without_being_woken(store: Store, make: Callable[..., Chores]) -> None:
    store.add(2)
    make(OFTEN).start()
    number = create(store)
    wait_for(lambda: is_finished(store, number), "the announcement")


def test_several_workers_tell_everyone_once(store: Store, make: Callable[..., Chores]) -> None:
    users = store.add(50)
    workers = [make(OFTEN) for _ in range(3)]
    for worker in workers:
        worker.start()
    numbers = [create(store, f"{number}") for number in range(4)]
    for worker in workers:
        worker.wake()
    wait_for(lambda: all(is_finished(store, number) for number in numbers), "all")
    noticed.check(store, users)
    assert [store.head(user).seq for user in users] == [4] * 50


def test_what_another_has_claimed_and_left_is_gone_on_with(store: Store, make: Callable[..., Chores]) -> None:
    users = store.add(5)
    number = create(store)
    with store.database.transaction() as transaction:
        telling.claim(transaction, number)
        telling.advance(transaction, number, 2)
    make(OFTEN).start()
    store.write("UPDATE announcements SET claimed_until = 1")
    wait_for(lambda: is_finished(store, number), "the announcement")
    assert [store.head(user).seq for user in users] == [1] * 5


class Batches:
    """Batches of an announcement that stop behind the work of one and before its commit, until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        self.is_in = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)
        advance = telling.advance

        def stopping(transaction: Transaction, number: int, asked: int) -> bool:
            is_finished = advance(transaction, number, most)
            self.is_in.release()
            assert self.may_go.acquire(timeout=PATIENCE)
            return is_finished

        monkeypatch.setattr(telling, "advance", stopping)

    def wait(self) -> None:
        assert self.is_in.acquire(timeout=PATIENCE)


def test_closing_in_the_middle_stops_behind_the_batch_and_leaves_the_rest_to_others(
    store: Store, make: Callable[..., Chores], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = store.add(7)
    number = create(store)
    with monkeypatch.context() as patched:
        batches = Batches(patched, 2)
        chores = make()
        chores.start()
        batches.wait()
        batches.may_go.release()
        batches.wait()
        chores.close(0.0)  # it is in a batch
        assert threads() == 1
        batches.may_go.release()
        chores.close(PATIENCE)
        assert threads() == 0
    assert reached(store, number) == 4
    noticed.check(store, users)
    other = make()
    other.start()  # it was let go: nobody waits for the claim to end
    wait_for(lambda: is_finished(store, number), "the announcement")
    assert [store.head(user).seq for user in users] == [1] * 7


# -- failures


class Away:
    """A database that can be away."""

    def __init__(self, database: Database, error: Exception) -> None:
        self.database = database
        self.error = error
        self.is_away = True
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "transaction"):
            self.asked += 1
            if self.is_away:
                raise self.error
        return getattr(self.database, name)


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), ZeroDivisionError()], ids=repr)
def test_database_that_was_away_is_asked_again(
    error: Exception, store: Store, make: Callable[..., Chores], caplog: pytest.LogCaptureFixture
) -> None:
    users = store.add(3)
    number = create(store)
    away: Any = Away(store.database, error)
    chores = make(OFTEN)
    chores._database = away
    chores.start()
    wait_for(lambda: away.asked > 3, "some looks")
    assert not is_finished(store, number)
    away.is_away = False
    wait_for(lambda: is_finished(store, number), "the announcement")
    assert [store.head(user).seq for user in users] == [1] * 3
    levels = {record.levelno for record in caplog.records if record.name == "myapp.chores"}
    assert levels == {logging.WARNING if isinstance(error, sqlite3.Error) else logging.ERROR}


def test_announcement_that_fails_does_not_keep_inboxes_from_being_trimmed(
    store: Store, make: Callable[..., Chores], monkeypatch: pytest.MonkeyPatch
) -> None:
    (user,) = store.add()
    store.append(user, 3)
    store.write(f"UPDATE events SET at = {now_ms() - 40 * DAY}")
    create(store)

    def fail(*anything: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(telling, "advance", fail)
    make().start()
    wait_for(lambda: store.count("events") == 0, "the old events to go")


# -- trimming


def test_old_events_are_trimmed_once_started(store: Store, make: Callable[..., Chores]) -> None:
    (user,) = store.add()
    store.append(user, 3)
    store.write(f"UPDATE events SET at = {now_ms() - 40 * DAY} WHERE seq < 3")
    make().start()
    wait_for(lambda: store.count("events") == 1, "the old events to go")
    assert store.head(user).trimmed == 2


def test_trimming_gives_way_to_announcements_and_to_closing(
    store: Store, make: Callable[..., Chores], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = store.add(3)
    trims, goes_on = threading.Event(), threading.Semaphore(0)
    turns: list[int] = []

    def run_if_due(retention: Retention, is_stopped: Callable[[], bool]) -> None:
        trims.set()
        while not is_stopped():
            turns.append(1)
            assert goes_on.acquire(timeout=PATIENCE)

    monkeypatch.setattr(Retention, "run_if_due", run_if_due)
    chores = make()
    chores.start()
    assert trims.wait(PATIENCE)
    number = create(store)
    chores.wake()
    goes_on.release()
    wait_for(lambda: is_finished(store, number), "the announcement in the middle of a round")
    assert [store.head(user).seq for user in users] == [1] * 3
    chores.close(0.0)
    goes_on.release()
    chores.close(PATIENCE)
    assert threads() == 0


# -- the commands


def test_command_waits_until_all_are_told_by_whom_it_may_be(
    store: Store, kept_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(3)
    create_one = service.create

    def claimed_by_a_server(transaction: Transaction, *args: Any, **options: Any) -> tuple[int, bool]:
        made = create_one(transaction, *args, **options)
        telling.claim(transaction, made[0])
        return made

    looks: list[float] = []

    def other(seconds: float) -> None:
        """What the server does while the command sleeps: a batch, and then it dies."""
        looks.append(seconds)
        with store.database.transaction() as transaction:
            if len(looks) == 1:
                telling.advance(transaction, number(), 1)
            elif len(looks) == 3:
                transaction.driver.execute("UPDATE announcements SET claimed_until = 0")

    def number() -> int:
        with store.database.read() as connection:
            found: int = connection.driver.execute("SELECT max(id) FROM announcements").fetchone()[0]
            return found

    monkeypatch.setattr(service, "create", claimed_by_a_server)
    monkeypatch.setattr("myapp.cli.time.sleep", other)
    result = kept_app.test_cli_runner().invoke(args=["announce", "News"])
    assert result.output == f"announcement {number()}: 3 of 3 users told\n"
    assert len(looks) >= 3


def test_command_trims_as_it_is_told(store: Store, kept_app: Flask) -> None:
    (user,) = store.add()
    store.append(user, 9)
    for seq, days in ((3, 100), (6, 40)):
        store.write(f"UPDATE events SET at = {now_ms() - days * DAY} WHERE seq <= {seq} AND at > {now_ms() - DAY}")
    runner = kept_app.test_cli_runner()
    assert runner.invoke(args=["inbox", "trim", "--days", "60"]).output == "3 events deleted\n"
    assert runner.invoke(args=["inbox", "trim"]).output == "3 events deleted\n"
    assert runner.invoke(args=["inbox", "trim"]).output == "0 events deleted\n"
    assert runner.invoke(args=["inbox", "trim", "--days", "0"]).exit_code == 2
    assert store.head(user).trimmed == 6


def test_command_asks_for_days_where_events_are_kept_for_ever(tmp_path: Path, lite: Store) -> None:
    app = make_app(tmp_path, f"sqlite:///{tmp_path / 'test.sqlite3'}", KEEP_DAYS="0")
    result = app.test_cli_runner().invoke(args=["inbox", "trim"])
    assert (result.exit_code, "--days" in result.output) == (1, True)
    app.extensions["myapp"].database.close()
