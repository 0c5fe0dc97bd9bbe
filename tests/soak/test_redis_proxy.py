"""What lies between the workers and Redis in a run: it passes everything on, and loses what it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from soak.redis_proxy import Commands, RedisProxy
from stack import Redis

from ..support import wait_for


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def proxy(server: Redis) -> Iterator[RedisProxy]:
    proxy = RedisProxy(server.port).start()
    yield proxy
    proxy.close()


@pytest.fixture
def client(proxy: RedisProxy) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(proxy.url, socket_timeout=2) as client:
        yield client


@pytest.fixture
def heard(proxy: RedisProxy) -> Iterator[redis.client.PubSub]:
    """A subscription to `news`, confirmed."""
    with redis.Redis.from_url(proxy.url) as client, client.pubsub() as subscription:
        subscription.subscribe("news")
        assert subscription.get_message(timeout=2)["type"] == "subscribe"
        yield subscription


def next_of(subscription: redis.client.PubSub, seconds: float = 2.0) -> bytes | None:
    message = subscription.get_message(timeout=seconds)
    return message["data"] if message else None


def test_everything_is_passed_on(client: redis.Redis, heard: redis.client.PubSub) -> None:
    assert client.set("a", "x" * 200_000)
    assert client.get("a") == b"x" * 200_000
    assert client.publish("news", "here") == 1
    assert next_of(heard) == b"here"


def test_publishes_are_lost_and_answered_with_0_in_their_turn(
    proxy: RedisProxy, client: redis.Redis, heard: redis.client.PubSub
) -> None:
    proxy.loses_publishes = True
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set("b", "1").publish("news", "lost").get("b")
        assert pipeline.execute() == [True, 0, b"1"]
    assert proxy.publishes_lost == 1
    proxy.loses_publishes = False
    client.publish("news", "not lost")
    assert next_of(heard) == b"not lost"


def test_a_deaf_subscription_stays_open_and_hears_nothing_while_a_new_one_does(
    proxy: RedisProxy, client: redis.Redis, heard: redis.client.PubSub
) -> None:
    assert proxy.deafen() == 1
    with redis.Redis.from_url(proxy.url) as other, other.pubsub() as anew:
        anew.subscribe("news")
        assert anew.get_message(timeout=2)["type"] == "subscribe"
        client.publish("news", "hear")
        assert next_of(anew) == b"hear"
    wait_for(lambda: proxy.bytes_lost > 0, "what was for the deaf one to be lost")
    assert next_of(heard, 0.2) is None
    assert proxy.subscriptions == 2


def test_while_redis_is_away_connections_end_and_afterwards_they_are_taken_again(
    server: Redis, proxy: RedisProxy, client: redis.Redis
) -> None:
    client.ping()
    server.kill()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    server.start()

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    wait_for(answers, "Redis to answer through the proxy")


def test_it_leaves_no_connection_behind(proxy: RedisProxy) -> None:
    for _ in range(20):
        with redis.Redis.from_url(proxy.url) as client:
            client.ping()
    wait_for(lambda: not proxy._links, "the connections to end")


def test_commands_are_cut_wherever_their_bytes_are() -> None:
    whole = b"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$4\r\n\r\n*1\r\nPING\r\n*1\r\n$4\r\nping\r\n"
    commands = Commands()
    found = [command for at in range(len(whole)) for command in commands.feed(whole[at : at + 1])]
    assert [name for name, _ in found] == [b"PUBLISH", b"PING", b"PING"]
    assert b"".join(command for _, command in found) == whole
