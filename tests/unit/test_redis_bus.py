"""The bus of several workers, over a real Redis that is killed, silenced, and comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import pytest
from redis import Redis as RedisClient

from myapp.live.bus import AWAY, DEAF, OK, News, NewsOfMany, TopicNews
from myapp.live.frames import Batch
from myapp.live.redis_bus import RedisBus
from stack import Redis

from .parking import until

pytestmark = pytest.mark.usefixtures("cooperative_redis")


def news(user: int, seq: int = 1) -> News:
    return News(user, Batch((f'{{"seq":{seq}}}',), seq, seq, seq, '{"messages":1}'), at=1700000000.5)


class Worker:
    """A bus in a worker of its own, as far as Redis can tell, and what it has heard."""

    def __init__(self, url: str, deployment: str, linger: float = 10.0) -> None:
        self.bus = RedisBus(url, deployment, beat_every=0.1, deaf_after=0.5, linger=linger)
        self.news: list[News] = []
        self.words: list[tuple[str, bytes]] = []
        self.spread: list[NewsOfMany] = []
        self.resumed = 0
        overhear = lambda worker, words: self.words.append((worker, words))  # noqa: E731
        self.ended: list[str] = []
        self.learnt: list[TopicNews] = []
        self.bus.start(
            self.news.append, overhear, self._resumed, self.spread.append, self.ended.append, self.learnt.append
        )

    def _resumed(self) -> None:
        self.resumed += 1

    def is_ok(self) -> bool:
        return self.bus.state == OK


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that a test may kill."""
    server = Redis(tmp_path).start()
    yield server
    server.kill()


@pytest.fixture
def start() -> Iterator[Callable[..., Worker]]:
    """Starts workers, and ends them."""
    workers: list[Worker] = []

    def begin(server: Redis, deployment: str = "ours", *, wait: bool = True, **options: float) -> Worker:
        worker = Worker(server.url, deployment, **options)
        workers.append(worker)
        if wait:
            until(worker.is_ok, "the bus to carry")
        return worker

    yield begin
    for worker in workers:
        worker.bus.close()


Start = Callable[..., Worker]


@contextlib.contextmanager
def standing_still(server: Redis) -> Iterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_news_travels_to_the_worker_that_subscribed_and_to_no_other(redis_server: Redis, start: Start) -> None:
    one, two, three = (start(redis_server) for _ in range(3))
    two.bus.subscribe(7)
    three.bus.subscribe(8)
    one.bus.publish(news(7))
    until(lambda: two.news == [news(7)])
    gevent.sleep(0.05)
    assert three.news == []


def test_own_news_is_delivered_at_once_and_only_once(redis_server: Redis, start: Start) -> None:
    one, two = start(redis_server), start(redis_server)
    for worker in (one, two):
        worker.bus.subscribe(7)
    one.bus.publish(news(7))
    assert one.news == [news(7)]
    until(lambda: two.news == [news(7)])
    gevent.sleep(0.05)
    assert one.news == [news(7)]


def test_news_of_a_topic_travels_to_the_worker_that_subscribed_and_to_no_other(
    redis_server: Redis, start: Start
) -> None:
    one, two, three = (start(redis_server) for _ in range(3))
    item = TopicNews("post:7", 1700000000500, '{"likes":1}')
    two.bus.subscribe("post:7", 7)
    three.bus.subscribe("post:8", 7)
    one.bus.put(item)
    assert one.learnt == [item]  # at once
    until(lambda: two.learnt == [item])
    gevent.sleep(0.05)
    assert (one.learnt, three.learnt) == ([item], [])


def test_command_that_is_not_started_can_tell_of_a_topic(redis_server: Redis, start: Start) -> None:
    worker = start(redis_server)
    worker.bus.subscribe("posts")
    command = RedisBus(redis_server.url, "ours")
    command.put(TopicNews("posts", 5, "{}"))
    until(lambda: worker.learnt == [TopicNews("posts", 5, "{}")])
    command.close()


def test_what_is_spread_reaches_every_worker_once(redis_server: Redis, start: Start) -> None:
    one, two, three = (start(redis_server) for _ in range(3))
    stranger = start(redis_server, "others")
    spreads = [NewsOfMany('"n":1}', [(7, seq, 0)], ["{}"], at=1700000000.5, epoch="e1") for seq in range(1, 6)]
    for item in spreads:
        one.bus.spread(item)
    one.bus.end_grants("system:3:")
    assert (one.spread, one.ended) == (spreads, ["system:3:"])  # at once
    until(lambda: all(len(worker.spread) == 5 and worker.ended for worker in (two, three)), "what was spread")
    gevent.sleep(0.05)
    assert one.spread == two.spread == three.spread == spreads
    assert one.ended == two.ended == three.ended == ["system:3:"]
    assert (stranger.spread, stranger.ended) == ([], [])


