"""Telling everyone: each once, in batches of any size, whoever fails, overtakes or comes in between."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from myapp import inbox, pieces
from myapp.announcements import batches, service, telling
from myapp.announcements.batches import announce
from myapp.announcements.telling import Overtaken
from myapp.db import Connection, Transaction, now_ms
from myapp.errors import Conflict, Invalid, NotFound
from myapp.inbox import spreading
from myapp.inbox.badges import MOST_OWN
from myapp.notifications import preferences
from myapp.notifications.content import Content
from myapp.notifications.service import Source
from myapp.statements import Statement
from myapp.systems import service as systems
from myapp.texts import KEY_LIFE

from ..postgres import PostgresServer
from ..support import PATIENCE, sqlite_url, wait_for
from . import noticed
from .conftest import Store, open_store

NEWS = Content("News", "All of it", "/news")
SHOP = Source(7, "shop")
#: More than the statements of a batch.
STEPS = 8


@pytest.fixture
def store(emptied: Store) -> Store:
    return emptied


@pytest.fixture
def big(tmp_path: Path, postgres: PostgresServer) -> Iterator[Store]:
    """A PostgreSQL database."""
    url = postgres.new_database()
    yield from open_store(tmp_path, url)
    postgres.drop(url)


def create(store: Store, content: Content = NEWS, **options: Any) -> int:
    with store.database.transaction() as transaction:
        return service.create(transaction, content, **options)[0]


def advance(store: Store, number: int, most: int) -> bool:
    with store.database.transaction() as transaction:
        return telling.advance(transaction, number, most)


def finish(store: Store, number: int, most: int = 2) -> None:
    while not advance(store, number, most):
        pass


def told(store: Store, user: int) -> list[str]:
    return [event["data"]["title"] for event in noticed.events(store, user)]


def progress(store: Store, number: int) -> tuple[int, int, bool]:
    """Reached, of how many, and whether it is finished."""
    with store.database.read() as connection:
        found = service.by_number(connection, number)
    return found.reached, found.total, found.finished_at is not None


def mute(store: Store, user: int, what: str = "announcement") -> None:
    with store.database.transaction() as transaction:
        preferences.mute(transaction, user, what, True)


# -- everyone, once


@pytest.mark.parametrize("most", [1, 2, 3, 4, 7, 8, 100])
def test_everyone_is_told_once_in_batches_of_any_size(most: int, store: Store) -> None:
    users = store.add(7)
    store.append(users[2], 3)
    number = create(store)
    batches = 1
    while not advance(store, number, most):
        batches += 1
    assert advance(store, number, most)
    assert batches == -(-7 // most)
    assert [told(store, user)[-1:] for user in users if user != users[2]] == [["News"]] * 6
    assert [event["seq"] for event in noticed.events(store, users[2])] == [1, 2, 3, 4]
    assert [noticed.badges(store, user) for user in users] == [{"announcements": 1}] * 7
    assert progress(store, number) == (7, 7, True)
    noticed.check(store, users)


def test_event_has_the_shape_of_the_contract(store: Store) -> None:
    (user,) = store.add()
    number = create(store)
    finish(store, number)
    (event,) = noticed.events(store, user)
    assert event["kind"] == "announcement"
    assert event["data"] == {"id": number, "source": None, "title": "News", "body": "All of it", "url": "/news"}


def test_where_there_is_nobody_it_is_finished_at_once(store: Store) -> None:
    number = create(store)
    assert advance(store, number, 10)
    assert progress(store, number) == (0, 0, True)


def test_who_comes_while_everyone_is_told_is_not(store: Store) -> None:
    users = store.add(3)
    number = create(store)
    advance(store, number, 2)
    late = store.add(2)
    finish(store, number)
    assert [told(store, user) for user in (*users, *late)] == [["News"]] * 3 + [[]] * 2
    assert progress(store, number) == (3, 3, True)


@pytest.mark.parametrize("most", [1, 2, 100])
def test_who_has_muted_it_is_passed_over(most: int, store: Store) -> None:
    users = store.add(5)
    for user in (users[0], users[2], users[4]):
        mute(store, user)
    mute(store, users[1], "notification")
    number = create(store)
    finish(store, number, most)
    assert [told(store, user) for user in users] == [[], ["News"], [], ["News"], []]
    assert progress(store, number) == (2, 5, True)
    noticed.check(store, users)


def test_notification_for_everyone_is_one_of_its_system(store: Store) -> None:
    users = store.add(3)
    mute(store, users[0], preferences.of_system(SHOP.id))
    mute(store, users[1], "notification")
    content = Content("Sale", badge="sales", data={"off": 20})
    finish(store, create(store, content, kind="notification", source=SHOP))
    assert [told(store, user) for user in users] == [[], ["Sale"], ["Sale"]]
    (first,), (second,) = (noticed.events(store, user) for user in users[1:])
    assert (first["kind"], first["data"]) == (second["kind"], second["data"])
    assert first["data"]["data"] == {"off": 20}
    assert [noticed.badges(store, user) for user in users] == [{}] + [{"notifications": 1, "sales": 1}] * 2
    noticed.check(store, users)


def test_badges_that_were_counted_before_go_on(store: Store) -> None:
    users = store.add(3)
    noticed.tell(store, users[1], "before", "sales")
    noticed.add(store, users[1], "likes", "other-own")
    store.append(users[2], badges={"messages": 2})
    content = Content("Sale", badge="sales")
    for _ in range(2):
        finish(store, create(store, content, kind="notification"))
    assert noticed.badges(store, users[0]) == {"notifications": 2, "sales": 2}
    assert noticed.badges(store, users[1]) == {"notifications": 3, "sales": 3, "likes": 1, "other-own": 1}
    assert noticed.badges(store, users[2]) == {"notifications": 2, "sales": 2, "messages": 2}
    with store.database.transaction() as transaction:
        inbox.mark_seen(transaction, users[1], ["sales"], store.head(users[1]).seq)
    noticed.check(store, users)


def test_news_of_a_batch_is_what_is_stored(store: Store) -> None:
    published: list[Any] = []
    users = store.add(3)
    store.append(users[1], 2, badges={"messages": 1})
    mute(store, users[2])
    store.database.publish = published.extend
    finish(store, create(store), 10)
    (spread,) = published
    assert isinstance(spread, inbox.Spread)
    assert sorted((user, seq) for user, seq, _place in spread.rows) == [(users[0], 1), (users[1], 3)]
    for user, seq, place in spread.rows:
        page = store.after(user, seq - 1)
        assert f'{{"seq":{seq},{spread.rest}' == page.events[0].text
        assert json.loads(spread.badges[place]) == json.loads(page.badges)
        assert spread.epoch == page.epoch


def test_batch_in_which_all_have_muted_it_is_no_news(store: Store) -> None:
    published: list[Any] = []
    for user in store.add(2):
        mute(store, user)
    store.database.publish = published.extend
    finish(store, create(store), 1)
    assert published == []


def test_batches_of_what_is_large_are_smaller(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    users = store.add(5)
    number = create(store, Content("News", "x" * 1000))
    monkeypatch.setattr(spreading, "MOST_BYTES", 2500)
    assert not advance(store, number, 100)
    assert progress(store, number)[0] == 2
    monkeypatch.setattr(spreading, "MOST_BYTES", 1)
    assert not advance(store, number, 100)
    assert progress(store, number)[0] == 3
    finish(store, number, 100)
    assert [told(store, user) for user in users] == [["News"]] * 5


# -- badges of one's own


def test_badges_of_ones_own_end_at_a_number_for_what_everyone_is_told(store: Store) -> None:
    full, other, seen = store.add(3)
    for number in range(MOST_OWN):
        for user in (full, seen):
            noticed.add(store, user, "likes", f"own-{number}")
    with store.database.transaction() as transaction:
        inbox.mark_seen(transaction, seen, ["own-3", "own-5"], MOST_OWN)
    for badge in ("own-1", "one-more"):
        finish(store, create(store, Content("Sale", badge=badge), kind="notification"))
    assert noticed.badges(store, other) == {"notifications": 2, "own-1": 1, "one-more": 1}
    assert noticed.badges(store, full)["own-1"] == 2
    assert "one-more" not in json.loads(store.head(full).badges)
    assert noticed.badges(store, seen)["one-more"] == 1
    for user in (full, other, seen):
        assert noticed.badges(store, user)["notifications"] == 2
        assert len(json.loads(store.head(user).badges)) <= len(inbox.BADGES) + MOST_OWN
    noticed.check(store, [full, other, seen])


# -- failures


class Fails:
    """Has the n-th statement of this test fail, or something happen behind it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 0
        self.count = 0
        self.act: Callable[[], None] = self.fail
        execute = Connection.execute

        def counted(connection: Connection, what: Statement, values: Mapping[str, Any]) -> Any:
            found = execute(connection, what, values)
            self.count += 1
            if self.count == self.at:
                self.act()
            return found

        monkeypatch.setattr(Connection, "execute", counted)

    @staticmethod
    def fail() -> None:
        raise ZeroDivisionError

    def begin(self, at: int) -> None:
        self.at, self.count = at, 0


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Fails:
    return Fails(monkeypatch)


