"""What every bus promises (myapp.live.bus.Bus). A new one is added to BUSES."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import gevent
import pytest

from myapp.live.bus import OK, STATES, Bus, News, NewsOfMany, TopicNews
from myapp.live.frames import Batch
from myapp.live.memory_bus import MemoryBus
from myapp.live.redis_bus import RedisBus
from stack import Redis

from .parking import until

#: For each bus a function that makes one, not started yet. Two buses of one kind need not know of each other.
BUSES: dict[str, Callable[[str], Bus]] = {
    "memory": lambda redis_url: MemoryBus(),
    "redis": lambda redis_url: RedisBus(redis_url, secrets.token_hex(4)),
}


def news(user: int, seq: int = 1) -> News:
    return News(user, Batch((f'{{"seq":{seq}}}',), seq, seq, seq, '{"messages":1}'))


class Listener:
    """A started bus and what it has delivered. News of who is not subscribed may come too, and does not matter."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[News] = []
        self.spread: list[NewsOfMany] = []
        self.ended: list[str] = []
        self.learnt: list[TopicNews] = []
        bus.start(
            self.heard.append,
            deliver_all=self.spread.append,
            grants_ended=self.ended.append,
            learn=self.learnt.append,
        )
        until(lambda: bus.state == OK, "the bus to carry")

    def hears(self, *expected: News) -> bool:
        """Whether exactly these come of their users, within 20 seconds; a bus may carry them elsewhere first."""
        users = {item.user for item in expected}
        for _ in range(4000):
            found = [item for item in self.heard if item.user in users]
            if len(found) >= len(expected):
                return found == list(expected)
            gevent.sleep(0.005)
        return False

    def learns(self, *expected: TopicNews) -> bool:
        """The same of topics."""
        keys = {item.key for item in expected}
        for _ in range(4000):
            found = [item for item in self.learnt if item.key in keys]
            if len(found) >= len(expected):
                return found == list(expected)
            gevent.sleep(0.005)
        return False


def likes(key: str, count: int = 1) -> TopicNews:
    return TopicNews(key, 1_700_000_000_000 + count, f'{{"likes":{count},"title":"\u597d"}}')


SPREAD = NewsOfMany(
    '"kind":"announcement","data":{}}',
    [(7, 1, 0), (8, 2**53 - 1, 1)],
    ['{"announcements":1}', '{"announcements":2}'],
    at=1700000000.5,
    epoch="e1",
)


@pytest.fixture(params=sorted(BUSES))
def bus(request: pytest.FixtureRequest, redis_server: Redis, cooperative_redis: None) -> Iterator[Bus]:
    bus = BUSES[request.param](redis_server.url)
    yield bus
    bus.close()


@pytest.fixture
def listener(bus: Bus) -> Listener:
    return Listener(bus)


def test_news_of_a_subscribed_user_is_delivered(listener: Listener) -> None:
    listener.bus.subscribe(7)
    listener.bus.publish(news(7))
    assert listener.hears(news(7))


def test_news_comes_in_the_order_of_publishing_when_nothing_fails(listener: Listener) -> None:
    listener.bus.subscribe(7)
    expected = [news(7, seq) for seq in range(1, 20)]
    for item in expected:
        listener.bus.publish(item)
    assert listener.hears(*expected)


def test_each_subscribed_user_is_given_its_own_news(listener: Listener) -> None:
    for user in (7, 8, 9):
        listener.bus.subscribe(user)
    listener.bus.unsubscribe(8)
    for user in (9, 7, 9):
        listener.bus.publish(news(user))
    assert listener.hears(news(9), news(7), news(9))


def test_user_may_come_back(listener: Listener) -> None:
    listener.bus.subscribe(7)
    listener.bus.unsubscribe(7)
    listener.bus.subscribe(7)
    listener.bus.publish(news(7))
    assert listener.hears(news(7))


def test_subscribing_twice_does_not_double_the_news(listener: Listener) -> None:
    listener.bus.subscribe(7)
    listener.bus.subscribe(7)
    listener.bus.subscribe(8)
    listener.bus.publish(news(7))
    listener.bus.publish(news(8))
    assert listener.hears(news(7), news(8))


def test_unsubscribing_who_is_not_subscribed_does_nothing(listener: Listener) -> None:
    listener.bus.unsubscribe(7)
    listener.bus.subscribe(8)
    listener.bus.publish(news(8))
    assert listener.hears(news(8))


def test_end_of_a_session_is_carried_too(listener: Listener) -> None:
    listener.bus.subscribe(7)
    listener.bus.publish(News(7, None, "session:3"))
    assert listener.hears(News(7, None, "session:3"))