def test_command_that_is_not_started_can_end_grants(redis_server: Redis, start: Start) -> None:
    worker = start(redis_server)
    command = RedisBus(redis_server.url, "ours")
    command.end_grants("system:3:")
    until(lambda: worker.ended == ["system:3:"])
    command.close()


def test_what_is_published_right_after_subscribing_is_heard(redis_server: Redis, start: Start) -> None:
    one, two = start(redis_server), start(redis_server)
    for user in range(1, 101):
        two.bus.subscribe(user)
        one.bus.publish(news(user))
    until(lambda: two.news == [news(user) for user in range(1, 101)])


def test_thousands_who_subscribe_at_once_all_are_confirmed(redis_server: Redis, start: Start) -> None:
    one, two = start(redis_server), start(redis_server)
    greenlets = [gevent.spawn(two.bus.subscribe, user) for user in range(1, 3001)]
    gevent.joinall(greenlets, raise_error=True)
    for user in (1, 1500, 3000):
        one.bus.publish(news(user))
    until(lambda: [item.user for item in two.news] == [1, 1500, 3000])


def test_who_left_is_forgotten_after_a_while_and_who_comes_back_is_not(redis_server: Redis, start: Start) -> None:
    one, two = start(redis_server), start(redis_server, linger=0.1)
    for number in (7, 8):
        two.bus.subscribe(number, f"post:{number}")
        two.bus.unsubscribe(number, f"post:{number}")
    two.bus.subscribe(8, "post:8")
    client = RedisClient.from_url(redis_server.url)
    for channel in map(two.bus._subscriptions.name, (7, "post:7")):
        until(lambda name=channel: dict(client.pubsub_numsub(name))[name.encode()] == 0)
    client.close()
    for number in (7, 8):
        one.bus.publish(news(number))
        one.bus.put(TopicNews(f"post:{number}", 1, "{}"))
    until(lambda: two.news == [news(8)] and two.learnt == [TopicNews("post:8", 1, "{}")])


def test_two_deployments_on_one_redis_do_not_hear_each_other(redis_server: Redis, start: Start) -> None:
    ours, theirs = start(redis_server), start(redis_server, "theirs")
    theirs.bus.subscribe(7)
    ours.bus.publish(news(7))
    ours.bus.broadcast(b"hello")
    gevent.sleep(0.1)
    assert (theirs.news, theirs.words) == ([], [])


def test_broadcast_reaches_all_others_with_the_name_of_who_said_it(redis_server: Redis, start: Start) -> None:
    one, two, three = (start(redis_server) for _ in range(3))
    one.bus.broadcast(b"hello")
    one.bus.broadcast(b"again")
    until(lambda: len(two.words) == len(three.words) == 2)
    assert [words for _name, words in two.words] == [b"hello", b"again"]
    assert len({name for worker in (two, three) for name, _words in worker.words}) == 1


def test_command_that_never_starts_its_bus_is_heard_all_the_same(redis_server: Redis, start: Start) -> None:
    worker = start(redis_server)
    worker.bus.subscribe(7)
    command = RedisBus(redis_server.url, "ours")
    command.publish(News(7, None, "session:3", 5.0))
    until(lambda: worker.news == [News(7, None, "session:3", 5.0)])
    command.close()


def test_what_was_published_last_leaves_before_the_bus_closes(redis_server: Redis, start: Start) -> None:
    one, two = start(redis_server), start(redis_server)
    two.bus.subscribe(7)
    one.bus.publish(news(7))
    one.bus.broadcast(b"bye")
    one.bus.close()
    until(lambda: two.news == [news(7)] and [words for _name, words in two.words] == [b"bye"])


def test_words_that_cannot_be_read_are_counted_and_the_next_are_heard(redis_server: Redis, start: Start) -> None:
    one, two = start(redis_server), start(redis_server)
    two.bus.subscribe(7)
    client = RedisClient.from_url(redis_server.url)
    for words in (b"", b"short", b"12345678", b"12345678garbage", b"12345678\x93\xc0\xa0"):
        client.publish(two.bus._prefix + "7", words)
    two.bus.subscribe("posts")
    client.publish(two.bus._subscriptions.name("posts"), b"12345678\x92\xc0\xa0")
    client.close()
    one.bus.publish(news(7))
    one.bus.put(TopicNews("posts", 1, "{}"))
    until(lambda: two.news == [news(7)] and bool(two.learnt))
    assert two.bus.counts["bus_garbled"] == 6


def test_killed_redis_is_noticed_at_once_and_publishing_goes_on_here(own: Redis, start: Start) -> None:
    worker = start(own)
    worker.bus.subscribe(7)
    own.kill()
    until(lambda: worker.bus.state == AWAY)
    began = time.monotonic()
    for seq in range(1, 101):
        worker.bus.publish(news(7, seq))
        worker.bus.subscribe(1000 + seq)
    assert time.monotonic() - began < 1  # nobody waits for what is away
    assert worker.news == [news(7, seq) for seq in range(1, 101)]


