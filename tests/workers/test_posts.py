"""Counts of posts and the feed in several workers: told by Redis, found without it, and right after a kill."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ..servers.someone import Three
from ..servers.watchers import by_long_poll
from ..servers.wire import Ended, WebSocket
from ..support import wait_for
from .conftest import Workers
from .everywhere import sockets_in_each

#: Seconds within which the sweep has found what nobody was told of, and what the machine may add.
FOUND_WITHIN = 5.0 + 2.0


def next_state(ws: WebSocket) -> Any:
    while (said := ws.next())["type"] != "snapshot":
        pass
    return said


def begin(sockets: list[WebSocket], *topics: str) -> None:
    """All watch these, and have the first state of each."""
    names = ", ".join(f'"{topic}"' for topic in topics)
    for ws in sockets:
        ws.say(f'{{"type": "watch", "topics": [{names}]}}')
        for _ in topics:
            next_state(ws)


def until_likes(ws: WebSocket, likes: int) -> Any:
    """The state that says so many."""
    while (said := next_state(ws))["data"]["likes"] != likes:
        pass
    return said


@pytest.fixture
def without_redis(workers: Workers) -> Iterator[None]:
    """Redis is away, and both workers know; afterwards it is back for all."""
    workers.stack.redis.kill()
    yield
    if not workers.stack.redis.is_running:
        bring_back(workers)


def bring_back(workers: Workers) -> None:
    workers.stack.redis.start()
    wait_for(workers.stack.is_ready, "news to travel again")
    workers.wait_until_all_answer()


def test_posts_and_counts_reach_watchers_in_all_workers(workers: Workers, three: Three) -> None:
    alice, bob, carol = three
    post = alice.write("before")
    sockets = sockets_in_each(workers, carol)
    begin(sockets, "posts", f"post:{post}")
    new = alice.write("hello")
    for ws in sockets:
        assert next_state(ws)["data"]["newest"] == new
    counted = bob.react(post, "like")
    for ws in sockets:
        said = next_state(ws)
        assert (said["topic"], said["version"], said["data"]["likes"]) == (f"post:{post}", counted["version"], 1)


def test_who_comes_back_after_a_worker_was_killed_has_the_right_numbers_at_once(workers: Workers, three: Three) -> None:
    alice, bob, carol = three
    post = alice.write("still here")
    topic = f"post:{post}"
    ws = carol.websocket()
    ws.hello()
    begin([ws], topic)
    (pid,) = workers.clients_of(carol)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises((Ended, ConnectionError)):
        next_state(ws)
    bob.react(post, "like")
    again = carol.websocket()
    again.hello()
    again.say(f'{{"type": "watch", "topics": ["{topic}"]}}')
    assert next_state(again)["data"]["likes"] == 1
    assert next(by_long_poll(carol, topic)).data["likes"] == 1
    workers.wait_until_all_answer()


def test_counts_go_on_while_redis_is_away_and_are_told_at_once_after_its_return(
    workers: Workers, three: Three, request: pytest.FixtureRequest
) -> None:
    alice, bob, carol = three
    post = alice.write("whatever happens")
    sockets = sockets_in_each(workers, carol)
    begin(sockets, "posts", f"post:{post}")
    request.getfixturevalue("without_redis")
    bob.react(post, "like")
    asked_at = time.monotonic()
    for ws in sockets:
        until_likes(ws, 1)
    assert time.monotonic() - asked_at < FOUND_WITHIN
    assert next(by_long_poll(carol, f"post:{post}")).data["likes"] == 1
    alice.react(post, "like")
    bring_back(workers)
    for ws in sockets:
        until_likes(ws, 2)
    new = alice.write("Redis is back")
    counted = bob.react(post, None)
    for ws in sockets:
        said = [next_state(ws), next_state(ws)]
        by_topic = {state["topic"]: state for state in said}
        assert by_topic["posts"]["data"]["newest"] == new
        assert by_topic[f"post:{post}"]["version"] == counted["version"]