def test_it_goes_on_after_a_failure_at_any_step(store: Store, fails: Fails) -> None:
    users = store.add(5)
    mute(store, users[1])
    number = create(store)
    failed = 0
    for step in range(1, 100):
        fails.begin(step)
        try:
            finish(store, number)
            break
        except ZeroDivisionError:
            failed += 1
            fails.begin(0)
            noticed.check(store, users)
    fails.begin(0)
    assert failed > 6
    assert [told(store, user) for user in users] == [["News"], [], ["News"], ["News"], ["News"]]
    assert progress(store, number) == (4, 5, True)
    noticed.check(store, users)


def test_publisher_that_fails_is_not_the_announcements_failure(store: Store) -> None:
    users = store.add(3)
    number = create(store)
    store.database.publish = lambda news: Fails.fail()
    finish(store, number)
    assert [told(store, user) for user in users] == [["News"]] * 3


def test_nothing_is_left_of_an_announcement_that_was_rolled_back(store: Store) -> None:
    store.add()
    with pytest.raises(ZeroDivisionError), store.database.transaction() as transaction:
        service.create(transaction, NEWS, key="a key")
        raise ZeroDivisionError
    assert store.count("announcements") == 0


# -- what happens in the middle of a batch, where others write meanwhile


def test_who_mutes_it_in_the_middle_of_a_batch_is_told_or_not_and_has_no_hole(big: Store, fails: Fails) -> None:
    for step in range(1, STEPS):
        users = big.add(3)
        number = create(big)
        muting = threading.Thread(target=mute, args=(big, users[1]))

        def begin_to_mute(muting: threading.Thread = muting) -> None:
            """Done, or behind the batch that has the inbox."""
            muting.start()
            wait_for(lambda: not muting.is_alive() or noticed.is_waiting(big), "it is muted")

        fails.act = begin_to_mute
        fails.begin(step)
        finish(big, number, 1000)
        if muting.ident is not None:
            muting.join(PATIENCE)
        assert fails.count < STEPS
        assert told(big, users[0])[-1:] == ["News"]
        noticed.check(big, users)


