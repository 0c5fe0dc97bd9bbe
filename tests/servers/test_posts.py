"""Several people write, reply, react and delete; who watches, over whatever transport, shows what is stored at the end.

The counts that must be shown are made anew from all rows (tests/unit/posting.py).
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from soak.checker import Broken, Checker

from ..support import AppServer, wait_for
from ..unit.posting import Tables
from .checker import stored
from .someone import Someone, Three
from .stream import EventStream
from .test_promise import seed
from .wire import Ended, Wire, fetch

__all__ = ["seed"]

ACTS = 40


class Screen:
    """What one tab of a user's shows: it watches the feed and some posts, by one way or another, and is cut off.

    `told` is what any screen was told of a topic at a version: it must be the same to all. Raises Broken.
    """

    def __init__(self, who: Someone, topics: list[str], way: str, lots: random.Random, told: dict[Any, Any]) -> None:
        self.who, self.topics, self.way, self.lots, self.told = who, topics, way, lots, told
        self.checker = Checker(who.latest)
        self.badges: dict[str, int] = {}
        self.shown: dict[str, tuple[int, Any]] = {}
        self.given: set[str] = set()
        #: from then on it stays with its way
        self.is_quiet = threading.Event()
        self.is_over = threading.Event()

    def run(self) -> Screen:
        ways: dict[str, Callable[[], None]] = {
            "websocket": self.by_websocket,
            "sse": self.by_stream,
            "long-poll": self.by_long_poll,
            "short-poll": self.by_short_poll,
        }
        while not self.is_over.is_set():
            self.given.clear()
            ways[self.way if self.is_quiet.is_set() else self.lots.choice(list(ways))]()
        return self

    def lasts(self) -> bool:
        """Whether it goes on with this connection."""
        return not self.is_over.is_set() and (self.is_quiet.is_set() or self.lots.random() < 0.9)

    def take(self, said: dict[str, Any]) -> None:
        self.checker.take(said)
        self.badges = said["badges"]

    def show(self, topic: str, version: int, data: Any) -> None:
        if self.told.setdefault((topic, version), data) != data:
            raise Broken(f"{topic} is {data} at {version}, and {self.told[topic, version]}")
        if version > self.shown.get(topic, (0, None))[0]:
            self.shown[topic] = version, data
        elif topic in self.given:
            raise Broken(f"{topic} goes from {self.shown[topic]} back to {version}")
        self.given.add(topic)

    def by_websocket(self) -> None:
        ws = self.who.websocket(self.checker.cursor)
        self.badges = ws.hello()["badges"]
        ws.say(json.dumps({"type": "watch", "topics": self.topics}))
        ws.sock.settimeout(0.1)
        while self.lasts():
            with contextlib.suppress(TimeoutError):
                said = ws.next()
                if said["type"] == "snapshot":
                    self.show(said["topic"], said["version"], said["data"])
                else:
                    self.take(said)
        self.lots.choice([ws.cut, ws.close, ws.say_close])()
        ws.close()

    def by_stream(self) -> None:
        stream = EventStream.open(self.who, self.checker.cursor, watch=",".join(self.topics)).began()
        stream.sock.settimeout(0.1)
        batch: list[dict[str, Any]] = []
        while batch or self.lasts():  # to the end of a batch
            with contextlib.suppress(TimeoutError):
                block = stream.next()
                if block.event == "snapshot":
                    said = block.json()
                    self.show(said["topic"], said["version"], said["data"])
                elif block.event == "badges":
                    seq = batch[-1]["seq"] if batch else self.checker.cursor
                    self.take({"events": batch, "seq": seq, "latest": seq, "badges": block.json()})
                    batch = []
                else:
                    batch.append(block.json())
        self.lots.choice([stream.cut, stream.close])()

    def by_long_poll(self) -> None:
        have = 0
        while self.lasts():
            wire = self.who.long_poll(self.checker.cursor, timeout=1, watch=",".join(self.topics), have=have)
            if not self.is_quiet.is_set() and self.lots.random() < 0.2:
                self.lose(wire)
                continue
            said = wire.read_answer().json()
            wire.close()
            have = self.answered(said)

    def by_short_poll(self) -> None:
        while self.lasts():
            self.answered(
                self.who.poll(self.checker.cursor, watch=",".join(self.topics), limit=self.lots.randint(1, 9))
            )
            time.sleep(0.02)

    def answered(self, said: Any) -> int:
        """The greatest version that one has then."""
        self.take(said)
        self.given.clear()  # each answer has all topics
        for topic, one in said["snapshots"].items():
            self.show(topic, one["version"], one["data"])
        return max((version for version, _ in self.shown.values()), default=0)

    def lose(self, wire: Wire) -> None:
        """While it waits, or while the answer is on its way."""
        wire.sock.settimeout(self.lots.uniform(0.001, 0.05))
        with contextlib.suppress(TimeoutError, Ended):
            wire.read(self.lots.randint(1, 200))
        wire.cut()


class Anybody:
    """Writes, replies and reacts at random, and takes it back."""

    def __init__(self, who: Someone, posts: list[int], lots: random.Random) -> None:
        self.who, self.posts, self.lots = who, posts, lots
        self.own: list[int] = []

    def run(self) -> None:
        for _ in range(ACTS):
            act = self.lots.choice([self.react] * 6 + [self.reply] * 3 + [self.write, self.delete])
            answer = act()
            assert answer is None or answer.status < 300, answer
            if answer is not None and answer.status == 201 and act != self.react:
                self.own.append(answer.json()["id"])

    def react(self) -> Any:
        reaction = self.lots.choice(["like", "dislike", None])
        path = f"/posts/{self.lots.choice(self.posts)}/reaction"
        return fetch(self.who.port, "PUT", path, self.who.headers, {"reaction": reaction})

    def reply(self) -> Any:
        return self.who.post(f"/posts/{self.lots.choice(self.posts)}/replies", {"body": "secret"})

    def write(self) -> Any:
        return self.who.post("/posts", {"body": "secret"})

    def delete(self) -> Any:
        if not self.own:
            return None
        number = self.own.pop(self.lots.randrange(len(self.own)))
        return fetch(self.who.port, "DELETE", f"/posts/{number}", self.who.headers)


def tables_of(server: AppServer) -> Tables:
    with server.app.extensions["myapp"].database.snapshot() as connection:
        return Tables(connection)


def user_of(server: AppServer, name: str) -> int:
    with server.app.extensions["myapp"].database.read() as connection:
        return int(connection.driver.execute(f"SELECT id FROM users WHERE name = '{name}'").fetchone()[0])


def expected(tables: Tables, topic: str) -> Any:
    """What must be shown of a topic, counted anew."""
    if topic.startswith("post:"):
        number = int(topic[5:])
        likes, dislikes, replies = tables.counts(number)
        return {"likes": likes, "dislikes": dislikes, "replies": replies, "deleted": tables.is_deleted(number)}
    feed = [number for number, row in tables.posts.items() if row["thread"] is None and not tables.is_deleted(number)]
    return sorted(feed, reverse=True)[:20]


def is_right(screen: Screen, tables: Tables, user: int) -> bool:
    if screen.checker.cursor != tables.inboxes[user][0]:
        return False  # what a hello says of badges stands at the end already
    shown = {topic: data for topic, (_, data) in screen.shown.items()}
    if "posts" in shown:
        shown["posts"] = [one["id"] for one in shown["posts"]["recent"]]
    badges = {name: count for name, count in screen.badges.items() if count}
    return shown == {topic: expected(tables, topic) for topic in screen.topics} and badges == tables.badges(user)


def is_right_or_failed(screen: Screen, tables: Tables, user: int, running: list[Future[Screen]]) -> bool:
    return is_right(screen, tables, user) or any(one.done() for one in running)


def test_all_transports_show_what_is_stored_whatever_people_do_and_is_cut(anywhere: Three, seed: int) -> None:
    alice, bob, carol = anywhere
    server = alice.server
    posts = [alice.post("/posts", {"body": f"number {number}"}).json()["id"] for number in range(2)]
    topics = ["posts", *(f"post:{number}" for number in posts)]
    told: dict[Any, Any] = {}
    ways = ("websocket", "sse", "long-poll", "short-poll")
    screens = [Screen(alice, topics, way, random.Random(seed + at), told) for at, way in enumerate(ways)]
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(screen.run) for screen in screens]
        try:
            done = [
                pool.submit(Anybody(who, posts, random.Random(seed + 10 + at)).run)
                for at, who in enumerate((bob, carol, bob))
            ]
            for acting in done:
                acting.result(60)
            for screen in screens:
                screen.is_quiet.set()
            tables, user = tables_of(server), user_of(server, alice.name)
            for screen in screens:
                wait_for(
                    partial(is_right_or_failed, screen, tables, user, running), f"{screen.way} shows what is stored"
                )
        finally:
            for screen in screens:
                screen.is_quiet.set()
                screen.is_over.set()
            for future in running:
                future.result(30)
    everything = stored(alice)
    for screen in screens:
        assert is_right(screen, tables, user)
        check_same(screen.checker, everything)
    for topic in topics:
        assert len({screen.shown[topic][0] for screen in screens}) == 1


def check_same(checker: Checker, everything: list[Any]) -> None:
    """What was given is what is stored, but for what was deleted since."""
    kept = everything[checker.base :]
    assert len(checker.events) == len(kept)
    for given, one in zip(checker.events, kept, strict=True):
        if given != one:
            assert {**given["data"], "body": ""} == one["data"], (given, one)
