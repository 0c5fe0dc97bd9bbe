"""What is to be seen: badges count it until it is, and never anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myapp import inbox
from myapp.errors import Invalid
from myapp.inbox import badges as badge_module
from myapp.inbox import seen
from myapp.inbox.badges import MOST_OWN
from myapp.inbox.seen import MOST_NAMES, MOST_SEQS

from . import noticed
from .conftest import Store, open_store

MANY = [f"own-{number}" for number in range(MOST_OWN)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for the many small examples of the properties."""
    yield from open_store(Path(tmp_path_factory.mktemp("notices")))


@pytest.fixture
def store(emptied: Store) -> Store:
    return emptied


def mark(store: Store, user: int, badges: list[str], upto: int) -> dict[str, int]:
    with store.database.transaction() as transaction:
        return dict(inbox.mark_seen(transaction, user, badges, upto).badges)


def mark_some(store: Store, user: int, *seqs: int) -> dict[str, int]:
    with store.database.transaction() as transaction:
        return dict(inbox.mark_some_seen(transaction, user, seqs))


def mark_all(store: Store, user: int, upto: int) -> dict[str, int]:
    with store.database.transaction() as transaction:
        return dict(inbox.mark_all_seen(transaction, user, upto).badges)


def last_event(store: Store, user: int) -> dict[str, Any]:
    return noticed.events(store, user, store.head(user).seq - 1)[-1]


# -- appending


def test_notice_raises_the_badge_of_its_kind_and_its_own(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, "likes", "orders")
    assert noticed.badges(store, user) == {"likes": 1, "orders": 1}
    noticed.check(store, [user])


def test_notice_that_has_one_badge_twice_is_counted_once(store: Store) -> None:
    (user,) = store.add()
    seq = noticed.add(store, user, "notifications", "notifications")
    assert noticed.badges(store, user) == {"notifications": 1}
    mark_some(store, user, seq)
    assert noticed.badges(store, user) == {}
    noticed.check(store, [user])


def test_notice_without_badges_is_listed_and_not_counted(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, None)
    assert noticed.badges(store, user) == {}
    with store.database.read() as connection:
        (found,) = inbox.notices(connection, user, 10, 10)
    assert (found.seq, found.kind, found.seen, json.loads(found.data)) == (1, "like", False, {"number": 0})


def test_notice_is_an_event_as_any_other(store: Store) -> None:
    published: list[inbox.Appended] = []
    store.database.publish = published.extend
    (user,) = store.add()
    store.append(user)
    assert noticed.add(store, user, count=2) == 3
    page = store.after(user, 1)
    assert [event.seq for event in page.events] == [2, 3]
    assert published[-1].texts == tuple(event.text for event in page.events)
    assert published[-1].badges == page.badges


def test_only_notices_are_listed_newest_first_before_a_seq(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, count=2)
    store.append(user, 2)
    noticed.add(store, user)
    with store.database.read() as connection:
        assert [one.seq for one in inbox.notices(connection, user, 10, 10)] == [5, 2, 1]
        assert [one.seq for one in inbox.notices(connection, user, 5, 1)] == [2]
        assert inbox.notice(connection, user, 3) is None
        assert inbox.notice(connection, user, 5) is not None


# -- marking


def test_badge_is_marked_as_seen_up_to_a_seq(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, "likes", count=3)
    noticed.add(store, user, "replies")
    assert mark(store, user, ["likes"], 2)["likes"] == 1
    assert noticed.badges(store, user) == {"likes": 1, "replies": 1}
    noticed.check(store, [user])


def test_seen_by_one_of_its_badges_is_seen_by_the_other(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, "notifications", "orders")
    noticed.add(store, user, "notifications", "bills")
    mark(store, user, ["orders"], 2)
    assert noticed.badges(store, user) == {"notifications": 1, "bills": 1}
    mark(store, user, ["notifications"], 3)
    assert noticed.badges(store, user) == {}
    noticed.check(store, [user])


def test_event_says_what_was_seen(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, "likes", count=4)
    mark(store, user, ["likes", "likes", "tasks"], 2)
    event = last_event(store, user)
    assert (event["seq"], event["kind"], event["data"]) == (5, "seen", {"badges": ["likes", "tasks"], "upto": 2})
    mark_some(store, user, 3, 3)
    assert last_event(store, user)["data"] == {"badges": [], "upto": 0, "seqs": [3]}
    mark_all(store, user, 6)
    assert last_event(store, user)["data"] == {"badges": ["likes"], "upto": 6}


