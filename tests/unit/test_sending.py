"""What is stored of a message, on both databases: its seq, its time, and who may be written to."""

from __future__ import annotations

import threading
import time

import pytest

from myapp import postgres
from myapp.auth import people
from myapp.auth.people import Person
from myapp.errors import NotFound
from myapp.messages import service

from .conftest import Store


def two(store: Store) -> tuple[Person, Person]:
    with store.database.transaction() as transaction:
        return people.create(transaction, "ann", None), people.create(transaction, "bob", None)


def send(store: Store, sender: Person, to: str, body: str = "hello", key: str | None = None) -> service.Sent:
    with store.database.transaction() as transaction:
        return service.send(transaction, sender, to, body, key)


def test_seq_of_a_message_is_its_events_whatever_the_transaction_did_before(store: Store) -> None:
    ann, bob = two(store)
    first = send(store, bob, "ann")
    with store.database.transaction() as transaction:
        service.mark_read(transaction, ann, "bob", first.message["id"])
        sent = [service.send(transaction, ann, "bob", body, body) for body in ("one", "two")]
    assert [one.seq for one in sent] == [3, 4]
    events = store.after(ann.id, 0).events
    for one in sent:
        assert f'"body":"{one.message["body"]}"' in events[one.seq - 1].text
        again = send(store, ann, "bob", one.message["body"], one.message["body"])
        assert (again.seq, again.is_new, again.message) == (one.seq, False, one.message)


def test_time_of_a_message_is_in_its_event_and_in_the_answer(store: Store) -> None:
    ann, _bob = two(store)
    before = time.time()
    sent = send(store, ann, "bob")
    (event,) = store.after(ann.id, 0).events
    assert f'"at":"{sent.message["at"]}"' in event.text
    with store.database.read() as connection:
        ((at,),) = connection.driver.execute("SELECT at FROM messages").fetchall()
    assert before - 0.001 <= at / 1000 <= time.time()


def test_times_never_go_back_within_a_conversation(store: Store) -> None:
    """While many wait for the same two inboxes, whoever has them stored first has the earlier time."""
    ann, bob = two(store)

    def write(sender: Person, to: str) -> None:
        for _ in range(40):
            send(store, sender, to)

    writers = [threading.Thread(target=write, args=both) for both in ((ann, "bob"), (bob, "ann")) * 2]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with store.database.read() as connection:
        times = [row[0] for row in connection.driver.execute("SELECT at FROM messages ORDER BY id").fetchall()]
    assert len(times) == 160
    assert times == sorted(times)


def test_who_registers_while_the_sender_waits_is_not_found_yet(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement that locks does not see them, those behind it do."""
    ann, _bob = two(store)
    monkeypatch.setattr(people, "fold", lambda name: "nobody")
    with store.database.transaction() as transaction:
        newcomer = people.Person(77, "newcomer", "newcomer")
        monkeypatch.setattr(people, "by_name", lambda connection, name: newcomer)
        with pytest.raises(NotFound):
            people.lock_with(transaction, ann.id, "newcomer")


def test_a_send_takes_two_round_trips(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may write to whom is found out on the way; SQLite is in the same process, and has no round trips."""
    if store.database.dialect == "sqlite":
        return
    ann, _bob = two(store)
    trips: list[int] = []
    execute_all = postgres.Session.execute_all
    monkeypatch.setattr(
        postgres.Session,
        "execute_all",
        lambda session, asked: trips.append(len(asked)) or execute_all(session, asked),
    )
    send(store, ann, "bob", key="k")
    assert trips == [2, 1]


def test_seq_of_a_message_in_the_receivers_inbox_is_kept(store: Store) -> None:
    ann, bob = two(store)
    send(store, bob, "ann")
    with store.database.transaction() as transaction:  # the receiver is told something before, which is not stored yet
        for text in ("one", "two"):
            service.send(transaction, ann, "bob", text)
            service.send(transaction, bob, "ann", text)
    with store.database.read() as connection:
        rows = connection.driver.execute("SELECT id, from_id, seq, to_seq FROM messages ORDER BY id").fetchall()
    for number, from_id, *seqs in rows:
        both = (ann.id, bob.id) if from_id == ann.id else (bob.id, ann.id)
        for user, seq in zip(both, seqs, strict=True):
            assert f'"data":{{"id":{number},' in store.after(user, seq - 1).events[0].text
