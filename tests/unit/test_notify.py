"""`notify` and `emit`: in the caller's transaction or one of their own, once for each key, and not to who has muted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from myapp import Kind, emit, notify, register
from myapp.db import Connection
from myapp.errors import Conflict, Invalid, NotFound, Text
from myapp.inbox.badges import MOST_OWN
from myapp.notifications import kinds, preferences, service
from myapp.notifications.content import Content
from myapp.notifications.service import APPLICATION, Source
from myapp.statements import Statement
from myapp.texts import KEY_LIFE

from ..support import make_app, shared_postgres
from . import noticed
from .conftest import Store

SHOP = Source(7, "shop")


@pytest.fixture
def store(emptied: Store) -> Store:
    return emptied


@pytest.fixture
def orders() -> Iterator[str]:
    """A kind of the application's own."""
    title = Text("Order %(number)s", number=0)
    yield register(Kind("order", Text("Orders"), lambda data: title, badge="orders")).name
    kinds.unregister("order")


def told(store: Store, user: int) -> list[str]:
    return [event["data"]["title"] for event in noticed.events(store, user)]


def listed(store: Store) -> list[tuple[int, int, str | None]]:
    """All notifications by number: user, seq, key."""
    with store.database.read() as connection:
        sql = "SELECT user_id, seq, key FROM notifications ORDER BY id"
        return [tuple(row) for row in connection.driver.execute(sql).fetchall()]


# -- what is stored


def test_notification_has_the_shape_of_the_contract(store: Store) -> None:
    (user,) = store.add()
    notify("User1", "Paid", body="In full", url="/orders/3", badge="orders", data={"order": 3})
    (event,) = noticed.events(store, user)
    assert event["kind"] == "notification"
    assert event["data"] == {
        "id": event["data"]["id"],
        "source": None,
        "title": "Paid",
        "body": "In full",
        "url": "/orders/3",
        "badge": "orders",
        "data": {"order": 3},
    }
    assert noticed.badges(store, user) == {"notifications": 1, "orders": 1}
    noticed.check(store, [user])


def test_event_of_a_kind_of_ones_own_is_counted_by_its_badge_and_another(store: Store, orders: str) -> None:
    (user,) = store.add()
    emit("user1", orders, {"number": 17}, badge="big-orders")
    (event,) = noticed.events(store, user)
    assert (event["kind"], event["data"]) == ("order", {"number": 17})
    assert noticed.badges(store, user) == {"orders": 1, "big-orders": 1}
    noticed.check(store, [user])


def test_what_cannot_be_told_is_refused_at_once(store: Store, orders: str) -> None:
    store.add()
    with pytest.raises(NotFound):
        notify("nobody", "Paid")
    with pytest.raises(Invalid):
        notify("user1", " ")
    with pytest.raises(Invalid):
        notify("user1", "Paid", key="")
    with pytest.raises(Invalid):
        emit("user1", orders, {}, badge="messages")
    for badge in ("orders", "likes"):
        with pytest.raises(Invalid, match="badge"):
            notify("user1", "Paid", badge=badge)
    for badge in ("notifications", "likes"):
        with pytest.raises(Invalid, match="badge"):
            emit("user1", orders, {}, badge=badge)
    with pytest.raises(Invalid):
        emit("user1", orders, {"x": "y" * service.MOST_EVENT})
    with pytest.raises(ValueError, match="register"):
        emit("user1", "unheard-of", {})
    assert store.count("events") == 0


class Somebody:
    """Of whom only the id is known."""

    def __init__(self, user: int) -> None:
        self.id = user


def test_who_is_named_by_an_id_is_looked_up_at_once(store: Store, orders: str) -> None:
    (user,) = store.add()
    notify(Somebody(user), "Paid")
    emit(Somebody(user), orders, {})
    with store.database.transaction():
        with pytest.raises(NotFound):
            notify(Somebody(user + 1), "Paid")
        with pytest.raises(NotFound):
            emit(Somebody(user + 1), orders, {})
    assert store.head(user).seq == 2


