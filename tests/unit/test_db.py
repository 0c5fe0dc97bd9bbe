"""The database: statements, snapshots, transactions, and SQLite's one writer at a time."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from myapp.auth.models import users
from myapp.db import now_ms, rfc3339
from myapp.errors import Unavailable
from myapp.inbox.models import facts
from myapp.pieces import MOST_PAUSE, Pieces
from myapp.statements import Statement, statement

from ..support import environment, sqlite_url
from .conftest import Store

SET = Statement(
    lambda insert: (
        insert(facts)
        .values(name=sa.bindparam("name"), value=sa.bindparam("value"))
        .on_conflict_do_update(index_elements=["name"], set_={"value": sa.bindparam("value")})
    )
)
GET = statement(sa.select(facts.c.value).where(facts.c.name == sa.bindparam("name")))

#: Takes SQLite's write lock, says so, and keeps it until its standard input has a line.
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""

#: Writes while another process holds the lock, and counts how often another greenlet had its turn meanwhile.
COOPERATIVE = """
from gevent import monkey
monkey.patch_all()
import gevent, sys
from myapp import create_app
database = create_app(instance_path=sys.argv[1]).extensions["myapp"].database
def other():
    for _ in range(20):
        gevent.sleep(0.005)
    print("20 turns", flush=True)
gevent.spawn(other)
with database.transaction() as transaction:
    transaction.driver.execute("INSERT INTO facts VALUES ('written', 'yes')")
