"""Of many sessions and tokens at once it is noted that they are in use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from myapp import grouping
from myapp.auth import service, uses
from myapp.db import Database, now_ms
from myapp.errors import Unavailable

from ..support import wait_for
from .conftest import Store


def tokens(store: Store, count: int) -> list[int]:
    (user,) = store.add()
    with store.database.transaction() as transaction:
        return [int(service.create_token(transaction, user, "a program")["id"]) for _ in range(count)]


def used(database: Database) -> dict[int, int | None]:
    with database.read() as connection:
        return dict(connection.driver.execute("SELECT id, last_used_at FROM tokens").fetchall())


def test_those_that_are_in_use_are_noted_and_no_others(emptied: Store) -> None:
    first, second, third = tokens(emptied, 3)
    before = now_ms()
    with emptied.database.transaction() as transaction:
        assert uses.note(transaction, "token", [third, first, first]) == [None] * 3
    found = used(emptied.database)
    assert found[second] is None
    assert all(before <= (found[number] or 0) <= now_ms() for number in (first, third))


def test_sessions_are_noted_too(emptied: Store) -> None:
    (user,) = emptied.add()
    with emptied.database.transaction() as transaction:
        service.start_session(transaction, user, "address", "browser")
    emptied.write("UPDATE sessions SET last_seen_at = 1")
    with emptied.database.read() as connection:
        (number,) = connection.driver.execute("SELECT id FROM sessions").fetchone()
    with emptied.database.transaction() as transaction:
        uses.note(transaction, "session", [number])
    with emptied.database.read() as connection:
        assert connection.driver.execute("SELECT last_seen_at FROM sessions").fetchone()[0] > 1


@pytest.mark.parametrize("kept_app", ["postgresql"], indirect=True, scope="session")
def test_one_that_another_transaction_notes_at_the_moment_is_left_to_it(emptied: Store) -> None:
    database = emptied.database
    first, second = tokens(emptied, 2)
    with database.transaction() as other:
        uses.note(other, "token", [second])
        other.all(service._TOKENS, user=0)  # what is queued goes out
        with ThreadPoolExecutor(1) as pool:
            pool.submit(uses.grouped(database).do, "token", first).result(10)

            def both() -> None:
                with database.transaction() as transaction:
                    uses.note(transaction, "token", [first, second])

            pool.submit(both).result(10)
        assert used(database)[second] is None, "it is not committed"
    assert None not in used(database).values()


def test_many_who_come_at_once_share_a_transaction(emptied: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = tokens(emptied, 6)
    grouped = uses.grouped(emptied.database)
    grouped.do("token", numbers[0])
    monkeypatch.setattr(grouping, "APART", 20.0)
    grouped._most = 5
    with ThreadPoolExecutor(5) as pool:
        for asked in [pool.submit(grouped.do, "token", number) for number in numbers[1:]]:
            asked.result(10)
    assert grouped.counts == {"wishes": 6, "transactions": 2}
    assert None not in used(emptied.database).values()


def test_nobody_waits_for_another_programs_write(lite: Store) -> None:
    (number,) = tokens(lite, 1)
    grouped = uses.grouped(lite.database)
    with ThreadPoolExecutor(1) as pool, lite.database.transaction():
        asked = pool.submit(grouped.do, "token", number)
        wait_for(asked.done, "it gave up")
        assert isinstance(asked.exception(), Unavailable)
