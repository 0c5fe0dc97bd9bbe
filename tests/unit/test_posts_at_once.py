"""Many people do with the same posts what they like at the same time: no deadlock, nothing lost, nothing drifts."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from myapp import inbox
from myapp.auth import blocks
from myapp.auth.people import Person
from myapp.changed import Changed
from myapp.errors import Conflict, Forbidden, NotFound
from myapp.grouping import Grouping
from myapp.notifications import preferences
from myapp.posts import counts, deleting, reacting
from myapp.posts.counts import Counts
from myapp.posts.reacting import Wish

from ..support import wait_for
from . import noticed
from .conftest import Store
from .posting import EXAMPLES, Writers
from .posts_model import Tab

NAMES = ("ann", "bob", "cid", "dan")
THREADS, ACTS = 6, 40 * EXAMPLES


def at_once(*dos: Callable[[], object]) -> None:
    """All of them, each in a thread of its own; raises what any of them raised."""
    errors: list[BaseException] = []

    def run(do: Callable[[], object]) -> None:
        try:
            do()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(do,)) for do in dos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "it waits for ever"
    if errors:
        raise errors[0]


class Anybody:
    """Does this and that, as its dice say."""

    def __init__(self, writers: Writers, grouping: Grouping[int, Wish, Counts], seed: int) -> None:
        self.writers, self.grouping = writers, grouping
        self.dice = random.Random(seed)
        self.did: Counter[str] = Counter()

    def run(self) -> None:
        for _ in range(ACTS):
            act = self.dice.choice(("react",) * 5 + ("reply", "reply", "write", "delete", "block", "look", "trim"))
            try:
                getattr(self, act)()
                self.did[act] += 1
            except (NotFound, Forbidden, Conflict):
                self.did["refused"] += 1

    def any_post(self) -> int:
        return self.dice.randint(1, self.writers.store.count("posts") + 1) + self.first

    @property
    def first(self) -> int:
        with self.writers.database.read() as connection:
            return int(connection.driver.execute("SELECT min(id) FROM posts").fetchone()[0]) - 1

    def react(self) -> None:
        post = self.any_post()
        with self.writers.database.read() as connection:
            author = reacting.author_of(connection, post)
        self.grouping.do(author, Wish(self.me(), post, self.dice.choice(("like", "dislike", None))))

    def reply(self) -> None:
        self.writers.reply(self.me(), self.any_post(), f"hello @{self.dice.choice(NAMES)} @{self.dice.choice(NAMES)}")

    def write(self) -> None:
        self.writers.write(self.me(), f"hello @{self.dice.choice(NAMES)}", self.dice.choice((None, "key")))

    def delete(self) -> None:
        self.writers.delete(self.me(), self.any_post(), is_admin=True)

    def block(self) -> None:
        one, other = self.dice.sample(self.writers.people, 2)
        self.writers.block(one, other)
        self.writers.unblock(one, other)

    def look(self) -> None:
        self.writers.see(self.me(), self.any_post())

    def trim(self) -> None:
        me = self.me()
        self.writers.trim(me, self.writers.store.head(me.id).seq // 2)

    def me(self) -> Person:
        return self.dice.choice(self.writers.people)


def test_whatever_is_done_at_once_does_not_deadlock_and_leaves_right_counts(emptied: Store) -> None:
    news: list[object] = []
    writers = Writers(emptied, *NAMES)
    emptied.database.publish = news.extend
    for person in writers.people:
        writers.write(person)
    grouping: Grouping[int, Wish, Counts] = Grouping(emptied.database, reacting.lock_author, reacting.react)
    everybody = [Anybody(writers, grouping, seed) for seed in range(THREADS)]
    at_once(*(one.run for one in everybody))
    tables = writers.check()
    assert grouping.counts["wishes"] > 20
    latest: dict[str, Changed] = {}
    for one in news:
        if isinstance(one, Changed) and (one.topic not in latest or one.version > latest[one.topic].version):
            latest[one.topic] = one
    for topic, told in latest.items():
        if topic != "posts":
            row = tables.posts[int(topic[5:])]
            assert told.version == row["version"]
            assert told.data.startswith(f'{{"likes":{row["likes"]},"dislikes":{row["dislikes"]},')


def test_many_who_like_one_post_at_once_are_all_counted_and_told_of(emptied: Store) -> None:
    writers = Writers(emptied, *NAMES)
    ann = writers.people[0]
    post = writers.write(ann)
    grouping: Grouping[int, Wish, Counts] = Grouping(emptied.database, reacting.lock_author, reacting.react)
    crowd = [Person(user, f"user{user}", f"User {user}") for user in emptied.add(60)]
    parts = [crowd[start::6] for start in range(6)]

    def like(part: list[Person]) -> None:
        for person in part:
            grouping.do(ann.id, Wish(person, post, "like"))

    at_once(*(partial(like, part) for part in parts))
    assert writers.badges(ann) == {"likes": 60}
    assert writers.post(post)["counts"]["likes"] == 60
    assert {data["by"] for _, data in writers.told(ann)} == {person.name for person in crowd}
    assert grouping.counts["transactions"] < 60
    writers.check()


def test_post_that_is_sent_twice_at_once_is_one(emptied: Store) -> None:
    writers = Writers(emptied, *NAMES)
    ann, bob, *_ = writers.people
    post = writers.write(ann)
    again = partial(writers.write, bob, "hello @ann", "k"), partial(writers.reply, bob, post, "x", "r")
    at_once(*again * 6)
    assert emptied.count("posts") == 3
    assert writers.badges(ann) == {"notifications": 1, "replies": 1}
    writers.check()


def test_whoever_reads_the_feed_while_it_is_written_to_has_of_each_version_the_same(emptied: Store) -> None:
    news: list[object] = []
    writers = Writers(emptied, *NAMES)
    emptied.database.publish = news.extend
    read: list[tuple[int, str]] = []
    is_over, has_looked = threading.Event(), threading.Event()

    def write() -> None:
        for number in range(40):
            has_looked.clear()
            assert has_looked.wait(20)
            post = writers.write(writers.people[number % len(NAMES)])
            if number % 3 == 0:
                writers.delete(writers.people[number % len(NAMES)], post)
        is_over.set()

    def look() -> None:
        while not is_over.is_set():
            with emptied.database.read() as connection:
                read.append(counts.current(connection, ["posts"])["posts"])
            has_looked.set()

    at_once(write, look)
    told = {item.version: item.data for item in news if isinstance(item, Changed) and item.topic == "posts"}
    assert len(told) == 40 + 14
    assert {one for one in read if one[0] >= min(told)} <= set(told.items())
    assert len({version for version, _ in read}) > 20


def test_of_those_who_reply_for_the_first_time_at_once_each_hears_of_those_who_came_later(emptied: Store) -> None:
    writers = Writers(emptied, *NAMES)
    ann, *others = writers.people
    for _ in range(5):
        post = writers.write(ann)
        at_once(*(partial(writers.reply, one, post) for one in others))
    with emptied.database.read() as connection:
        rows = connection.driver.execute(
            "SELECT later.id, earlier.author_id FROM posts AS later "
            "JOIN posts AS earlier ON earlier.thread_id = later.thread_id AND earlier.id < later.id"
        ).fetchall()
        heard = connection.driver.execute("SELECT post_id, user_id FROM post_events").fetchall()
    assert len(rows) == 5 * 3
    assert set(rows) <= set(heard)


def test_reply_that_waits_while_its_post_is_deleted_is_refused(emptied: Store) -> None:
    writers = Writers(emptied, *NAMES)
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    writers.reply(cid, post)
    refused: list[Exception] = []

    def reply() -> None:
        try:
            writers.reply(bob, post, "hello @dan")
        except NotFound as error:
            refused.append(error)

    waiting = threading.Thread(target=reply)
    with emptied.database.transaction() as transaction:
        deleting.delete(transaction, ann.id, post)
        waiting.start()
        if emptied.database.dialect == "postgresql":
            wait_for(lambda: noticed.is_waiting(emptied), "the reply waits")
    waiting.join(20)
    assert refused
    assert emptied.count("posts") == 2
    writers.check()


def test_what_waits_while_its_author_is_blocked_comes_behind_the_block(emptied: Store) -> None:
    writers = Writers(emptied, *NAMES)
    ann, bob, cid, dan = writers.people
    post = writers.write(ann)
    others = writers.write(dan)
    writers.reply(cid, others)
    refused: list[Exception] = []

    def reply() -> None:
        try:
            writers.reply(bob, post)
        except Forbidden as error:
            refused.append(error)

    for do in (reply, partial(writers.reply, bob, others, "hello @cid"), partial(writers.write, bob, "hello @cid")):
        waiting = threading.Thread(target=do)
        with emptied.database.transaction() as transaction:
            inbox.lock(transaction, (ann.id, bob.id, cid.id))
            for person in (ann, cid):
                blocks.block(transaction, person.id, bob.id)
            waiting.start()
            if emptied.database.dialect == "postgresql":
                wait_for(lambda: noticed.is_waiting(emptied), "it waits")
        waiting.join(20)
        for person in (ann, cid):
            writers.unblock(person, bob)
    assert refused
    assert not writers.told(ann)
    assert not writers.told(cid)
    writers.check()


def test_who_hears_of_replies_again_meanwhile_is_told_once(emptied: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writers = Writers(emptied, *NAMES)
    ann, bob, *_ = writers.people
    post = writers.write(ann)
    writers.mute(ann, "reply")
    hearing = threading.Thread(target=writers.mute, args=(ann, "reply", False))
    look = preferences.muted_by

    def look_and_wait(*asked: Any) -> dict[int, set[str]]:
        found = look(*asked)
        if not hearing.ident:
            hearing.start()
            if emptied.database.dialect == "postgresql":
                wait_for(lambda: noticed.is_waiting(emptied) or not hearing.is_alive(), "it waits, or is done")
        return found

    monkeypatch.setattr(preferences, "muted_by", look_and_wait)
    writers.reply(bob, post, "hello @ann")
    hearing.join(20)
    assert [kind for kind, _ in writers.told(ann)] == ["notification"]
    writers.check()


def test_reply_and_the_end_of_its_post_at_once(emptied: Store) -> None:
    """Whoever is first: either there is no reply, or one that is counted."""
    writers = Writers(emptied, *NAMES)
    ann, bob, cid, _ = writers.people
    for _ in range(5):
        post = writers.write(ann)
        reply = writers.reply(bob, post)
        at_once(
            partial(perhaps, writers.reply, cid, post),
            partial(perhaps, writers.reply, bob, reply, "@cid @ann"),
            partial(writers.delete, ann, post),
            partial(writers.delete, bob, reply),
            partial(perhaps, writers.react, cid, reply),
            partial(perhaps, writers.react, bob, post),
        )
        writers.check()


def perhaps(do: Callable[..., object], *values: object) -> None:
    """Do it, unless it is too late."""
    with suppress(NotFound):
        do(*values)


def test_head_and_events_agree_while_others_react(emptied: Store) -> None:
    """A tab that follows meanwhile: nothing twice, no hole, and badges that its events explain at the end."""
    writers = Writers(emptied, *NAMES)
    ann, *others = writers.people
    post = writers.write(ann)
    tab, is_over = Tab(emptied, ann.id), threading.Event()

    def follow() -> None:
        while not is_over.is_set() or tab.cursor < emptied.head(ann.id).seq:
            tab.follow(3)

    def toggle() -> None:
        try:
            for number in range(12):
                for person in others:
                    writers.react(person, post, ("like", "dislike", None)[number % 3])
                writers.see(ann, post) if number % 5 == 4 else None
        finally:
            is_over.set()

    at_once(follow, toggle)
    assert tab.badges == {**dict.fromkeys(inbox.BADGES, 0), **writers.badges(ann)}
    tab.check()