def test_user_of_a_lower_id_who_comes_in_the_middle_of_a_batch_has_no_hole(big: Store, fails: Fails) -> None:
    for step in range(1, STEPS):
        users = big.add(4)
        for table in ("inboxes WHERE user_id", "users WHERE id"):
            big.write(f"DELETE FROM {table} = {users[1]}")
        number = create(big)
        fails.act = lambda user=users[1]: come(big, user)  # type: ignore[misc]
        fails.begin(step)
        finish(big, number, 1000)
        assert fails.count < STEPS
        assert len(told(big, users[0])) == 1
        noticed.check(big, users)


def come(store: Store, user: int) -> None:
    """Somebody registers whose id was given out before."""
    values = f"({user}, 'late{user}', 'late', 'late', false, 0)"
    with store.database.transaction() as transaction:
        transaction.driver.execute(
            f"INSERT INTO users (id, name, display_name, search_name, is_admin, created_at) VALUES {values}"
        )
        inbox.create(transaction, user)


def test_of_two_at_once_one_is_overtaken_and_stores_nothing(big: Store) -> None:
    users = big.add(5)
    number = create(big)
    advance(big, number, 1)
    overtaken: list[bool] = []

    def run() -> None:
        try:
            advance(big, number, 3)
        except Overtaken:
            overtaken.append(True)

    with big.database.transaction() as transaction:
        telling.advance(transaction, number, 2)
        thread = threading.Thread(target=run)
        thread.start()
        while not noticed.is_waiting(big):
            assert thread.is_alive()
    thread.join()
    assert overtaken == [True]
    assert progress(big, number) == (3, 5, False)
    noticed.check(big, users)
    finish(big, number)
    assert [told(big, user) for user in users] == [["News"]] * 5


