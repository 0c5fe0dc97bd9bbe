"""PostgreSQL's connections: what goes in comes out, dead ones are noticed, and none is waited for without end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import TimeoutError as PoolTimeout

from myapp import postgres as module
from myapp import postgres_pool
from myapp.db import AWAY, Database
from myapp.statements import statement

from ..postgres import PostgresServer
from ..support import environment, make_app
from .conftest import Store, open_store

POOL = 5
PID = "SELECT pg_backend_pid()"

#: In a process patched by gevent: five sleep at once, a sixth waits for a place, and one is killed in mid-statement.
COOPERATIVE = """
from gevent import monkey
monkey.patch_all()
import gevent
from myapp import create_app
database = create_app().extensions["myapp"].database
def sleep(seconds):
    with database.read() as connection:
        connection.driver.execute(f"SELECT pg_sleep({seconds})")
sleeping = [gevent.spawn(sleep, 600) for _ in range(5)]  # one after the other, this would take longer than the test has
while database.use() != (5, 5):
    gevent.sleep(0.01)
gevent.sleep(0.2)
assert not any(one.ready() for one in sleeping)
gevent.killall(sleeping)
for _ in range(5):
    with database.read() as connection:
        assert connection.driver.execute("SELECT 7").fetchall() == [(7,)]