def test_news_without_texts_is_carried_too(listener: Listener) -> None:
    listener.bus.subscribe(7)
    item = News(7, Batch((), 4, 9, 9, '{"messages":1}'))
    listener.bus.publish(item)
    assert listener.hears(item)


def test_what_is_spread_is_delivered_whoever_is_subscribed(listener: Listener) -> None:
    listener.bus.subscribe(9)
    listener.bus.spread(SPREAD)
    listener.bus.end_grants("system:3:")
    until(lambda: bool(listener.spread and listener.ended), "what was spread")
    assert (listener.spread, listener.ended, listener.heard) == ([SPREAD], ["system:3:"], [])


def test_what_is_spread_can_be_told_to_each_user(listener: Listener) -> None:
    listener.bus.spread(SPREAD)
    until(lambda: bool(listener.spread), "what was spread")
    first, second = (listener.spread[0].of(*row) for row in listener.spread[0].rows)
    text = '{"seq":1,"kind":"announcement","data":{}}'
    assert first == News(7, Batch((text,), 1, 1, 1, '{"announcements":1}'), "", 1700000000.5, "e1")
    assert second.batch is not None
    assert (second.user, second.batch.seq, second.batch.badges) == (8, 2**53 - 1, '{"announcements":2}')


# -- topics


def test_news_of_a_subscribed_topic_is_delivered_in_order(listener: Listener) -> None:
    listener.bus.subscribe("post:7", "posts")
    expected = [likes("post:7"), likes("posts"), likes("post:7", 2), TopicNews("post:7", 2**53 - 1, "{}")]
    for item in expected:
        listener.bus.put(item)
    assert listener.learns(*expected)
    assert listener.heard == []


def test_a_topic_and_a_user_of_the_same_number_are_not_one(listener: Listener) -> None:
    listener.bus.subscribe("7", 8)
    for item in (news(7), news(8)):
        listener.bus.publish(item)
    listener.bus.put(likes("7"))
    listener.bus.put(likes("8"))
    assert listener.hears(news(8))
    assert listener.learns(likes("7"))
    assert [type(item.key) for item in listener.learnt] == [str] * len(listener.learnt)


def test_users_and_topics_are_subscribed_and_left_together_and_come_back(listener: Listener) -> None:
    listener.bus.subscribe(7, "post:7", 8, "post:8")
    listener.bus.unsubscribe("post:8", 7, 8)
    listener.bus.subscribe(8, "post:8")
    listener.bus.subscribe()
    for number in (7, 8):
        listener.bus.put(likes(f"post:{number}"))
    listener.bus.publish(news(8))
    assert listener.learns(likes("post:7"), likes("post:8"))
    assert listener.hears(news(8))


def test_names_of_topics_may_be_those_of_what_the_bus_says_itself(listener: Listener) -> None:
    keys = ["all", "many", "ended", "beat:00", "topic:all"]
    listener.bus.subscribe(*keys)
    for key in keys:
        listener.bus.put(likes(key))
    assert listener.learns(*map(likes, keys))
    assert (listener.spread, listener.ended) == ([], [])


def test_closed_bus_carries_nothing_and_may_be_closed_again(listener: Listener) -> None:
    listener.bus.subscribe(7)
    listener.bus.close()
    listener.bus.close()
    listener.bus.publish(news(7))
    listener.bus.put(likes("posts"))
    listener.bus.spread(SPREAD)
    listener.bus.end_grants("system:3:")
    gevent.sleep(0)
    assert (listener.heard, listener.learnt, listener.spread, listener.ended) == ([], [], [], [])


def test_publishing_before_the_start_is_no_error(bus: Bus) -> None:
    bus.publish(news(7))
    bus.put(likes("posts"))
    bus.spread(SPREAD)
    bus.end_grants("system:3:")
    bus.broadcast(b"words")


def test_bus_says_whether_it_carries_and_counts(bus: Bus) -> None:
    assert bus.state in STATES
    Listener(bus)
    assert bus.state == OK
    assert all(count >= 0 for count in bus.counts.values())
    assert bus.worker


def test_own_broadcasts_are_not_heard(bus: Bus) -> None:
    heard: list[bytes] = []
    bus.start(lambda news: None, lambda worker, words: heard.append(words))
    until(lambda: bus.state == OK)
    bus.broadcast(b"to the others")
    gevent.sleep(0.05)
    assert heard == []


def test_closed_bus_may_be_told_anything(bus: Bus) -> None:
    Listener(bus)
    bus.close()
    bus.broadcast(b"nobody")
    bus.spread(SPREAD)
    bus.end_grants("system:3:")
    bus.publish(news(7))
    bus.put(likes("posts"))
    bus.unsubscribe(7, "posts")