def nested(levels: int) -> Any:
    data: dict[str, Any] = {}
    for _ in range(levels - 1):
        data = {"in": data}
    return data


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"number": 1}],
        "text",
        7,
        None,
        {"x": object()},
        {"x": "\ud800"},
        {"x": "\x00"},
        nested(33),
        nested(100_000),
    ],
    ids=lambda data: type(data).__name__,
)
def test_data_that_is_no_object_of_json_is_refused(data: Any, store: Store, orders: str) -> None:
    store.add()
    with pytest.raises(Invalid, match="data"):
        emit("user1", orders, data)
    assert store.count("events") == 0


def test_badge_of_its_kind_counts_an_event_once(store: Store, orders: str) -> None:
    (user,) = store.add()
    emit("user1", orders, {}, badge="orders")
    assert noticed.badges(store, user) == {"orders": 1}


# -- whose transaction it is


def test_without_a_transaction_it_has_one_of_its_own(store: Store) -> None:
    (user,) = store.add()
    assert store.database.current is None
    notify("user1", "Paid")
    assert store.database.current is None
    assert told(store, user) == ["Paid"]


def test_it_comes_with_the_callers_transaction_or_not_at_all(store: Store, orders: str) -> None:
    users = store.add(2)
    published: list[Any] = []
    store.database.publish = published.extend
    with pytest.raises(ZeroDivisionError), store.database.transaction():
        notify("user1", "lost", key="a key")
        emit("user2", orders, {"number": 1})
        raise ZeroDivisionError
    assert (store.count("events"), listed(store), published) == (0, [], [])
    with store.database.transaction() as transaction:
        notify("user2", "first", key="a key")
        notify("user1", "second")
        emit("user2", orders, {"title": "third"})
        assert store.database.current is transaction
        assert published == []
    assert told(store, users[0]) == ["second"]
    assert told(store, users[1]) == ["first", "third"]
    assert sorted(item.user for item in published) == users
    assert listed(store) == [(users[1], 1, "a key"), (users[0], 1, None)]
    noticed.check(store, users)


def test_one_user_can_be_told_more_than_once_in_a_transaction(store: Store) -> None:
    (user,) = store.add()
    with store.database.transaction():
        for number in range(3):
            notify("user1", f"{number}")
    assert told(store, user) == ["0", "1", "2"]
    assert [seq for _user, seq, _key in listed(store)] == [1, 2, 3]
    noticed.check(store, [user])


def test_what_is_told_is_what_was_given_and_not_what_becomes_of_it(store: Store, orders: str) -> None:
    (user,) = store.add()
    data: dict[str, Any] = {"title": "first", "more": {"n": 1}}
    with store.database.transaction():
        emit("user1", orders, data)
        notify("user1", "with data", data=data)
        data["title"] = "second"
        data["more"]["n"] = 2
    first, second = noticed.events(store, user)
    assert first["data"] == {"title": "first", "more": {"n": 1}}
    assert second["data"]["data"] == {"title": "first", "more": {"n": 1}}


def test_failed_commit_leaves_nothing_of_the_callers_either(store: Store) -> None:
    first, second = store.add(2)
    noticed.tell(store, second, "before", key="a key")
    before = store.head(first), store.head(second), listed(store)
    with pytest.raises(Conflict), store.database.transaction() as transaction:
        transaction.driver.execute(f"UPDATE users SET display_name = 'changed' WHERE id = {first}")
        service.notify(transaction, first, Content("told"))
        service.notify(transaction, second, Content("another"), key="a key")
    assert (store.head(first), store.head(second), listed(store)) == before
    with store.database.read() as connection:
        assert connection.driver.execute("SELECT count(*) FROM users WHERE display_name = 'changed'").fetchone()[0] == 0


def test_user_who_has_no_room_for_another_badge_is_told_all_the_same(store: Store) -> None:
    first, second = store.add(2)
    for number in range(MOST_OWN):
        noticed.tell(store, second, "one", f"own-{number}")
    with store.database.transaction() as transaction:
        service.notify(transaction, first, Content("told"))
        service.notify(transaction, second, Content("told", badge="one-more"))
    badges = json.loads(store.head(second).badges)
    assert (store.head(first).seq, badges["notifications"]) == (1, MOST_OWN + 1)
    assert "one-more" not in badges
    noticed.check(store, [first, second])


