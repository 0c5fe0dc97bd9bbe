"""Old events leave: who stands before them is reset, what is to be seen stays, and badges are right all the time."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from myapp import inbox
from myapp.db import Connection, now_ms
from myapp.inbox import retention as module
from myapp.inbox import seen as marking
from myapp.retention import DAY, EVERY, NOTICES_STAY, Retention
from myapp.statements import Statement

from . import noticed
from .conftest import Store

OLD, VERY_OLD = 40 * DAY, 91 * DAY


@pytest.fixture
def store(emptied: Store) -> Store:
    emptied.write("DELETE FROM facts WHERE name = 'trimmed_at'")
    return emptied


def age(store: Store, user: int, upto: int, by: int = OLD) -> None:
    """What is in the inbox up to this seq happened so long ago."""
    store.write(f"UPDATE events SET at = {now_ms() - by} WHERE user_id = {user} AND seq <= {upto}")


def kept(store: Store, user: int) -> list[int]:
    with store.database.read() as connection:
        sql = f"SELECT seq FROM events WHERE user_id = {user} ORDER BY seq"
        return [row[0] for row in connection.driver.execute(sql).fetchall()]


def trim(store: Store, days: int = 30) -> int:
    return Retention(store.database, days).run()


def see(store: Store, user: int, *seqs: int) -> None:
    with store.database.transaction() as transaction:
        inbox.mark_some_seen(transaction, user, seqs)


def is_right(store: Store, user: int) -> bool:
    """Whether the badges equal a fresh count."""
    with store.database.read() as connection:
        counted = noticed.count_unseen(connection, user)
    return noticed.badges(store, user) == {name: count for name, count in counted.items() if count}


# -- what goes


def test_events_older_than_the_limit_go_and_others_stay(store: Store) -> None:
    first, second, third = store.add(3)
    for user in (first, second):
        store.append(user, 10)
    age(store, first, 6)
    before = store.head(first)
    assert trim(store) == 6
    assert kept(store, first) == [7, 8, 9, 10]
    assert kept(store, second) == [*range(1, 11)]
    assert store.head(first) == before._replace(trimmed=6)
    assert store.head(second).trimmed == store.head(third).trimmed == 0
    assert trim(store) == 0


def test_cursor_from_before_is_reset_and_others_go_on(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 10)
    age(store, user, 6)
    trim(store)
    for cursor in (0, 5):
        page = store.after(user, cursor)
        assert (page.reset, page.events, page.seq) == (True, [], 10)
    for cursor in (6, 8, 10):
        page = store.after(user, cursor)
        assert (page.reset, [event.seq for event in page.events]) == (False, [*range(cursor + 1, 11)])


def test_inbox_of_which_nothing_is_young_is_emptied_and_goes_on(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 5)
    age(store, user, 5)
    trim(store)
    assert kept(store, user) == []
    assert not store.after(user, 5).reset
    assert store.after(user, 4).reset
    store.append(user)
    assert [event.seq for event in store.after(user, 5).events] == [6]
    assert trim(store) == 0


def test_old_event_behind_a_young_one_waits_for_it(store: Store) -> None:
    """As times of events hardly go back: an announcement that took long, a clock that was set."""
    (user,) = store.add()
    store.append(user, 4)
    age(store, user, 4)
    store.write(f"UPDATE events SET at = {now_ms()} WHERE user_id = {user} AND seq = 3")
    trim(store)
    assert kept(store, user) == [3, 4]
    assert [event.seq for event in store.after(user, 2).events] == [3, 4]


def test_what_is_not_seen_stays_for_ever_and_what_is_seen_three_times_as_long(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, "likes", "orders", 6)
    store.append(user, 2)
    see(store, user, 1, 2, 4)
    age(store, user, 2, VERY_OLD), age(store, user, 0)
    store.write(f"UPDATE events SET at = {now_ms() - VERY_OLD} WHERE user_id = {user} AND seq IN (1, 2, 3)")
    store.write(f"UPDATE events SET at = {now_ms() - OLD} WHERE user_id = {user} AND seq > 3")
    assert is_right(store, user)
    before = noticed.badges(store, user)
    trim(store)
    assert kept(store, user) == [3, 4, 5, 6]  # 1, 2 seen long ago; 7, 8, 9 no notices
    assert noticed.badges(store, user) == before == {"likes": 3, "orders": 3}
    assert is_right(store, user)
    assert store.after(user, 2).reset
    with store.database.read() as connection:
        assert [one.seq for one in inbox.notices(connection, user, 100, 10)] == [6, 5, 4, 3]


def test_notice_that_is_seen_at_last_goes_with_the_next_round(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, count=3)
    age(store, user, 3, VERY_OLD)
    assert trim(store) == 0
    assert store.head(user).trimmed == 3
    see(store, user, 2)
    assert is_right(store, user)
    assert trim(store) == 1
    assert kept(store, user) == [1, 3, 4]
    with store.database.transaction() as transaction:
        inbox.mark_all_seen(transaction, user, 4)
    assert noticed.badges(store, user) == {}
    assert trim(store) == 2
    assert kept(store, user) == [4, 5]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 100])
def test_many_inboxes_are_trimmed_in_pieces_of_any_size(
    most: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_INBOXES", most)
    users = store.add(7)
    for user in users:
        store.append(user, 3)
        age(store, user, 2)
    assert trim(store) == 14
    assert {tuple(kept(store, user)) for user in users} == {(3,)}


@pytest.mark.parametrize("most", [1, 2, 3, 5, 6, 7])
def test_old_events_are_looked_for_in_pieces_of_any_size(
    most: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LOOKED_AT", most)
    users = store.add(3)
    for user, old in zip(users, (6, 0, 8), strict=True):
        store.append(user, 8)
        age(store, user, old)
    assert trim(store) == 14
    assert [kept(store, user) for user in users] == [[7, 8], [*range(1, 9)], []]
    assert [store.head(user).trimmed for user in users] == [6, 0, 8]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 6, 7])
def test_inbox_is_trimmed_in_transactions_of_any_size(most: int, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (module, inbox):
        monkeypatch.setattr(place, "MOST_DELETED", most)
    (user,) = store.add()
    store.append(user, 8)
    age(store, user, 6)
    assert trim(store) == 6
    assert kept(store, user) == [7, 8]


def test_who_is_stopped_leaves_the_rest_to_the_next_round_and_no_hole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (module, inbox):
        monkeypatch.setattr(place, "MOST_DELETED", 2)
    (user,) = store.add()
    store.append(user, 8)
    age(store, user, 6)
    stopped = iter([False, False, True, True])
    assert Retention(store.database, 30).run(is_stopped=stopped.__next__) == 2
    assert (kept(store, user), store.head(user).trimmed) == ([3, 4, 5, 6, 7, 8], 2)
    assert store.after(user, 1).reset
    assert [event.seq for event in store.after(user, 2).events] == [3, 4, 5, 6, 7, 8]
    assert trim(store) == 4
    assert kept(store, user) == [7, 8]


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_seen_notices_go_in_transactions_of_any_size_from_between_those_not_seen(
    most: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (module, inbox):
        monkeypatch.setattr(place, "MOST_DELETED", most)
    (user,) = store.add()
    noticed.add(store, user, count=8)
    see(store, user, 2, 4, 6, 8)
    age(store, user, 7, VERY_OLD)
    assert trim(store) == 3
    assert kept(store, user) == [1, 3, 5, 7, 8, 9]
    assert trim(store) == 0


def test_kept_notices_are_not_gone_through_to_find_old_ones(lite: Store) -> None:
    (user,) = lite.add()
    noticed.add(lite, user)
    statements = {"_OLD": 1, "_DELETE_NOTICES": 1, "_TOO_MANY": 0}
    values = {"after": 0, "upto": 1, "user": user, "old": 0, "old_notices": 0, "most": 1}
    with lite.database.read() as connection:
        for name, seen in statements.items():
            sql, constants, _ = getattr(module, name).compiled("sqlite")
            plan = connection.driver.execute(f"EXPLAIN QUERY PLAN {sql}", {**constants, **values}).fetchall()
            index = "ix_events_seen" if seen else "ix_events_unseen"
            assert any(index in row[3] and "user_id=?" in row[3] for row in plan), plan


def test_oldest_of_too_much_that_is_not_seen_counts_as_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNSEEN", 3)
    monkeypatch.setattr(marking, "MOST_MARKED", 2)
    crowded, other = store.add(2)
    noticed.add(store, crowded, "likes", "orders", 5)
    noticed.add(store, crowded, "replies", count=3)
    noticed.add(store, other, count=3), store.append(other, 3)
    published: list[Any] = []
    monkeypatch.setattr(store.database, "publish", published.extend)
    assert trim(store) == 0
    assert noticed.badges(store, crowded) == {"replies": 3}
    assert noticed.badges(store, other) == {"likes": 3}
    noticed.check(store, [crowded, other])
    told = [json.loads(text)["data"]["upto"] for appended in published for text in appended.texts]
    assert told == [2, 4, 5]
    assert [appended.user for appended in published] == [crowded] * 3
    trim(store)
    assert store.head(crowded).seq == 11


# -- beside those who read


def test_events_that_are_read_while_they_go_are_all_there_or_reset(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trimmed at any moment of the read: whatever comes is without a hole."""
    execute = Connection.execute
    state: dict[str, Any] = {"at": 0, "count": 0, "act": None}

    def counted(connection: Connection, what: Statement, values: Any) -> Any:
        if type(connection) is Connection:
            state["count"] += 1
            if state["count"] == state["at"]:
                state["act"]()
        return execute(connection, what, values)

    outcomes = set()
    for moment in range(1, 5):
        for cursor in (0, 3, 6, 7):
            for limit in (1, 2, 100):
                (user,) = store.add()
                store.append(user, 3)
                noticed.add(store, user, count=2)
                store.append(user, 5)
                age(store, user, 6)

                def give_up(user: int = user) -> None:
                    with store.database.transaction() as transaction:
                        inbox.trim(transaction, user, 6, 0)

                with monkeypatch.context() as patched:
                    state.update(at=moment, count=0, act=give_up)
                    patched.setattr(Connection, "execute", counted)
                    page = store.after(user, cursor, limit=limit)
                seqs = [event.seq for event in page.events]
                outcomes.add(page.reset)
                if page.reset:
                    assert (seqs, page.seq, cursor < 6) == ([], 10, True)
                else:
                    assert seqs == [*range(cursor + 1, 11)][:limit]
                    assert page.seq == seqs[-1]
    assert outcomes == {True, False}