database.close()
print("written")
"""


def hold_write_lock(file: Path) -> subprocess.Popen[str]:
    """Another process that holds the write lock when this returns."""
    command = [sys.executable, "-c", HOLDER, str(file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def release(process: subprocess.Popen[str]) -> None:
    process.communicate("go\n", timeout=20)


def set_fact(store: Store, name: str, value: str) -> None:
    with store.database.transaction() as transaction:
        transaction.run(SET, name=name, value=value)


def fact(store: Store, name: str) -> str | None:
    with store.database.read() as connection:
        row = connection.one(GET, name=name)
    return row[0] if row else None


# -- times


@given(st.integers(0, 253_402_300_799_999))
def test_times_are_written_in_utc_with_milliseconds(ms: int) -> None:
    text = rfc3339(ms)
    assert len(text) == 24
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def test_example_of_the_contract_is_written_as_there() -> None:
    assert rfc3339(1_795_165_200_123) == "2026-11-20T09:00:00.123Z"


def test_now_is_in_milliseconds() -> None:
    assert abs(now_ms() - time.time() * 1000) < 1000


# -- statements


def test_upsert_is_written_for_both_databases(store: Store) -> None:
    set_fact(store, "colour", "red")
    set_fact(store, "colour", "blue")
    assert fact(store, "colour") == "blue"


def test_constants_of_a_statement_need_not_be_given(store: Store) -> None:
    get = statement(sa.select(facts.c.value, sa.literal("always")).where(facts.c.name == "epoch"))
    with store.database.read() as connection:
        row = connection.one(get)
    assert row is not None
    assert row[1] == "always"


def test_constants_and_parameters_go_together(store: Store) -> None:
    store.add(2)
    update = statement(
        sa.update(users).where(users.c.name == sa.bindparam("wanted")).values(password_hash=None, display_name="Same")
    )
    with store.database.transaction() as transaction:
        assert transaction.run(update, wanted="user1") == 1
        assert transaction.run(update, wanted="nobody") == 0


def test_limit_is_a_parameter(store: Store) -> None:
    store.add(5)
    some = statement(sa.select(users.c.id).order_by(users.c.id).limit(sa.bindparam("most", type_=sa.Integer)))
    with store.database.read() as connection:
        assert [len(connection.all(some, most=most)) for most in (0, 2, 9)] == [0, 2, 5]


@pytest.mark.parametrize("text", ["", "'; DROP TABLE facts; --", "%s %(name)s :name ?", "žluťoučký 🐎", "\\ \n\t"])
def test_text_comes_back_as_it_went_in(text: str, store: Store) -> None:
    set_fact(store, "text", text)
    assert fact(store, "text") == text


# -- reads and transactions


def test_snapshot_does_not_see_what_is_committed_meanwhile(store: Store) -> None:
    set_fact(store, "colour", "red")
    with store.database.snapshot() as connection:
        before = connection.one(GET, name="colour")
        set_fact(store, "colour", "blue")
        assert connection.one(GET, name="colour") == before
    assert fact(store, "colour") == "blue"


def test_read_sees_what_is_committed_meanwhile(store: Store) -> None:
    set_fact(store, "colour", "red")
    with store.database.read() as connection:
        connection.one(GET, name="colour")
        set_fact(store, "colour", "blue")
        assert connection.one(GET, name="colour") == ("blue",)


def test_transaction_that_raises_is_rolled_back_and_the_next_one_works(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.database.transaction() as transaction:
        transaction.run(SET, name="colour", value="red")
        raise ZeroDivisionError
    assert fact(store, "colour") is None
    set_fact(store, "colour", "blue")
    assert fact(store, "colour") == "blue"


def test_what_is_not_committed_is_not_seen(store: Store) -> None:
    with store.database.transaction() as transaction:
        transaction.run(SET, name="colour", value="red")
        assert fact(store, "colour") is None
    assert fact(store, "colour") == "red"


def test_failing_hook_before_commit_rolls_back(store: Store) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), store.database.transaction() as transaction:
        transaction.run(SET, name="colour", value="red")
        transaction.before_commit.append(fail)
    assert fact(store, "colour") is None


def test_closed_database_opens_anew(store: Store) -> None:
    set_fact(store, "colour", "red")
    store.database.close()
    assert fact(store, "colour") == "red"


def test_threads_read_at_once(lite: Store) -> None:
    """Where threads serve (flask run, gunicorn), the pool of idle connections is emptied and filled by all of them."""
    errors: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(300):
                assert fact(lite, "epoch")
        except BaseException as error:
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert errors == []


def test_threads_write_one_after_the_other(lite: Store) -> None:
    set_fact(lite, "count", "0")

    def add() -> None:
        for _ in range(20):
            with lite.database.transaction() as transaction:
                row = transaction.one(GET, name="count")
                assert row is not None
                transaction.run(SET, name="count", value=str(int(row[0]) + 1))

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fact(lite, "count") == "100"


# -- SQLite's lock, held by another process


def test_write_waits_for_another_process_that_holds_the_lock(lite: Store, tmp_path: Path) -> None:
    holder = hold_write_lock(tmp_path / "test.sqlite3")
    writing = threading.Thread(target=set_fact, args=(lite, "colour", "red"))
    writing.start()
    writing.join(0.2)
    assert writing.is_alive()
    release(holder)
    writing.join(20)
    assert fact(lite, "colour") == "red"


def test_write_gives_up_when_the_lock_is_kept_for_too_long(
    lite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["myapp.db"], "BUSY_PATIENCE", 0.1)  # the attribute myapp.db is the extension
    holder = hold_write_lock(tmp_path / "test.sqlite3")
    with pytest.raises(Unavailable, match="try again") as caught:
        set_fact(lite, "colour", "red")
    release(holder)
    assert caught.value.status == 503
    assert int(caught.value.headers["Retry-After"]) > 0
    assert fact(lite, "colour") is None
    set_fact(lite, "colour", "blue")
    assert fact(lite, "colour") == "blue"


def test_reads_go_on_while_another_process_writes(lite: Store, tmp_path: Path) -> None:
    holder = hold_write_lock(tmp_path / "test.sqlite3")
    try:
        assert fact(lite, "epoch")
    finally:
        release(holder)


def test_other_greenlets_run_while_a_write_waits_for_the_lock(lite: Store, tmp_path: Path) -> None:
    holder = hold_write_lock(tmp_path / "test.sqlite3")
    with subprocess.Popen(
        [sys.executable, "-c", COOPERATIVE, str(tmp_path / "instance")],
        env={**environment(tmp_path, sqlite_url(tmp_path))},
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "20 turns\n"  # it would be "written", or nothing, if they had to wait
        assert fact(lite, "written") is None
        release(holder)
        assert writer.stdout.readline() == "written\n"
    assert writer.returncode == 0
    assert fact(lite, "written") == "yes"


def test_error_that_is_not_about_the_lock_is_not_waited_for(lite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def execute(self, sql: str) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    with pytest.raises(sqlite3.OperationalError, match="disk"):
        lite.database._begin_immediate(Broken(), time.monotonic() + 5)  # type: ignore[arg-type]  # a stand-in


def test_write_that_waits_in_line_gives_up_no_later_than_the_first(lite: Store) -> None:
    with lite.database.transaction():
        other = threading.Thread(target=lambda: caught.append(_refusal(lite, 0.2)))
        caught: list[Exception | None] = []
        other.start()
        other.join(5)
    assert isinstance(caught[0], Unavailable)


def _refusal(store: Store, patience: float) -> Exception | None:
    try:
        with store.database.transaction(patience):
            return None
    except Unavailable as error:
        return error


def test_write_into_a_file_that_was_moved_away_is_refused(lite: Store, tmp_path: Path) -> None:
    set_fact(lite, "colour", "red")
    (tmp_path / "test.sqlite3").rename(tmp_path / "elsewhere.sqlite3")
    with pytest.raises(Unavailable, match="moved or replaced"):
        set_fact(lite, "colour", "blue")


# -- publishing


def test_news_is_published_after_the_commit(store: Store) -> None:
    seen: list[tuple[list[object], str | None]] = []
    store.database.publish = lambda news: seen.append((news, fact(store, "colour")))
    with store.database.transaction() as transaction:
        transaction.run(SET, name="colour", value="red")
        transaction.news.append("one")
        transaction.news.append("two")
        assert seen == []
    assert seen == [(["one", "two"], "red")]


def test_publisher_may_write_again(store: Store) -> None:
    """The writer's lock and connection are free before anything is published."""
    store.database.publish = lambda news: set_fact(store, "colour", "red")
    with store.database.transaction() as transaction:
        transaction.news.append("one")
    assert fact(store, "colour") == "red"


