"""The feed and the counts of posts, as those see them who have them on screen: over all four ways, on both servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from myapp.extensions import database
from myapp.posts import counts

from .someone import Someone, Three
from .stream import EventStream
from .watchers import PUSHED, WAYS, State, States

#: Seconds within which the sweep has found what nobody was told of, and what the machine may add.
FOUND_WITHIN = 5.0 + 3.0


def said_of(who: Someone, post: int) -> Any:
    """What the topic of a post has to say, as the post itself says it."""
    post_now = who.get(f"/posts/{post}").json()
    return {**post_now["counts"], "deleted": post_now["deleted"]}


def until_it_says(states: States, data: Any, after: State) -> State:
    """The state that says so, and all before it have growing versions."""
    version = after.version
    while True:
        state = next(states)
        assert state.version > version
        version = state.version
        if state.data == data:
            return state


def test_a_new_post_reaches_everybody_who_has_the_feed_open(three: Three) -> None:
    alice, bob, _ = three
    old = alice.write("there before")
    feeds = [way(bob, "posts") for way in WAYS]
    for feed in feeds:
        assert next(feed).data["newest"] == old
    began = time.monotonic()
    new = alice.write("hello")
    for feed in feeds:
        state = next(feed)
        assert state.data["newest"] == new
        assert state.data["recent"][:2] == [{"id": new, "by": alice.name}, {"id": old, "by": alice.name}]
    assert time.monotonic() - began < 4
    reply = bob.post(f"/posts/{new}/replies", {"body": "not in the feed"}).json()["id"]
    newest = alice.write("and another")
    for feed in feeds:
        assert reply not in [entry["id"] for entry in next(feed).data["recent"]]
    assert newest > reply


def test_counts_are_absolute_and_their_versions_grow_whichever_way_they_come(three: Three) -> None:
    alice, bob, carol = three
    post = alice.write("what do you think")
    watching = [way(carol, f"post:{post}") for way in WAYS]
    last = [next(states) for states in watching]
    assert [state.data for state in last] == [{"likes": 0, "dislikes": 0, "replies": 0, "deleted": False}] * 4
    changes: list[Callable[[], object]] = [
        lambda: bob.react(post, "like"),
        lambda: alice.react(post, "dislike"),
        lambda: bob.post(f"/posts/{post}/replies", {"body": "this"}),
        lambda: bob.react(post, None),
    ]
    for change in changes:
        change()
        expected = said_of(alice, post)
        last = [until_it_says(states, expected, state) for states, state in zip(watching, last, strict=True)]
        assert len(set(map(str, last))) == 1, "the version is the same whichever way it comes"
    assert last[0].data == {"likes": 0, "dislikes": 1, "replies": 1, "deleted": False}


def test_a_hot_post_gives_few_states_to_each_and_the_last_one_is_right(three: Three) -> None:
    alice, bob, carol = three
    post = alice.write("hot")
    given: list[list[State]] = [[] for _ in PUSHED]
    began = threading.Barrier(len(PUSHED) + 1)

    def follow(states: States, kept: list[State]) -> None:
        kept.append(next(states))
        began.wait(20)
        while not kept[-1].data["replies"]:  # the last change
            kept.append(next(states))

    threads = [
        threading.Thread(target=follow, args=(way(carol, f"post:{post}"), kept))
        for way, kept in zip(PUSHED, given, strict=True)
    ]
    for thread in threads:
        thread.start()
    began.wait(20)
    started = time.monotonic()
    for number in range(50):
        (alice if number % 2 else bob).react(post, "dislike" if number % 4 > 1 else "like")
    assert bob.post(f"/posts/{post}/replies", {"body": "the last word"}).status == 201
    took = time.monotonic() - started
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    for kept in given:
        assert kept[-1].data == said_of(bob, post)
        versions = [state.version for state in kept]
        assert versions == sorted(set(versions))
        assert len(kept) <= 2 * took + 5, f"{len(kept)} states of 51 changes in {took:.1f} s"


def test_who_comes_back_has_the_right_numbers_at_once(three: Three) -> None:
    alice, bob, carol = three
    post = alice.write("while you were away")
    topic = f"post:{post}"
    stream = EventStream.open(carol, watch=topic).began()
    assert stream.next().event == "snapshot"
    stream.cut()
    bob.react(post, "like")
    bob.post(f"/posts/{post}/replies", {"body": "this"})
    expected = said_of(alice, post)
    assert [next(way(carol, topic)).data for way in WAYS] == [expected] * len(WAYS)


def test_what_another_process_has_changed_is_found(three: Three) -> None:
    alice, bob, carol = three
    post = alice.write("counted by a command")
    bob.react(post, "like")
    watching = [way(carol, f"post:{post}") for way in PUSHED]
    last = [next(states) for states in watching]
    began = time.monotonic()
    with alice.server.app.app_context(), database().transaction() as transaction:
        counts.change(transaction, post, likes=4)
    expected = {"likes": 5, "dislikes": 0, "replies": 0, "deleted": False}
    for states, state in zip(watching, last, strict=True):
        until_it_says(states, expected, state)
    assert time.monotonic() - began < FOUND_WITHIN


@pytest.mark.parametrize("topic", ["post:999999999", "post:0", "post:x"])
def test_what_does_not_exist_is_refused_and_the_others_hold(topic: str, three: Three) -> None:
    alice, _, carol = three
    post = alice.write("here")
    said = carol.poll(watch=f"{topic},post:{post}", have="0,0")
    assert list(said["snapshots"]) == [f"post:{post}"]
    assert topic in said["errors"]["watch"]