# -- the transaction that one is in


def test_no_greenlet_or_thread_is_in_anothers_transaction(store: Store) -> None:
    found: list[object] = []

    def look() -> None:
        found.append(store.database.current)

    with store.database.transaction() as transaction:
        assert store.database.current is transaction
        gevent.spawn(look).join()
        gevent.get_hub().loop.run_callback(look)
        gevent.sleep(0)
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        gevent.get_hub().threadpool.apply(look)
        assert store.database.current is transaction
    assert found == [None] * 4
    assert store.database.current is None


def test_greenlets_that_take_turns_are_each_in_their_own_transaction(tmp_path: Path) -> None:
    """On PostgreSQL, where several transactions are open at once."""
    server = shared_postgres()
    url = server.new_database()
    app = make_app(tmp_path, url)
    store = Store(app.extensions["myapp"].database)
    users = store.add(4)

    def tell(user: int) -> None:
        for number in range(3):
            with store.database.transaction() as transaction:
                gevent.sleep(0)
                assert store.database.current is transaction
                with store.database.joined() as joined:
                    assert joined is transaction
                    service.notify(joined, user, Content(f"{number}"))
                gevent.sleep(0)
                assert store.database.current is transaction
            assert store.database.current is None

    gevent.joinall([gevent.spawn(tell, user) for user in users], raise_error=True)
    assert [told(store, user) for user in users] == [["0", "1", "2"]] * 4
    store.database.close()
    server.drop(url)


def test_after_a_transaction_that_failed_nobody_is_in_it(store: Store) -> None:
    (user,) = store.add()
    with pytest.raises(ZeroDivisionError), store.database.transaction():
        raise ZeroDivisionError
    assert store.database.current is None
    notify("user1", "Paid")
    assert told(store, user) == ["Paid"]


def test_publisher_is_not_in_the_transaction_whose_news_it_gets(store: Store) -> None:
    store.add()
    found: list[object] = []
    store.database.publish = lambda news: found.append(store.database.current)
    notify("user1", "Paid")
    assert found == [None]


# -- keys


def test_same_key_tells_the_same_user_once(store: Store) -> None:
    users = store.add(2)
    for _ in range(2):
        for user in users:
            noticed.tell(store, user, "Paid", key="a key")
    assert [told(store, user) for user in users] == [["Paid"], ["Paid"]]
    assert len(listed(store)) == 2


def test_same_key_twice_in_a_transaction_tells_once(store: Store) -> None:
    (user,) = store.add()
    with store.database.transaction():
        for title in ("Paid", "between", "Paid"):
            notify("user1", title, key=title)
    assert told(store, user) == ["Paid", "between"]
    noticed.check(store, [user])