def test_nothing_is_published_without_news(store: Store) -> None:
    seen: list[object] = []
    store.database.publish = seen.append
    set_fact(store, "colour", "red")
    assert seen == []


def test_rollback_publishes_nothing(store: Store) -> None:
    seen: list[object] = []
    store.database.publish = seen.append
    with pytest.raises(ZeroDivisionError), store.database.transaction() as transaction:
        transaction.news.append("one")
        raise ZeroDivisionError
    assert seen == []


def test_failing_publisher_is_logged_and_not_the_callers_error(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail(news: list[object]) -> None:
        raise ConnectionError("the bus is away")

    store.database.publish = fail
    with caplog.at_level(logging.ERROR), store.database.transaction() as transaction:
        transaction.run(SET, name="colour", value="red")
        transaction.news.append("one")
    assert fact(store, "colour") == "red"
    assert "the bus is away" in caplog.text


def test_between_two_pieces_others_have_as_long_as_the_last_one_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 0.0}
    slept: list[float] = []
    monkeypatch.setattr(time, "perf_counter", lambda: clock["now"])
    monkeypatch.setattr(time, "sleep", slept.append)

    class Busy:
        """Others have it for so long."""

        @contextmanager
        def transaction(self) -> Iterator[None]:
            clock["now"] += 5.0
            yield

    pieces = Pieces(Busy())  # type: ignore[arg-type]
    for seconds in (0.25, 0.03125, 1.0):
        with pieces.next():
            clock["now"] += seconds
        assert pieces.took == seconds
    assert slept == [MOST_PAUSE, 0.03125]
