"""Topics that stand in the database, as create_app ties them to polls, to the bus and to what is committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

import myapp
from myapp.changed import Changed
from myapp.db import Connection
from myapp.live.bus import TopicNews
from myapp.live.topics import Watch

from .conftest import Program, Site


class Facts:
    """Topics `fact:<name>` that everybody may watch, but for secrets."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[int, str]] = {}

    def resolve(self, connection: Connection, user: int, topics: Sequence[str]) -> list[Watch]:
        return [Watch(topic, topic) for topic in topics if topic.startswith("fact:") and topic != "fact:secret"]

    def read(self, connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    def change(self, name: str, number: int) -> int:
        self.stored[f"fact:{name}"] = time.time_ns() // 1_000_000, f'{{"n":{number}}}'
        return self.stored[f"fact:{name}"][0]


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> Facts:
    facts = Facts()
    monkeypatch.setattr(myapp, "RESOLVE", [*myapp.RESOLVE, facts.resolve])
    monkeypatch.setitem(myapp.READ_STORED, "fact", facts.read)
    return facts


def ask(program: Program, query: str, path: str = "/messages/poll") -> Any:
    answer = program.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_poll_has_what_is_stored_beside_what_is_not(both_sites: Site, facts: Facts) -> None:
    (alice,) = both_sites.programs("alice")
    version = facts.change("a", 1)
    page = ask(alice, "watch=fact:a,presence:alice,fact:none,fact:secret")
    assert page["snapshots"]["fact:a"] == {"version": version, "data": {"n": 1}}
    assert set(page["snapshots"]) == {"fact:a", "presence:alice"}
    assert "fact:secret" in page["errors"]["watch"]
    assert "fact:none" not in page["errors"]["watch"]
    version = facts.change("a", 2)
    assert ask(alice, "watch=fact:a")["snapshots"] == {"fact:a": {"version": version, "data": {"n": 2}}}


def test_a_long_poll_that_cannot_be_parked_is_answered_by_a_change(site: Site, facts: Facts) -> None:
    (alice,) = site.programs("alice")
    version = facts.change("a", 1)
    timer = threading.Timer(0.3, facts.change, ("a", 2))
    timer.start()
    began = time.monotonic()
    page = ask(alice, f"seq=0&timeout=20&watch=fact:a&have={version}", "/messages/long-poll")
    timer.join()
    assert page["snapshots"]["fact:a"]["data"] == {"n": 2}
    assert time.monotonic() - began < 10


def test_versions_are_given_for_each_topic_in_the_order_of_watch(site: Site, facts: Facts) -> None:
    (alice,) = site.programs("alice")
    now = time.time_ns() // 1_000_000
    a, b = now - 30_000, now - 20_000
    facts.stored.update({"fact:a": (a, '{"n":1}'), "fact:b": (b, '{"n":1}')})
    watch = "seq=0&watch=fact:b,fact:secret,fact:a"
    began = time.monotonic()
    ask(alice, f"{watch}&timeout=0.3&have={b},0,{a}", "/messages/long-poll")
    assert time.monotonic() - began >= 0.3
    for have in ((b - 1, 5, a), (b, 5, a - 1), (b, 5, 0), (0, 0, 0)):
        began = time.monotonic()
        page = ask(alice, f"{watch}&timeout=20&have={','.join(map(str, have))}", "/messages/long-poll")
        assert time.monotonic() - began < 10, have
        assert set(page["snapshots"]) == {"fact:a", "fact:b"}


def test_what_a_transaction_says_of_a_topic_is_put_on_the_bus_after_the_commit(
    site: Site, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = site.app.extensions["myapp"]
    put: list[TopicNews] = []
    monkeypatch.setattr(parts.dispatcher._bus, "put", put.append)
    news, told = Changed("fact:a", 5, "{}"), TopicNews("fact:a", 5, "{}")
    with parts.database.transaction() as transaction:
        transaction.news.append(news)
        assert put == []
    assert put == [told]
    with pytest.raises(ZeroDivisionError), parts.database.transaction() as transaction:
        transaction.news.append(news)
        raise ZeroDivisionError
    assert put == [told]


@pytest.mark.parametrize("path", ["/messages/poll", "/messages/long-poll"])
def test_an_answer_that_says_reset_has_nothing_of_the_database_before(path: str, site: Site, facts: Facts) -> None:
    (alice,) = site.programs("alice")
    version = facts.change("a", 5)
    epoch = ask(alice, "")["epoch"]
    topics = site.app.extensions["myapp"].dispatcher.topics
    watches = [Watch("fact:a", "fact:a")]
    topics.hold(watches)  # somebody watches it in this worker
    facts.stored["fact:a"] = version - 1000, '{"n":2}'
    site.app.test_cli_runner().invoke(args=["inbox", "new-epoch"])
    page = ask(alice, f"epoch={epoch}&watch=fact:a", path)
    topics.release(watches)
    assert page["reset"]
    assert page["snapshots"] == {"fact:a": {"version": version - 1000, "data": {"n": 2}}}
