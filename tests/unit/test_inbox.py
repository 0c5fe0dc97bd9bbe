"""Appending to inboxes and reading what follows a cursor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myapp import inbox
from myapp.db import now_ms
from myapp.inbox.events import PAGE_BYTES

from .conftest import Store, open_store


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for the many small examples of the properties; each makes users of its own."""
    yield from open_store(Path(tmp_path_factory.mktemp("inboxes")))


def follow(store: Store, user: int, cursor: int, limits: Iterator[int]) -> list[int]:
    """Every seq that a client is given who starts at `cursor` and asks until nothing is left."""
    seqs: list[int] = []
    while True:
        page = store.after(user, cursor, limit=next(limits))
        assert not page.reset
        assert page.seq == (page.events[-1].seq if page.events else cursor)
        if not page.events:
            assert cursor == page.latest
            return seqs
        seqs.extend(event.seq for event in page.events)
        cursor = page.seq


def cycle(values: list[int]) -> Iterator[int]:
    while True:
        yield from values


# -- one event


def test_first_event_of_an_inbox_is_number_one(store: Store) -> None:
    (user,) = store.add()
    store.append(user)
    assert [event.seq for event in store.after(user, 0).events] == [1]


def test_event_has_the_shape_of_the_contract(store: Store) -> None:
    (user,) = store.add()
    before = now_ms()
    store.append(user, data={"body": 'a "quoted" žluť 🐎 \n', "n": 3, "none": None})
    (event,) = store.after(user, 0).events
    parsed = json.loads(event.text)
    assert list(parsed) == ["seq", "kind", "at", "data"]
    assert parsed["seq"] == 1
    assert parsed["kind"] == "note"
    assert parsed["data"] == {"body": 'a "quoted" žluť 🐎 \n', "n": 3, "none": None}
    assert before <= int(datetime.fromisoformat(parsed["at"]).timestamp() * 1000) <= now_ms()


def test_published_text_is_the_text_that_is_read_later(store: Store) -> None:
    published: list[inbox.Appended] = []
    store.database.publish = published.extend
    (user,) = store.add()
    store.append(user, 3, data={"body": "žluť"}, badges={"messages": 1})
    page = store.after(user, 0)
    assert published == [
        inbox.Appended(user, 1, 3, tuple(event.text for event in page.events), page.badges, page.epoch),
    ]


def test_new_inbox_is_empty_with_every_badge_at_zero(store: Store) -> None:
    (user,) = store.add()
    page = store.after(user, 0)
    assert (page.events, page.seq, page.latest, page.reset) == ([], 0, 0, False)
    assert json.loads(page.badges) == dict.fromkeys(inbox.BADGES, 0)


def test_events_of_one_transaction_in_two_inboxes_are_counted_apart(store: Store) -> None:
    first, second = store.add(2)
    store.append(first, 2)
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (second, first))
        assert inbox.append(transaction, first, "note", {}) == 3
        assert inbox.append(transaction, second, "note", {}) == 1
        assert inbox.seq_of(transaction, first) == 3
    assert (store.head(first).seq, store.head(second).seq) == (3, 1)


def test_time_can_be_given(store: Store) -> None:
    (user,) = store.add()
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        inbox.append(transaction, user, "note", {}, at=1_795_165_200_123)
    assert '"at":"2026-11-20T09:00:00.123Z"' in store.after(user, 0).events[0].text


def test_heads_of_many_inboxes_are_read_in_one_query(store: Store) -> None:
    users = store.add(3)
    store.append(users[1], 4)
    with store.database.read() as connection:
        assert inbox.heads(connection, users) == {users[0]: 0, users[1]: 4, users[2]: 0}
        assert inbox.heads(connection, [*users, 10**9]) == {users[0]: 0, users[1]: 4, users[2]: 0}
        assert inbox.heads(connection, []) == {}


def test_inbox_of_nobody_is_a_lookup_error(store: Store) -> None:
    with pytest.raises(LookupError):
        store.head(10**9)


# -- locks


def test_append_without_lock_is_refused(store: Store) -> None:
    first, second = store.add(2)
    with pytest.raises(KeyError), store.database.transaction() as transaction:
        inbox.append(transaction, first, "note", {})
    with pytest.raises(KeyError), store.database.transaction() as transaction:
        inbox.lock(transaction, (first,))
        inbox.append(transaction, second, "note", {})
    assert store.count("events") == 0


def test_second_lock_with_another_inbox_is_refused(store: Store) -> None:
    first, second = store.add(2)
    with pytest.raises(RuntimeError, match="one call"), store.database.transaction() as transaction:
        inbox.lock(transaction, (first,))
        inbox.lock(transaction, (first, second))


def test_inboxes_that_are_held_may_be_locked_again(store: Store) -> None:
    first, second = store.add(2)
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (second, first, second))
        inbox.lock(transaction, (first,))
        inbox.append(transaction, first, "note", {})
    assert store.head(first).seq == 1