def test_many_who_go_on_with_it_at_once_tell_everyone_once(big: Store) -> None:
    users = big.add(300)
    number = create(big)
    errors: list[BaseException] = []

    def run(most: int) -> None:
        while True:
            try:
                if advance(big, number, most):
                    return
            except Overtaken:
                continue
            except BaseException as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=run, args=(most,)) for most in (3, 7, 20)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):  # somebody else writes to the same people
        for user in users[::50]:
            big.append(user)
    for thread in threads:
        thread.join()
    assert errors == []
    assert progress(big, number) == (300, 300, True)
    assert {noticed.badges(big, user)["announcements"] for user in users[::7]} == {1}
    noticed.check(big, users)


# -- who is at it


def test_it_is_claimed_by_one_until_that_one_is_late_or_lets_it_go(store: Store) -> None:
    store.add(2)
    number = create(store)

    def claim() -> bool:
        with store.database.transaction() as transaction:
            return telling.claim(transaction, number)

    def unfinished() -> list[int]:
        with store.database.read() as connection:
            return telling.unfinished(connection)

    assert unfinished() == [number]
    assert [claim(), claim()] == [True, False]
    assert unfinished() == []
    store.write(f"UPDATE announcements SET claimed_until = claimed_until - {telling.CLAIM} - 1")
    assert unfinished() == [number]
    assert claim()
    with store.database.transaction() as transaction:
        telling.release(transaction, number)
    assert [unfinished(), claim(), claim()] == [[number], True, False]
    advance(store, number, 1)
    assert not claim()
    finish(store, number)
    store.write("UPDATE announcements SET claimed_until = 0")
    assert (unfinished(), claim()) == ([], False)


def test_who_stops_lets_it_go_behind_a_batch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    users = store.add(5)
    number = create(store)
    with store.database.transaction() as transaction:
        telling.claim(transaction, number)
    monkeypatch.setattr("myapp.announcements.batches.FIRST", 2)
    announce(store.database, number, iter([False, True]).__next__)
    assert progress(store, number) == (2, 5, False)
    with store.database.read() as connection:
        assert telling.unfinished(connection) == [number]
    announce(store.database, number)
    assert [told(store, user) for user in users] == [["News"]] * 5


def test_claim_of_a_clock_that_was_put_back_does_not_count(store: Store) -> None:
    number = create(store)
    store.write(f"UPDATE announcements SET claimed_until = {now_ms() + 3_600_000}")
    with store.database.transaction() as transaction:
        assert telling.unfinished(transaction) == [number]
        assert telling.claim(transaction, number)


def test_nobody_waits_behind_all_that_one_system_announces(store: Store) -> None:
    spam = [create(store, source=SHOP) for _ in range(3)]
    bank = [create(store, source=Source(8, "bank")) for _ in range(2)]
    own = create(store)
    with store.database.read() as connection:
        assert telling.unfinished(connection) == [own, spam[0], bank[0], spam[1], bank[1], spam[2]]


def test_what_a_suspended_system_announces_waits_until_it_is_let_in_again(store: Store) -> None:
    users = store.add(3)
    with store.database.transaction() as transaction:
        shop = systems.create(transaction, f"shop-{users[0]}")
        number, _ = service.create(transaction, NEWS, source=Source(shop.id, shop.name))
    advance(store, number, 1)
    with store.database.transaction() as transaction:
        systems.suspend(transaction, shop, True)
    assert advance(store, number, 1)
    assert progress(store, number) == (1, 3, False)
    with store.database.transaction() as transaction:
        store_claims = (telling.unfinished(transaction), telling.claim(transaction, number))
        systems.suspend(transaction, shop, False)
    assert store_claims == ([], False)
    finish(store, number)
    assert progress(store, number) == (3, 3, True)
    noticed.check(store, users)


def test_user_who_was_deleted_by_hand_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    for store in open_store(tmp_path, url):
        users = store.add(3)
        with sqlite3.connect(url.removeprefix("sqlite:///")) as by_hand:  # which does not look at foreign keys
            by_hand.execute(f"DELETE FROM users WHERE id = {users[1]}")
        by_hand.close()
        number = create(store)
        finish(store, number)
        assert progress(store, number) == (2, 3, True)
        noticed.check(store, users)


