"""Locking more inboxes in the middle of a transaction: in order by waiting, out of order at once or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from myapp import inbox
from myapp.auth import people
from myapp.auth.people import Person
from myapp.db import NOT_NOW, Connection, Transaction
from myapp.messages import service as messages
from myapp.notifications import service
from myapp.notifications.content import Content
from myapp.statements import Statement

from ..postgres import PostgresServer
from . import noticed
from .conftest import Store, open_store


@pytest.fixture
def store(emptied: Store) -> Store:
    return emptied


@pytest.fixture
def big(tmp_path: Path, postgres: PostgresServer) -> Iterator[Store]:
    """A PostgreSQL database."""
    url = postgres.new_database()
    yield from open_store(tmp_path, url)
    postgres.drop(url)


def test_inboxes_can_be_added_to_those_that_are_held(store: Store) -> None:
    users = store.add(4)
    with store.database.transaction() as transaction:
        inbox.lock_more(transaction, [users[2]])
        inbox.append(transaction, users[2], "note", {})
        inbox.lock_more(transaction, [users[3], users[0], users[2], users[0]])
        inbox.lock_more(transaction, [])
        for user in (users[0], users[2], users[3]):
            inbox.append(transaction, user, "note", {})
    assert [store.head(user).seq for user in users] == [1, 0, 2, 1]


def test_those_behind_are_locked_in_one_statement(big: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    users = big.add(6)
    asked: list[object] = []
    execute = Connection.execute

    def noted(connection: Connection, what: Statement, values: Any) -> Any:
        asked.append(values)
        return execute(connection, what, values)

    with big.database.transaction() as transaction:
        inbox.lock_more(transaction, [users[1]])
        monkeypatch.setattr(Connection, "execute", noted)
        inbox.lock_more(transaction, reversed(users))
    assert len(asked) == 2
    with big.database.transaction() as transaction, pytest.raises(LookupError):
        inbox.lock_more(transaction, [*users, 10**9])


def test_inboxes_can_be_added_behind_a_lock(store: Store) -> None:
    first, second = store.add(2)
    with store.database.transaction() as transaction:
        inbox.lock(transaction, [second])
        inbox.append(transaction, second, "note", {})
        inbox.lock_more(transaction, [first, second])
        assert inbox.append(transaction, first, "note", {}) == 1
        assert inbox.append(transaction, second, "note", {}) == 2


def test_inbox_that_is_not_there_is_a_lookup_error(store: Store) -> None:
    (user,) = store.add()
    with pytest.raises(LookupError), store.database.transaction() as transaction:
        inbox.lock_more(transaction, [user, 10**9])
    with pytest.raises(LookupError), store.database.transaction() as transaction:
        inbox.lock(transaction, [user])
        inbox.append(transaction, user, "note", {})
        inbox.lock_more(transaction, [10**9])
    assert store.head(user).seq == 0


class Other:
    """Another transaction, in a thread of its own, that holds an inbox until it is let go."""

    def __init__(self, store: Store, user: int) -> None:
        self.store, self.user = store, user
        self.holds, self.goes = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self.store.database.transaction() as transaction:
            inbox.lock(transaction, [self.user])
            self.holds.set()
            assert self.goes.wait(20)
            inbox.append(transaction, self.user, "note", {})

    def __enter__(self) -> Other:
        self.thread.start()
        assert self.holds.wait(20)
        return self

    def __exit__(self, *error: object) -> None:
        self.goes.set()
        self.thread.join()


def test_inbox_before_those_that_are_held_is_not_waited_for_and_can_be_had_later(big: Store) -> None:
    first, second = big.add(2)

    def write(transaction: Transaction) -> None:
        inbox.lock(transaction, [second])
        inbox.append(transaction, second, "note", {})
        inbox.lock_more(transaction, [first])
        inbox.append(transaction, first, "note", {})

    with Other(big, first), pytest.raises(NOT_NOW) as failed, big.database.transaction() as transaction:
        write(transaction)
    assert isinstance(failed.value, psycopg.errors.LockNotAvailable)
    with big.database.transaction() as transaction:
        write(transaction)
    assert (big.head(first).seq, big.head(second).seq) == (2, 1)
    noticed.check(big, [first, second])


def test_inbox_behind_those_that_are_held_is_waited_for(big: Store) -> None:
    first, second = big.add(2)

    def write() -> None:
        with big.database.transaction() as transaction:
            inbox.lock(transaction, [first])
            inbox.lock_more(transaction, [second])
            inbox.append(transaction, second, "note", {})

    with Other(big, second) as other:
        thread = threading.Thread(target=write)
        thread.start()
        while not noticed.is_waiting(big):
            assert thread.is_alive()
        other.goes.set()
        thread.join()
    assert big.head(second).seq == 2


def test_transactions_that_lock_in_any_order_never_deadlock(big: Store) -> None:
    users = big.add(3)
    errors: list[BaseException] = []
    orders = [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)]

    def write(order: tuple[int, ...]) -> None:
        for _ in range(25):
            while True:
                try:
                    with big.database.transaction() as transaction:
                        for place in order:
                            inbox.lock_more(transaction, [users[place]])
                            inbox.append(transaction, users[place], "note", {})
                    break
                except psycopg.errors.LockNotAvailable:
                    continue
                except BaseException as error:
                    errors.append(error)
                    return

    threads = [threading.Thread(target=write, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [big.head(user).seq for user in users] == [100, 100, 100]
    noticed.check(big, users)


# -- with a message in the same transaction


@pytest.fixture
def crowd(store: Store) -> list[Person]:
    with store.database.transaction() as transaction:
        return [people.create(transaction, name, None) for name in ("ann", "bob", "carol", "dora")]


@pytest.mark.parametrize("whom", ["ann", "bob", "carol", "dora"])
@pytest.mark.parametrize("when", ["before", "after", "both"])
def test_seq_of_a_message_is_right_beside_notices(whom: str, when: str, store: Store, crowd: list[Person]) -> None:
    carol = crowd[2]
    told = next(person for person in crowd if person.name == whom)
    noticed.tell(store, told.id, "earlier")
    with store.database.transaction() as transaction:
        if when != "after":
            service.notify(transaction, told.id, Content("before", badge="orders"))
        sent = messages.send(transaction, carol, "bob", "hello", "a key")
        if when != "before":
            service.notify(transaction, told.id, Content("after"))
    event = noticed.events(store, carol.id, sent.seq - 1)[0]
    assert (event["kind"], event["data"]["body"]) == ("message", "hello")
    with store.database.transaction() as transaction:
        again = messages.send(transaction, carol, "bob", "hello", "a key")
    assert (again.seq, again.is_new) == (sent.seq, False)
    noticed.check(store, [person.id for person in crowd])
    assert noticed.badges(store, told.id)["notifications"] == (3 if when == "both" else 2)


def test_message_behind_a_notice_that_was_appended_at_once_has_the_right_seq(store: Store, crowd: list[Person]) -> None:
    ann, bob, *_ = crowd
    with store.database.transaction() as transaction:
        inbox.lock(transaction, [ann.id, bob.id])
        inbox.append(transaction, ann.id, "like", {}, notice=inbox.CountedBy("likes"))
        sent = messages.send(transaction, ann, "bob", "hello")
    assert sent.seq == 2
    assert [event["kind"] for event in noticed.events(store, ann.id)] == ["like", "message"]
    noticed.check(store, [ann.id, bob.id])