def test_marking_all_leaves_unread_messages_and_what_came_later(store: Store) -> None:
    (user,) = store.add()
    store.append(user, badges={"messages": 1})
    noticed.add(store, user, "likes", "orders", 2)
    noticed.add(store, user, "replies")
    assert mark_all(store, user, 3) == {**dict.fromkeys(inbox.BADGES, 0), "messages": 1, "replies": 1, "orders": 0}
    noticed.check(store, [user])


def test_what_has_no_badge_can_be_marked_too(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user, None, count=2)
    mark_some(store, user, 1)
    mark_all(store, user, 3)
    with store.database.read() as connection:
        assert [one.seen for one in inbox.notices(connection, user, 10, 10)] == [True, True]
    assert store.head(user).seq == 4


def test_nothing_changes_where_nothing_is_to_be_marked(store: Store) -> None:
    (user,) = store.add()
    store.append(user)
    noticed.add(store, user)
    mark_all(store, user, 2)
    published: list[object] = []
    store.database.publish = published.extend
    before, count = store.head(user), store.count("events")
    mark(store, user, ["likes", "notifications"], 3)
    mark(store, user, [], 3)
    mark(store, user, ["likes"], 0)
    mark_some(store, user, 1, 2, 3)
    mark_some(store, user)
    mark_all(store, user, 3)
    assert (store.head(user), store.count("events"), published) == (before, count, [])


def test_marking_touches_nobody_else(store: Store) -> None:
    first, second = store.add(2)
    noticed.add(store, first), noticed.add(store, second)
    mark_all(store, first, 1)
    assert noticed.badges(store, second) == {"likes": 1}
    noticed.check(store, [first, second])


def test_what_nobody_has_been_given_cannot_be_marked(store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user)
    for action in (
        lambda: mark(store, user, ["likes"], 2),
        lambda: mark_some(store, user, 1, 2),
        lambda: mark_all(store, user, 2),
    ):
        with pytest.raises(Invalid):
            action()
    assert noticed.badges(store, user) == {"likes": 1}


@pytest.mark.parametrize("name", ["messages", "orders", "x' OR '1'='1", ""])
def test_badge_that_the_inbox_does_not_have_is_refused(name: str, store: Store) -> None:
    (user,) = store.add()
    noticed.add(store, user)
    with pytest.raises(Invalid):
        mark(store, user, ["likes", name], 1)
    assert noticed.badges(store, user) == {"likes": 1}


def test_bounds_of_what_is_marked_at_once_are_told(store: Store) -> None:
    (user,) = store.add()
    seq = noticed.add(store, user, count=MOST_SEQS + 1)
    with pytest.raises(Invalid):
        mark(store, user, ["likes"] * (MOST_NAMES + 1), seq)
    with pytest.raises(Invalid):
        mark_some(store, user, *range(1, MOST_SEQS + 2))
    assert mark_some(store, user, *range(1, MOST_SEQS + 1))["likes"] == 1
    noticed.check(store, [user])


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_what_is_seen_is_marked_in_transactions_of_any_size(
    most: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "MOST_MARKED", most)
    (user,) = store.add()
    for name in ("likes", "replies"):
        noticed.add(store, user, name, "orders", 3)
    told: list[int] = []
    store.database.publish = lambda news: told.extend(
        json.loads(text)["data"]["upto"] for one in news for text in one.texts
    )
    marked = inbox.mark_in_pieces(store.database, lambda tx, after: inbox.mark_seen(tx, user, ["replies"], 5, after))
    assert (marked.badges["replies"], marked.badges["likes"], marked.badges["orders"]) == (1, 3, 4)
    assert marked.seq == store.head(user).seq
    assert told == sorted(told) and told[-1] == 5
    marked = inbox.mark_in_pieces(store.database, lambda tx, after: inbox.mark_all_seen(tx, user, 6, after))
    assert noticed.badges(store, user) == {}
    assert told[-1] == 6
    noticed.check(store, [user])


def test_one_transaction_marks_so_many_at_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MOST_MARKED", 2)
    (user,) = store.add()
    noticed.add(store, user, "likes", count=5)
    with store.database.transaction() as transaction:
        marked = inbox.mark_all_seen(transaction, user, 5)
    assert (marked.badges["likes"], marked.seq, marked.upto, marked.is_last) == (3, 6, 2, False)
    assert last_event(store, user)["data"] == {"badges": ["likes"], "upto": 2}