@pytest.mark.parametrize("others", [0, 1, 2])
def test_lock_of_an_inbox_that_is_not_there_is_a_lookup_error(others: int, store: Store) -> None:
    with pytest.raises(LookupError), store.database.transaction() as transaction:
        inbox.lock(transaction, [*store_users(store, others), 10**9])


def store_users(store: Store, count: int) -> list[int]:
    """Users made outside of the transaction at hand: SQLite has one writer."""
    with store.database.read() as connection:
        return [row[0] for row in connection.driver.execute("SELECT id FROM users ORDER BY id").fetchall()][:count]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_any_number_of_inboxes_can_be_locked_together(count: int, store: Store) -> None:
    users = store.add(count)
    with store.database.transaction() as transaction:
        inbox.lock(transaction, reversed(users))
        for user in users:
            inbox.append(transaction, user, "note", {})
    assert [store.head(user).seq for user in users] == [1] * count


# -- all or nothing


def test_rollback_stores_nothing_and_publishes_nothing(store: Store) -> None:
    published: list[object] = []
    store.database.publish = published.extend
    (user,) = store.add()
    store.append(user, badges={"messages": 1})
    published.clear()
    before = store.head(user)
    with pytest.raises(ZeroDivisionError), store.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        inbox.append(transaction, user, "note", {}, badges={"messages": 1})
        raise ZeroDivisionError
    assert published == []
    assert store.head(user) == before
    assert store.count("events") == 1


def test_number_of_a_rolled_back_event_is_given_to_the_next(store: Store) -> None:
    (user,) = store.add()
    with pytest.raises(ZeroDivisionError), store.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        inbox.append(transaction, user, "note", {"lost": True})
        raise ZeroDivisionError
    store.append(user, data={"lost": False})
    (event,) = store.after(user, 0).events
    assert event.seq == 1
    assert '"lost":false' in event.text


def test_event_is_stored_when_it_is_published(store: Store) -> None:
    (user,) = store.add()
    seen: list[int] = []
    store.database.publish = lambda news: seen.extend(event.seq for event in store.after(user, 0).events)
    store.append(user, 2)
    assert seen == [1, 2]


def test_locked_inbox_without_events_is_not_published(store: Store) -> None:
    first, second = store.add(2)
    published: list[inbox.Appended] = []
    store.database.publish = published.extend
    with store.database.transaction() as transaction:
        inbox.lock(transaction, (first, second))
        inbox.append(transaction, second, "note", {})
    assert [item.user for item in published] == [second]


# -- pages


def test_page_ends_at_a_hundred_events(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 101)
    page = store.after(user, 0)
    assert (len(page.events), page.seq, page.latest) == (100, 100, 101)


def test_page_ends_at_sixty_four_kilobytes(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 20, data={"body": "x" * 10_000})
    page = store.after(user, 0)
    size = sum(len(event.text.encode()) for event in page.events)
    assert len(page.events) == 6
    assert size <= PAGE_BYTES < size + 10_000


def test_bytes_are_counted_and_not_characters(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 20, data={"body": "🐎" * 2500})
    page = store.after(user, 0)
    assert sum(len(event.text.encode()) for event in page.events) <= PAGE_BYTES


def test_event_larger_than_a_page_comes_alone(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 2, data={"body": "x" * (PAGE_BYTES + 1)})
    assert [event.seq for event in store.after(user, 0).events] == [1]
    assert [event.seq for event in store.after(user, 1).events] == [2]


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_page_has_at_most_as_many_events_as_asked_for(limit: int, store: Store) -> None:
    (user,) = store.add()
    store.append(user, 600)
    assert len(store.after(user, 0, limit=limit).events) == limit


def test_inboxes_do_not_mix(store: Store) -> None:
    first, second = store.add(2)
    store.append(first, 3, data={"whose": "first"})
    store.append(second, 2, data={"whose": "second"})
    assert all('"whose":"first"' in event.text for event in store.after(first, 0).events)
    assert len(store.after(second, 0).events) == 2


# -- reset


def test_cursor_of_another_epoch_is_reset(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 3)
    page = store.after(user, 2, epoch="other")
    assert (page.reset, page.events, page.seq, page.latest) == (True, [], 3, 3)


def test_cursor_beyond_the_latest_is_reset(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 3)
    assert store.after(user, 4).reset
    assert store.after(user, 4).seq == 3
    assert not store.after(user, 3).reset


def test_cursor_older_than_what_is_kept_is_reset(store: Store) -> None:
    (user,) = store.add()
    store.append(user, 5)
    store.write(f"DELETE FROM events WHERE user_id = {user} AND seq <= 2")
    store.write(f"UPDATE inboxes SET trimmed = 2 WHERE user_id = {user}")
    assert store.after(user, 1).reset
    assert store.after(user, 0).reset
    page = store.after(user, 2)
    assert not page.reset
    assert [event.seq for event in page.events] == [3, 4, 5]