def test_everybody_is_subscribed_anew_when_redis_comes_back(own: Redis, start: Start) -> None:
    one, two = start(own), start(own)
    for user in range(1, 2501):
        gevent.spawn(two.bus.subscribe, user)
    until(lambda: len(two.bus._subscriptions._subscribed) == 2500)
    own.kill()
    until(lambda: not (one.is_ok() or two.is_ok()))
    two.bus.subscribe(5000, "posts")  # who comes meanwhile, too
    two.bus.unsubscribe(2)
    own.start()
    until(lambda: one.is_ok() and two.is_ok())
    assert (one.resumed, two.resumed) == (2, 2)
    for user in (1, 2500, 5000):
        one.bus.publish(news(user))
    one.bus.put(TopicNews("posts", 1, "{}"))
    until(lambda: [item.user for item in two.news] == [1, 2500, 5000] and bool(two.learnt))


def test_who_comes_while_a_new_connection_is_told_of_all_others_is_subscribed_too(
    redis_server: Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = start(redis_server), start(redis_server)
    send, came = two.bus._subscriptions._send, gevent.event.Event()

    def slowly(link: Any, command: str, users: Any, *more: str) -> None:
        users = list(users)
        if more:  # to the new connection: it is told of all
            two.bus.subscribe(77)
            gevent.sleep(0.05)
            came.set()
        send(link, command, users, *more)

    monkeypatch.setattr(two.bus._subscriptions, "_send", slowly)
    client = RedisClient.from_url(redis_server.url)
    client.client_kill_filter(_type="pubsub")
    client.close()
    assert came.wait(5)
    until(lambda: one.is_ok() and two.is_ok() and 77 in two.bus._subscriptions._subscribed)
    one.bus.publish(news(77))
    until(lambda: two.news == [news(77)])


def test_listener_outlives_whatever_goes_wrong_in_it(
    redis_server: Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = start(redis_server), start(redis_server)
    two.bus.subscribe(7)
    hear = two.bus._hear
    failures = iter([TypeError("as asked")])

    def broken(said: Any) -> None:
        for failure in failures:
            raise failure
        hear(said)

    monkeypatch.setattr(two.bus, "_hear", broken)
    until(lambda: two.bus.counts["bus_breaks"] == 1)
    until(two.is_ok)
    one.bus.publish(news(7))
    until(lambda: two.news == [news(7)])


def test_subscription_that_is_cut_is_made_anew(redis_server: Redis, start: Start) -> None:
    one, two = start(redis_server), start(redis_server)
    two.bus.subscribe(7)
    client = RedisClient.from_url(redis_server.url)
    assert client.client_kill_filter(_type="pubsub") == 2
    until(lambda: one.bus.counts["bus_breaks"] == two.bus.counts["bus_breaks"] == 1)
    until(lambda: one.is_ok() and two.is_ok())
    client.close()
    one.bus.publish(news(7))
    until(lambda: two.news == [news(7)])


def test_redis_that_takes_all_and_gives_nothing_back_is_noticed(own: Redis, start: Start) -> None:
    worker = start(own)
    client = RedisClient.from_url(own.url)
    client.execute_command("ACL", "SETUSER", "default", "-publish")
    until(lambda: worker.bus.state == DEAF)
    assert worker.bus.counts["bus_deaf"] == 1
    gevent.sleep(0.7)
    assert worker.bus.state == DEAF  # that it lets itself be subscribed to is not enough
    client.execute_command("ACL", "SETUSER", "default", "+publish")
    until(worker.is_ok)
    assert worker.resumed == 2
    client.close()


def test_redis_that_stands_still_holds_nobody_up_for_long_and_is_noticed(own: Redis, start: Start) -> None:
    one, two = start(own), start(own)
    two.bus.subscribe(7)
    with standing_still(own):
        until(lambda: two.bus.state == DEAF)
        began = time.monotonic()
        two.bus._subscriptions.is_suspect = False  # as it is before anybody has noticed
        two.bus.subscribe(*(f"post:{number}" for number in range(50)))  # one second for all
        for user in range(100, 200):
            two.bus.subscribe(user)
            two.bus.publish(news(user))
        assert time.monotonic() - began < 2
    until(lambda: one.is_ok() and two.is_ok())
    one.bus.publish(news(7))
    one.bus.publish(news(199))
    until(lambda: [item.user for item in two.news if item.user in (7, 199)][-2:] == [7, 199])


def test_redis_that_is_not_there_at_the_start_is_found_later(tmp_path: Path, start: Start) -> None:
    server = Redis(tmp_path)
    worker = start(server, wait=False)
    until(lambda: worker.bus.state == AWAY)
    worker.bus.subscribe(7)
    server.start()
    try:
        until(worker.is_ok)
        start(server).bus.publish(news(7))
        until(lambda: worker.news == [news(7)])
    finally:
        server.kill()