def test_readers_beside_a_round_are_never_given_a_hole(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 300)
    age(store, user, 200)
    ends = threading.Event()
    wrong: list[object] = []

    def read(start: int) -> None:
        cursor = start
        while not ends.is_set():
            page = store.after(user, cursor, limit=7)
            if not page.reset and [event.seq for event in page.events] != [*range(cursor + 1, page.seq + 1)]:
                wrong.append((cursor, page))
            cursor = start if page.reset or page.seq == page.latest else page.seq

    threads = [threading.Thread(target=read, args=(start,)) for start in (0, 150, 200)]
    for thread in threads:
        thread.start()
    for upto in range(1, 201, 3):
        with store.database.transaction() as transaction:
            inbox.trim(transaction, user, upto, 0)
    ends.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert kept(store, user)[0] == 200 or kept(store, user)[0] == 201


# -- when


def take_turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[Retention], int]:
    """Says how many rounds `run_if_due` has made."""

    def rounds(retention: Retention) -> int:
        made: list[object] = []
        monkeypatch.setattr(retention, "run", lambda **options: made.append(options) or 0)
        retention._looked_at = 0.0
        retention.run_if_due()
        return len(made)

    return rounds


def test_one_of_two_workers_makes_the_hours_round(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = take_turns(store, monkeypatch)
    one, two = Retention(store.database, 30), Retention(store.database, 30)
    assert [rounds(one), rounds(two), rounds(one), rounds(two)] == [1, 0, 0, 0]
    with store.database.read() as connection:
        (at,) = connection.driver.execute("SELECT value FROM facts WHERE name = 'trimmed_at'").fetchone()
    store.write(f"UPDATE facts SET value = '{int(at) - EVERY - 1}' WHERE name = 'trimmed_at'")
    assert [rounds(two), rounds(one)] == [1, 0]


def test_of_many_workers_at_once_one_makes_the_round(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = threading.Barrier(5)
    made: list[int] = []

    def work() -> None:
        retention = Retention(store.database, 30)
        retention.run = lambda **options: made.append(1) or 0  # type: ignore[method-assign, assignment]
        ready.wait()
        retention.run_if_due()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_worker_asks_the_database_once_a_minute_at_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    retention = Retention(store.database, 30)
    retention.run_if_due()
    monkeypatch.setattr(store.database, "transaction", None)
    retention.run_if_due()


def test_zero_days_keep_events_for_ever(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 3)
    age(store, user, 3, 1000 * DAY)
    retention = Retention(store.database, 0)
    retention.run_if_due()
    assert kept(store, user) == [1, 2, 3]
    assert store.count("facts WHERE name = 'trimmed_at'") == 0


def test_round_says_how_many_events_went(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    (user,) = store.add()
    store.append(user, 3)
    age(store, user, 2)
    with caplog.at_level(logging.INFO):
        Retention(store.database, 30).run_if_due()
    assert "2 events were older than 30 days" in caplog.text
    assert NOTICES_STAY == 3


def test_clock_that_was_put_back_does_not_keep_a_round_from_being_made(store: Store) -> None:
    store.write(f"INSERT INTO facts (name, value) VALUES ('trimmed_at', '{now_ms() + DAY}')")
    (user,) = store.add()
    store.append(user, 3)
    age(store, user, 2)
    Retention(store.database, 30).run_if_due()
    assert store.count("events") == 1


def test_numbers_of_notifications_that_no_list_has_any_more_are_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    [user] = store.add()
    monkeypatch.setattr(inbox, "MOST_DELETED", 2)
    for number in range(6):
        noticed.tell(store, user, f"number {number}")
    old = now_ms() - 91 * DAY
    store.write(f"UPDATE notifications SET at = {old} WHERE seq <= 5")
    trim(store)
    assert store.count("notifications") == 1


def test_keys_are_remembered_for_their_seven_days_however_short_events_are_kept(store: Store) -> None:
    [user] = store.add()
    noticed.tell(store, user, "once")
    store.write(f"UPDATE notifications SET at = {now_ms() - 6 * DAY}")
    trim(store, days=1)
    assert store.count("notifications") == 1