def test_epoch_that_is_right_or_not_said_is_no_reason_to_reset(store: Store) -> None:
    (user,) = store.add()
    epoch = store.head(user).epoch
    assert not store.after(user, 0, epoch=epoch).reset
    assert not store.after(user, 0, epoch="").reset


def test_new_epoch_resets_every_cursor_once(store: Store) -> None:
    users = store.add(2)
    old = store.head(users[0]).epoch
    with store.database.transaction() as transaction:
        new = inbox.new_epoch(transaction)
    assert new != old
    for user in users:
        page = store.after(user, 0, epoch=old)
        assert (page.reset, page.epoch) == (True, new)
        assert not store.after(user, page.seq, epoch=page.epoch).reset


# -- properties

APPENDS = st.lists(
    # transactions, each with events for some of three inboxes: (inbox, size of its data, change of a badge)
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0, 10, 500, 30_000, 70_000]), st.integers(-2, 3)),
        min_size=1,
        max_size=6,
    ),
    max_size=15,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(appends=APPENDS, limits=st.lists(st.integers(1, 120), min_size=1, max_size=4), data=st.data())
def test_every_cursor_is_given_what_follows_exactly_once_in_order(
    shared: Store, appends: list[list[tuple[int, int, int]]], limits: list[int], data: st.DataObject
) -> None:
    users = shared.add(3)
    sums = [0, 0, 0]
    counts = [0, 0, 0]
    cursors = [0, 0, 0]
    followed: list[list[int]] = [[], [], []]
    for events in appends:
        with shared.database.transaction() as transaction:
            inbox.lock(transaction, {users[who] for who, _size, _change in events})
            for who, size, change in events:
                seq = inbox.append(transaction, users[who], "note", {"x": "y" * size}, badges={"messages": change})
                counts[who] += 1
                sums[who] += change
                assert seq == counts[who]
        # somebody follows all the while, page by page, and is not always there
        who = data.draw(st.integers(0, 2))
        page = shared.after(users[who], cursors[who], limit=limits[0])
        followed[who].extend(event.seq for event in page.events)
        cursors[who] = page.seq
    for who, user in enumerate(users):
        followed[who].extend(follow(shared, user, cursors[who], cycle(limits)))
        assert followed[who] == list(range(1, counts[who] + 1))
        start = data.draw(st.integers(0, counts[who]))
        assert follow(shared, user, start, cycle(limits)) == list(range(start + 1, counts[who] + 1))
        assert json.loads(shared.head(user).badges)["messages"] == sums[who]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 40_000), max_size=130), limit=st.integers(1, 150))
def test_page_is_as_long_as_its_bounds_allow_and_never_longer(shared: Store, sizes: list[int], limit: int) -> None:
    (user,) = shared.add()
    with shared.database.transaction() as transaction:
        inbox.lock(transaction, (user,))
        for size in sizes:
            inbox.append(transaction, user, "note", {"x": "y" * size})
    page = shared.after(user, 0, limit=limit)
    lengths = [len(event.text.encode()) for event in page.events]
    assert len(lengths) <= limit
    assert sum(lengths) <= PAGE_BYTES or len(lengths) == 1
    if len(lengths) < min(limit, len(sizes)):
        (following,) = shared.after(user, page.seq, limit=1).events
        assert sum(lengths) + len(following.text.encode()) > PAGE_BYTES


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.sampled_from([*inbox.BADGES, "own-name"]), st.integers(-5, 5), st.booleans())),
)
def test_badges_are_the_sums_of_what_was_committed(shared: Store, changes: list[tuple[str, int, bool]]) -> None:
    (user,) = shared.add()
    expected = dict.fromkeys(inbox.BADGES, 0)
    for name, change, is_kept in changes:
        try:
            with shared.database.transaction() as transaction:
                inbox.lock(transaction, (user,))
                inbox.append(transaction, user, "note", {}, badges={name: change})
                if not is_kept:
                    raise InterruptedError
        except InterruptedError:
            continue
        expected[name] = expected.get(name, 0) + change
    assert json.loads(shared.head(user).badges) == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 12), trimmed=st.integers(0, 12), cursor=st.integers(0, 15), epoch=st.sampled_from("-+!"))
def test_reset_is_told_exactly_when_the_cursor_means_nothing(
    shared: Store, count: int, trimmed: int, cursor: int, epoch: str
) -> None:
    trimmed = min(trimmed, count)
    (user,) = shared.add()
    if count:
        shared.append(user, count)
    shared.write(f"UPDATE inboxes SET trimmed = {trimmed} WHERE user_id = {user}")
    said = {"-": "", "+": shared.head(user).epoch, "!": "other"}[epoch]
    page = shared.after(user, cursor, epoch=said)
    assert page.reset == (epoch == "!" or cursor > count or cursor < trimmed)
    if page.reset:
        assert (page.events, page.seq) == ([], count)
    else:
        assert [event.seq for event in page.events] == list(range(cursor + 1, count + 1))