def test_who_is_overtaken_leaves_it_to_the_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(5)
    number = create(store)
    with store.database.transaction() as transaction:
        telling.claim(transaction, number)

    def overtaken(*anything: object) -> bool:
        raise Overtaken

    with monkeypatch.context() as patched:
        patched.setattr(telling, "advance", overtaken)
        announce(store.database, number)
    with store.database.read() as connection:
        assert telling.unfinished(connection) == []


def test_batches_are_as_long_as_they_should_take(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 0.0}
    asked: list[int] = []
    cost = {"a user": 0.0001}

    def advance(transaction: Transaction, number: int, most: int) -> bool:
        asked.append(most)
        clock["now"] += most * cost["a user"]
        if len(asked) == 10:
            cost["a user"] = 0.1
        return len(asked) == 20

    slept: list[float] = []
    monkeypatch.setattr(telling, "advance", advance)
    monkeypatch.setattr(pieces.time, "perf_counter", lambda: clock["now"])
    monkeypatch.setattr(pieces.time, "sleep", slept.append)
    announce(store.database, 1)
    assert asked[:3] == [batches.FIRST, 100, 100]
    assert asked[-1] == batches.LEAST
    assert all(batches.LEAST <= most <= batches.MOST for most in asked)
    assert all(0 < seconds <= 0.1 for seconds in slept)


# -- keys


@pytest.mark.parametrize("kind", ["announcement", "notification"])
def test_same_key_is_the_same_announcement(kind: str, store: Store) -> None:
    (user,) = store.add()
    content = NEWS if kind == "announcement" else NEWS._replace(badge="news", data={"n": 1})
    options = {"kind": kind, "source": SHOP, "key": "a key"}
    numbers = [create(store, content, **options) for _ in range(2)]
    finish(store, numbers[0])
    numbers.append(create(store, content, **options))
    assert len(set(numbers)) == 1
    assert told(store, user) == ["News"]
    assert (store.count("announcements"), store.count("notifications")) == (1, int(kind == "notification"))


@pytest.mark.parametrize(
    "other",
    [
        *({"title": "other"}, {"body": "other"}, {"url": "/other"}, {"badge": "other"}),
        *({"data": {"n": value}} for value in (2, True, 1.0)),
    ],
    ids=lambda other: next(iter(other)),
)
def test_key_that_was_used_for_other_content_is_a_conflict(other: dict[str, Any], store: Store) -> None:
    content = NEWS._replace(badge="news", data={"n": 1})
    create(store, content, kind="notification", key="a key")
    with pytest.raises(Conflict):
        create(store, content._replace(**other), kind="notification", key="a key")
    with pytest.raises(Conflict):
        create(store, NEWS, key="a key")
    assert store.count("announcements") == 1


def test_sources_do_not_share_their_keys(store: Store) -> None:
    assert len({create(store, NEWS, source=source, key="a key") for source in (SHOP, Source(8, "bank"))}) == 2


def test_key_can_be_used_anew_when_its_life_is_over(store: Store) -> None:
    first = create(store, NEWS, key="a key")
    store.write(f"UPDATE announcements SET at = at - {KEY_LIFE} - 1")
    second = create(store, Content("Other"), key="a key")
    assert first != second
    assert create(store, Content("Other"), key="a key") == second


def test_key_whose_life_is_over_is_used_anew_once_by_many_at_once(store: Store) -> None:
    create(store, NEWS, key="a key")
    for _ in range(5):
        store.write(f"UPDATE announcements SET at = at - {KEY_LIFE} - 1")
        together = threading.Barrier(6)

        def again(number: int, together: threading.Barrier = together) -> int:
            together.wait()
            return create(store, NEWS, key="a key")

        with ThreadPoolExecutor(6) as pool:
            assert len(set(pool.map(again, range(6)))) == 1


def test_key_that_cannot_be_one_is_refused(store: Store) -> None:
    with pytest.raises(Invalid):
        create(store, NEWS, key="")


# -- reading


def test_announcements_are_listed_newest_first_without_what_systems_told_everyone(store: Store) -> None:
    first, second = create(store), create(store, Content("Second"))
    third = create(store, Content("Sale"), kind="notification")
    with store.database.read() as connection:
        assert [one.id for one in service.listed(connection, 2**53, 10)] == [second, first]
        assert [one.id for one in service.listed(connection, third + 1, 2, notifications_too=True)] == [third, second]
        assert [one.id for one in service.listed(connection, second, 10)] == [first]
        assert service.by_number(connection, first).progress()["state"] == "running"
        with pytest.raises(NotFound):
            service.by_number(connection, third + 1)