database.close()
print("fine")
"""


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.new_database()
    yield url
    postgres.drop(url)


@pytest.fixture
def store(tmp_path: Path, url: str) -> Iterator[Store]:
    yield from open_store(tmp_path, url)


@pytest.fixture
def database(store: Store) -> Database:
    return store.database


def pid(database: Database) -> int:
    with database.read() as connection:
        found: int = connection.driver.execute(PID).fetchone()[0]
        return found


# -- statements


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, True, None, "", "a\n\\'\"%s$1 🐎", b"", b"\x00\xff" * 9])
def test_what_goes_in_comes_out(value: Any, database: Database) -> None:
    kind = {int: "bigint", bool: "boolean", str: "text", bytes: "bytea"}.get(type(value), "text")
    with database.read() as connection:
        assert connection.driver.execute(f"SELECT $1::{kind}", [value]).fetchall() == [(value,)]


def test_text_with_a_nul_is_refused_and_not_cut_off_there(database: Database) -> None:
    with database.read() as connection, pytest.raises(psycopg.DataError):
        connection.driver.execute("SELECT $1::text", ["a\x00b"])


def test_more_goes_both_ways_than_sockets_hold(database: Database) -> None:
    much = os.urandom(16_000_000)
    with database.read() as connection:
        for _ in range(3):
            connection.driver.queue("SELECT $1::bytea", [much])
        assert connection.driver.execute("SELECT $1::bytea", [much]).fetchall() == [(much,)]


def test_failure_of_what_was_queued_is_raised_where_an_answer_is_awaited(store: Store) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), store.database.transaction() as transaction:
        transaction.driver.queue("INSERT INTO facts VALUES ('a', 'b')", ())
        transaction.driver.queue("SELECT 1 / 0", ())
        transaction.driver.queue("INSERT INTO facts VALUES ('c', 'd')", ())
    assert store.count("facts") == 1  # the epoch
    store.add()


def test_queued_failure_is_raised_at_the_commit_at_the_latest(store: Store) -> None:
    broken = statement(sa.text("INSERT INTO facts VALUES ('epoch', 'twice')"))
    published: list[Any] = []
    store.database.publish = published.append
    with pytest.raises(psycopg.errors.UniqueViolation), store.database.transaction() as transaction:
        transaction.news.append("news")
        transaction.queue(broken)
    assert published == []


def test_statement_that_could_not_be_prepared_can_be_later(store: Store) -> None:
    with store.database.read() as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.driver.execute("SELECT * FROM later", ())
    store.write("CREATE TABLE later (a bigint)")
    with store.database.read() as connection:
        assert connection.driver.execute("SELECT * FROM later", ()).fetchall() == []


def test_statement_that_fails_stays_prepared(store: Store) -> None:
    def names() -> set[str]:
        with store.database.read() as connection:
            return {row[0] for row in connection.driver.execute("SELECT name FROM pg_prepared_statements").fetchall()}

    seen = []
    for _ in range(3):
        with pytest.raises(psycopg.errors.UniqueViolation), store.database.transaction() as transaction:
            transaction.driver.queue("INSERT INTO facts VALUES ('epoch', $1)", ["twice"])
            transaction.driver.queue("SELECT 1", ())
        seen.append(names())
    assert seen[0] == seen[1] == seen[2]


def test_statement_whose_table_was_changed_fails_once_at_the_most(store: Store) -> None:
    with store.database.read() as connection:
        connection.driver.execute("SELECT * FROM facts", ())
        store.write("ALTER TABLE facts ADD COLUMN extra bigint")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            connection.driver.execute("SELECT * FROM facts", ())
        assert isinstance(caught.value, AWAY)  # told as "not now"
        assert len(connection.driver.execute("SELECT * FROM facts", ()).fetchone()) == 3


# -- connections that are lost


def test_idle_connections_that_the_server_ended_are_replaced_before_they_are_used(
    database: Database, postgres: PostgresServer, url: str
) -> None:
    with database.read() as one, database.read() as two:
        before = {one.driver.execute(PID).fetchone()[0], two.driver.execute(PID).fetchone()[0]}
    name = url.rpartition("/")[2]
    postgres.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
    with database.read() as one, database.read() as two:
        after = {one.driver.execute(PID).fetchone()[0], two.driver.execute(PID).fetchone()[0]}
    assert len(before | after) == 4


def test_connection_that_broke_in_a_block_is_not_used_again(database: Database, postgres: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError) as caught, database.transaction() as transaction:
        postgres.run(f"SELECT pg_terminate_backend({transaction.driver.execute(PID).fetchone()[0]}, 5000)")
        transaction.driver.execute("SELECT 1")
    assert isinstance(caught.value, AWAY)
    assert pid(database) > 0


def test_server_that_stands_still_is_not_waited_for_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_PATIENCE", 0.2)
    stopped = pid(database)
    os.kill(stopped, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="not answered"), database.transaction() as transaction:
            transaction.driver.execute("SELECT 1")
        assert time.monotonic() - began < 2  # and ROLLBACK was not waited for as well
        monkeypatch.undo()
        assert pid(database) != stopped
    finally:
        os.kill(stopped, signal.SIGCONT)


def test_greenlets_wait_together_and_one_that_is_killed_leaves_no_broken_connection(tmp_path: Path, url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COOPERATIVE], env=environment(tmp_path, url), capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "fine\n", done.stderr


# -- the pool


def test_no_more_connections_are_opened_than_the_pool_has(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pool, "POOL_PATIENCE", 0.1)
    held = [database.read() for _ in range(POOL)]
    for block in held:
        block.__enter__()
    with pytest.raises(PoolTimeout) as caught, database.read():
        pass
    assert isinstance(caught.value, AWAY)
    for block in held:
        block.__exit__(None, None, None)
    assert pid(database) > 0


def test_size_of_the_pool_is_a_setting(tmp_path: Path, url: str) -> None:
    app = make_app(tmp_path, url, DATABASE_POOL="2")
    database: Database = app.extensions["myapp"].database
    with database.read(), database.read():
        second = threading.Event()
        waiting = threading.Thread(target=lambda: (pid(database), second.set()))
        waiting.start()
        assert not second.wait(0.2)
    waiting.join(10)
    assert second.is_set()
    database.close()


#: In a process patched by gevent, with a pool of two: who asks while others ask again and again; who waits when the one
#: before it in line is killed in the moment in which it is given the place; and who waits for connections that fail.
WAITING = """
from gevent import monkey
monkey.patch_all()
import gevent
from myapp import create_app
database = create_app().extensions["myapp"].database
served = 0
def greedy():
    global served
    while not asker.ready():
        with database.read() as connection:
            connection.driver.execute("SELECT 1")
        served += 1
def once():
    with database.read() as connection:
        connection.driver.execute("SELECT 1")
