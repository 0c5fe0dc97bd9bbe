"""What was told and does not stand any more leaves the badges and the list, and loses its content; its seq stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from myapp import inbox
from myapp.db import Transaction

from . import noticed
from .conftest import Store


@pytest.fixture
def store(emptied: Store) -> Store:
    return emptied


@pytest.fixture
def user(store: Store) -> int:
    return store.add()[0]


def tell(
    store: Store, user: int, data: dict[str, Any], badge: str | None = "likes", own_badge: str | None = None
) -> int:
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        return inbox.append(transaction, user, "like", data, notice=inbox.CountedBy(badge, own_badge))


def take_back(store: Store, user: int, do: Callable[[Transaction], object]) -> None:
    """And say so."""
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        do(transaction)
        inbox.append(transaction, user, "note", {})


def withdraw(store: Store, user: int, *seqs: int) -> None:
    take_back(store, user, lambda transaction: inbox.withdraw(transaction, user, seqs))


def withdraw_about(store: Store, user: int, number: int, *badges: str) -> None:
    take_back(store, user, lambda tx: inbox.withdraw_unseen_about(tx, user, badges or ("likes",), "post", number))


def listed(store: Store, user: int) -> list[int]:
    with store.database.read() as connection:
        return [one.seq for one in inbox.notices(connection, user, 2**53, 100)]


def trim(store: Store, user: int, upto: int, old_notices: int = 0) -> None:
    with store.database.transaction() as transaction:
        inbox.trim(transaction, user, upto, old_notices)


def kept(store: Store, user: int) -> list[int]:
    with store.database.read() as connection:
        rows = connection.driver.execute(f"SELECT seq FROM events WHERE user_id = {user} ORDER BY seq").fetchall()
    return [row[0] for row in rows]


def test_withdrawn_leaves_both_its_badges_and_the_list_and_stays_an_event(store: Store, user: int) -> None:
    first, second = tell(store, user, {"a": 1}, "likes", "orders"), tell(store, user, {"a": 2}, "likes", "orders")
    withdraw(store, user, first)
    assert noticed.badges(store, user) == {"likes": 1, "orders": 1}
    assert listed(store, user) == [second]
    assert [event["data"] for event in noticed.events(store, user)] == [{"a": 1}, {"a": 2}, {}]
    noticed.check(store, [user])


def test_one_that_has_a_badge_twice_is_taken_from_it_once(store: Store, user: int) -> None:
    seq = tell(store, user, {}, "likes", "likes")
    withdraw(store, user, seq)
    assert noticed.badges(store, user) == {}


def test_withdrawing_again_or_what_is_no_notice_changes_nothing(store: Store, user: int) -> None:
    seq = tell(store, user, {})
    tell(store, user, {})
    store.append(user)
    withdraw(store, user, seq, seq)
    withdraw(store, user, seq, 3, 17)
    assert noticed.badges(store, user) == {"likes": 1}
    noticed.check(store, [user])


def test_what_was_seen_leaves_the_list_and_no_badge(store: Store, user: int) -> None:
    seq = tell(store, user, {})
    with store.database.transaction() as transaction:
        inbox.mark_some_seen(transaction, user, [seq])
    tell(store, user, {})
    withdraw(store, user, seq)
    assert noticed.badges(store, user) == {"likes": 1}
    assert listed(store, user) == [3]


def test_what_this_transaction_has_told_is_withdrawn(store: Store, user: int) -> None:
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        seqs = [inbox.append(transaction, user, "like", {}, notice=inbox.CountedBy("likes", "own")) for _ in range(3)]
        inbox.withdraw(transaction, user, seqs[1:2])
    assert noticed.badges(store, user) == {"likes": 2, "own": 2}
    assert listed(store, user) == [seqs[2], seqs[0]]
    noticed.check(store, [user])


def test_what_was_kept_for_the_list_only_goes(store: Store, user: int) -> None:
    first, second = tell(store, user, {}), tell(store, user, {})
    trim(store, user, first)
    withdraw(store, user, first)
    assert kept(store, user) == [second, 3]
    assert noticed.badges(store, user) == {"likes": 1}
    trim(store, user, second)
    withdraw(store, user, second)
    assert kept(store, user) == [3, 4]
    assert noticed.badges(store, user) == {}


def test_event_that_is_not_kept_is_withdrawn_and_blanked_without_harm(store: Store, user: int) -> None:
    seq = tell(store, user, {"body": "secret"})
    with store.database.transaction() as transaction:
        inbox.mark_some_seen(transaction, user, [seq])
    trim(store, user, 2, 2**53)
    assert kept(store, user) == []
    withdraw(store, user, seq)
    take_back(store, user, lambda transaction: inbox.blank(transaction, user, seq))
    assert noticed.badges(store, user) == {}


def test_inbox_must_be_locked(store: Store, user: int) -> None:
    with store.database.transaction() as transaction, pytest.raises(KeyError):
        inbox.withdraw(transaction, user, [1])


def test_of_one_thing_what_is_unseen_is_withdrawn_and_nothing_else(store: Store, user: int) -> None:
    about = [{"post": number, "by": "x"} for number in (7, 7, 70, 17, 8)]
    seqs = [tell(store, user, data) for data in about]
    seqs += [tell(store, user, {"post": 7, "x": 1}, "dislikes"), tell(store, user, {"post": 7, "x": 1}, "replies")]
    seqs += [tell(store, user, {"x": 1, "post": 7}), tell(store, user, {"x": '{"post":7,"'})]
    with store.database.transaction() as transaction:
        inbox.mark_some_seen(transaction, user, [seqs[0]])
    withdraw_about(store, user, 7, "likes", "dislikes")
    assert listed(store, user) == [seqs[at] for at in (8, 7, 6, 4, 3, 2, 0)]
    assert noticed.badges(store, user) == {"likes": 5, "replies": 1}
    noticed.check(store, [user])
    withdraw_about(store, user, 7, "likes", "dislikes")
    noticed.check(store, [user])


def test_of_one_thing_what_was_kept_for_the_list_only_goes(store: Store, user: int) -> None:
    for _ in range(3):
        tell(store, user, {"post": 7, "by": "x"}, "likes", "own")
    trim(store, user, 2)
    withdraw_about(store, user, 7)
    assert kept(store, user) == [3, 4]
    assert noticed.badges(store, user) == {}


def test_others_inboxes_are_not_touched(store: Store, user: int) -> None:
    (other,) = store.add()
    for one in (user, other):
        tell(store, one, {"post": 7, "by": "x"})
        tell(store, one, {"post": 7, "by": "x"})
    withdraw(store, user, 1)
    withdraw_about(store, user, 7)
    assert noticed.badges(store, other) == {"likes": 2}
    noticed.check(store, [user, other])


def test_blanked_event_is_the_same_but_for_its_body(store: Store, user: int) -> None:
    seq = tell(store, user, {"id": 2**53 - 1, "body": "sécret\U0001f642", "data": {"body": "another's"}, "z": None})
    before = store.after(user, seq - 1).events[0].text
    take_back(store, user, lambda transaction: inbox.blank(transaction, user, seq))
    after = store.after(user, seq - 1).events[0].text
    assert after == before.replace('"sécret\U0001f642"', '""')
    assert json.loads(after)["data"]["data"] == {"body": "another's"}