def test_key_that_is_forgotten_while_it_is_looked_up_is_free(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (user,) = store.add()
    notify("user1", "Paid", key="a key")
    one = Connection.one

    def trimmed(connection: Connection, what: Statement, /, **values: Any) -> Any:
        if what is service._BY_KEY:
            connection.driver.execute("DELETE FROM notifications")
        return one(connection, what, **values)

    monkeypatch.setattr(Connection, "one", trimmed)
    notify("user1", "Paid", key="a key")
    assert told(store, user) == ["Paid", "Paid"]
    assert [key for _, _, key in listed(store)] == ["a key"]


def test_same_key_with_other_content_in_a_transaction_stores_nothing(store: Store) -> None:
    (user,) = store.add()
    with pytest.raises(Conflict), store.database.transaction():
        notify("user1", "Paid", key="a key")
        notify("user1", "Sent", key="a key")
    assert (store.head(user).seq, listed(store)) == (0, [])


@pytest.mark.parametrize(
    "other",
    [
        {"title": "other"},
        {"body": "other"},
        {"url": "/other"},
        {"badge": "other"},
        *({"data": {"n": value}} for value in (2, True, 1.0)),
    ],
    ids=lambda other: next(iter(other)),
)
def test_key_that_was_used_for_other_content_is_a_conflict(other: dict[str, Any], store: Store) -> None:
    (user,) = store.add()
    content = Content("Paid", "in full", "/orders", "orders", {"n": 1})
    with store.database.transaction() as transaction:
        service.notify(transaction, user, content, key="a key")
    before = store.head(user)
    with pytest.raises(Conflict), store.database.transaction() as transaction:
        service.notify(transaction, user, content._replace(**other), key="a key")
    assert store.head(user) == before


def test_sources_do_not_share_their_keys(store: Store) -> None:
    (user,) = store.add()
    for source in (APPLICATION, SHOP, Source(8, "bank"), SHOP):
        noticed.tell(store, user, f"{source.name}", source=source, key="a key")
    assert told(store, user) == ["None", "shop", "bank"]


def test_key_can_be_used_anew_when_its_life_is_over(store: Store) -> None:
    (user,) = store.add()
    noticed.tell(store, user, "Paid", key="a key")
    store.write(f"UPDATE notifications SET at = at - {KEY_LIFE} - 1")
    noticed.tell(store, user, "Paid again", key="a key")
    noticed.tell(store, user, "Paid again", key="a key")
    assert told(store, user) == ["Paid", "Paid again"]
    assert listed(store) == [(user, 1, None), (user, 2, "a key")]
    noticed.check(store, [user])


def test_key_of_a_notification_that_is_not_kept_any_more_tells_nothing_new(store: Store) -> None:
    (user,) = store.add()
    noticed.tell(store, user, "Paid", key="a key")
    store.write(f"DELETE FROM events WHERE user_id = {user}")
    noticed.tell(store, user, "who knows", key="a key")
    assert store.head(user).seq == 1


def test_many_threads_with_one_key_tell_once(store: Store) -> None:
    (user,) = store.add()
    errors: list[BaseException] = []

    def tell() -> None:
        try:
            noticed.tell(store, user, "Paid", key="a key")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=tell) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert told(store, user) == ["Paid"]


# -- muting


def mute(store: Store, user: int, what: str, is_muted: bool = True) -> None:
    with store.database.transaction() as transaction:
        preferences.mute(transaction, user, what, is_muted)


def test_kind_that_is_muted_is_not_told_until_it_is_wanted_again(store: Store, orders: str) -> None:
    user, other = store.add(2)
    mute(store, user, orders), mute(store, user, orders)
    for name in ("user1", "user2"):
        emit(name, orders, {"title": "muted"})
    notify("user1", "something else")
    mute(store, user, orders, False), mute(store, user, orders, False)
    emit("user1", orders, {"title": "wanted"})
    assert told(store, user) == ["something else", "wanted"]
    assert told(store, other) == ["muted"]
    noticed.check(store, [user, other])


def test_system_that_is_muted_is_not_heard_and_the_others_are(store: Store) -> None:
    (user,) = store.add()
    mute(store, user, preferences.of_system(SHOP.id))
    for source in (SHOP, Source(77, "bank"), APPLICATION):
        noticed.tell(store, user, f"{source.name}", source=source, key="a key")
    assert told(store, user) == ["bank", "None"]
    mute(store, user, preferences.of_system(SHOP.id), False)
    noticed.tell(store, user, "shop", source=SHOP, key="a key")
    assert told(store, user) == ["bank", "None", "shop"]


@pytest.mark.parametrize("change", [{"title": "Sent"}, {"data": {"n": 1.0}}])
def test_system_is_not_told_by_its_keys_who_has_muted_it(change: dict[str, Any], store: Store) -> None:
    users = store.add(2)
    mute(store, users[0], preferences.of_system(SHOP.id))
    content = Content("Paid", data={"n": 1})
    for user in users:
        for _ in range(2):
            with store.database.transaction() as transaction:
                service.notify(transaction, user, content, source=SHOP, key="a key")
        with pytest.raises(Conflict), store.database.transaction() as transaction:
            service.notify(transaction, user, content._replace(**change), source=SHOP, key="a key")
    assert [told(store, user) for user in users] == [[], ["Paid"]]


def test_all_that_is_muted_leaves_no_trace(store: Store) -> None:
    (user,) = store.add()
    published: list[Any] = []
    store.database.publish = published.extend
    mute(store, user, "notification")
    notify("user1", "muted", key="a key")
    assert (store.head(user).seq, listed(store), published) == (0, [], [])