asker = gevent.Greenlet(once)
others = [gevent.spawn(greedy) for _ in range(4)]
gevent.sleep(0.1)
before = served
asker.start()
gevent.joinall([asker, *others], timeout=20, raise_error=True)
assert served - before < 30, f"{served - before} were served before the one who waited"

held = [database.read(), database.read()]
for block in held:
    block.__enter__()
first, second = gevent.spawn(once), gevent.spawn(once)
gevent.sleep(0.1)
assert database.use() == (2, 2)
held[0].__exit__(None, None, None)
first.kill(block=False)
second.get(timeout=20)
held[1].__exit__(None, None, None)
assert database.use() == (0, 2)

database.close()
connect = database._pool._engine.raw_connection
tries = 0
def connects():
    global tries
    tries += 1
    fails = tries <= 2
    gevent.sleep(0.1)
    if fails:
        raise OSError("as asked")
    return connect()
database._pool._engine.raw_connection = connects
waiting = [gevent.spawn(once) for _ in range(4)]
gevent.joinall(waiting, timeout=20)
assert [repr(greenlet.exception) for greenlet in waiting] == 2 * ["OSError('as asked')"] + 2 * ["None"]
assert database.use() == (0, 2)
print("fine")
"""


def test_who_waits_for_a_connection_has_it_in_turn_whatever_the_others_do(tmp_path: Path, url: str) -> None:
    env = {**environment(tmp_path, url), "MYAPP_DATABASE_POOL": "2"}
    done = subprocess.run([sys.executable, "-c", WAITING], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout == "fine\n", done.stderr


def test_connections_in_use_when_all_are_closed_are_closed_once_they_are_given_back(database: Database) -> None:
    with database.read() as connection:
        used: int = connection.driver.execute(PID).fetchone()[0]
        database.close()
        assert database.use() == (1, POOL)
    assert database.use() == (0, POOL)
    assert pid(database) != used
    assert database.use() == (0, POOL)


# -- what the server is told


def test_server_gives_up_before_a_request_does(database: Database) -> None:
    with database.read() as connection:
        told = {name: connection.driver.execute(f"SHOW {name}").fetchone()[0] for name in module.LIMITS}
        assert connection.driver.execute("SHOW application_name").fetchone() == ("myapp",)
    assert told == {"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "15s"}


def test_what_the_address_says_counts(tmp_path: Path, url: str) -> None:
    app = make_app(tmp_path, f"{url}?application_name=mine&options=-c%20statement_timeout%3D7s")
    database: Database = app.extensions["myapp"].database
    with database.read() as connection:
        assert connection.driver.execute("SHOW application_name").fetchone() == ("mine",)
        assert connection.driver.execute("SHOW statement_timeout").fetchone() == ("7s",)
    database.close()


@pytest.mark.parametrize(
    "state",
    [
        "08006",
        "25006",
        "25P03",
        "40001",
        "40P01",
        "53100",
        "53200",
        "53300",
        "55P03",
        "57014",
        "57P01",
        "57P02",
        "57P03",
    ],
)
def test_what_means_not_now_is_told_from_what_is_wrong(state: str) -> None:
    assert issubclass(psycopg.errors.lookup(state) if state != "08006" else psycopg.OperationalError, AWAY)


@pytest.mark.parametrize("state", ["22003", "22021", "23505", "25P02", "42601", "42P01"])
def test_what_is_wrong_is_not_taken_for_not_now(state: str) -> None:
    assert not issubclass(psycopg.errors.lookup(state), AWAY)


def test_deadlock_is_told_as_not_now(store: Store) -> None:
    """What the order of locks prevents, had by force."""
    a, b = store.add(2)
    both = threading.Barrier(2, timeout=10)
    errors: list[Exception] = []

    def lock(first: int, second: int) -> None:
        try:
            with store.database.transaction() as transaction:
                transaction.driver.execute(f"SELECT 1 FROM inboxes WHERE user_id = {first} FOR UPDATE")
                both.wait()
                transaction.driver.execute(f"SELECT 1 FROM inboxes WHERE user_id = {second} FOR UPDATE")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=lock, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (error,) = errors
    assert isinstance(error, psycopg.errors.DeadlockDetected)
    assert isinstance(error, AWAY)
    store.append(a)