def test_unseen_are_found_by_their_index_and_not_in_all_that_ever_happened(lite: Store) -> None:
    (user,) = lite.add()
    noticed.add(lite, user)
    said: list[str] = []
    with lite.database.transaction() as transaction:
        transaction.driver.set_trace_callback(said.append)
        inbox.mark_all_seen(transaction, user, 1)
        transaction.driver.set_trace_callback(None)
    with lite.database.read() as connection:
        for sql in [sql for sql in said if "seen = false" in sql]:
            plan = connection.driver.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
            assert "ix_events_unseen" in plan[0][3], plan
    assert len([sql for sql in said if "seen = false" in sql]) == 3


# -- badges of one's own


def test_badges_of_ones_own_end_at_a_number(store: Store) -> None:
    (user,) = store.add()
    for name in MANY:
        noticed.add(store, user, "likes", name)
    noticed.add(store, user, "likes", "one-more")
    noticed.add(store, user, "likes", MANY[0])
    badges = json.loads(store.head(user).badges)
    assert (badges["likes"], badges[MANY[0]]) == (MOST_OWN + 2, 2)
    assert "one-more" not in badges
    noticed.check(store, [user])


def test_badge_that_counts_nothing_makes_room_for_another(store: Store) -> None:
    (user,) = store.add()
    for name in MANY:
        noticed.add(store, user, "likes", name)
    mark(store, user, [MANY[3]], MOST_OWN)
    noticed.add(store, user, "likes", "one-more")
    badges = json.loads(store.head(user).badges)
    assert MANY[3] not in badges
    assert badges["one-more"] == 1
    noticed.check(store, [user])


@given(st.dictionaries(st.sampled_from(MANY), st.integers(0, 2)), st.sets(st.sampled_from([*MANY, "a", "b", "likes"])))
def test_room_is_made_for_what_is_about_to_be_counted(counts: dict[str, int], names: set[str]) -> None:
    names = set(sorted(names)[:2])
    badges = {**dict.fromkeys(inbox.BADGES, 0), **counts}
    counted = {name: count for name, count in badges.items() if count}
    if badge_module.make_room(badges, names):
        assert len({*badges, *names} - {*inbox.BADGES}) <= MOST_OWN
    else:
        assert len({*counted, *names} - {*inbox.BADGES}) > MOST_OWN
    assert {name: count for name, count in badges.items() if count} == counted
    assert set(inbox.BADGES) <= set(badges)


# -- properties

BADGE = st.sampled_from([None, "likes", "replies", "notifications"])
OWN = st.sampled_from([None, "notifications", "orders", "bills"])
ACTIONS = st.one_of(
    st.tuples(st.just("add"), st.lists(st.tuples(BADGE, OWN), min_size=1, max_size=4)),
    st.tuples(st.just("seen"), st.sets(st.sampled_from(["likes", "replies", "notifications", "orders", "bills"]))),
    st.tuples(st.just("some"), st.sets(st.integers(1, 12))),
    st.tuples(st.just("all"), st.none()),
    st.tuples(st.just("both"), st.none()),
)


def act(store: Store, user: int, upto: int, what: str, values: Any) -> None:
    with store.database.transaction() as transaction:
        if what == "add":
            inbox.lock(transaction, (user,))
            for kind_badge, own in values:
                inbox.append(transaction, user, "like", {}, notice=inbox.CountedBy(kind_badge, own))
        elif what == "seen":
            inbox.mark_seen(transaction, user, sorted(values), upto)
        elif what == "some":
            inbox.mark_some_seen(transaction, user, [seq for seq in values if seq <= upto])
        elif what == "all":
            inbox.mark_all_seen(transaction, user, upto)
        else:
            inbox.lock(transaction, (user,))
            inbox.append(transaction, user, "like", {}, notice=inbox.CountedBy("likes", "orders"))
            inbox.mark_all_seen(transaction, user, upto)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), ACTIONS, st.integers(0, 3)), max_size=25))
def test_badges_equal_a_fresh_count_whatever_was_done(
    shared: Store, actions: list[tuple[int, tuple[str, Any], int]]
) -> None:
    users = shared.add(3)
    with shared.database.transaction() as transaction:
        inbox.lock(transaction, users)
        for user in users:  # have the names known
            for own in ("orders", "bills"):
                inbox.append(transaction, user, "like", {}, notice=inbox.CountedBy(None, own))
    for who, (what, values), back in actions:
        before = shared.head(users[who])
        act(shared, users[who], max(0, before.seq - back), what, values)
        after = shared.head(users[who])
        assert (after.badges != before.badges) <= (after.seq > before.seq)
    noticed.check(shared, users)
