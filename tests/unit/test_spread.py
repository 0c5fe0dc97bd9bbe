"""What many are told at once reaches those who wait here as if each had been told alone."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from myapp.live import grants
from myapp.live.bus import NewsOfMany
from myapp.live.clients import CURRENT
from myapp.live.dispatcher import Dispatcher
from myapp.live.limits import Limits
from myapp.live.redis_bus import RedisBus
from stack import Redis

from .parking import USER, Peer, World, badges, settle, until

REST = '"kind":"announcement","data":{"title":"žluť"}}'
MANY = range(100, 400)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.dispatcher.start()
    yield world
    world.close()
    assert world.dispatcher.counts["callback_failures"] == 0


def spread_to(world: World, *users: int, is_told: bool = True, epoch: str = "e1") -> None:
    """An announcement: stored in these inboxes, and told of."""
    rows, texts = [], []
    for which, user in enumerate(users):
        seq = len(world.inboxes[user]) + 1
        world.inboxes[user].append(f'{{"seq":{seq},{REST}')
        rows.append((user, seq, which))
        texts.append(badges(seq))
    if is_told:
        world.bus.spread(NewsOfMany(REST, rows, texts, epoch=epoch))


def given(peer: Peer) -> list[tuple[int, int]]:
    """Seq and badge of each frame."""
    return [(said["seq"], said["badges"]["messages"]) for said in peer.said() if said["type"] == "events"]


def test_who_waits_is_given_it_at_once_with_seq_and_badges_of_their_own(world: World) -> None:
    world.store(4, user=8)
    one, two, other = world.connect(), world.connect(user=8), world.connect(user=9)
    spread_to(world, USER, 8, 10)
    until(lambda: given(one) and given(two))
    assert (given(one), given(two)) == ([(1, 1)], [(5, 5)])
    assert two.said()[-1]["events"] == [json.loads(f'{{"seq":5,{REST}')]
    settle()
    assert other.said() == []
    assert world.reads == []


def test_it_comes_by_every_way_of_waiting(world: World) -> None:
    telling, stream, poll = world.telling(), world.stream(), world.long_poll()
    spread_to(world, USER)
    until(lambda: poll.answer() is not None and b"badges" in stream.raw + stream.receive() and telling.said())
    assert telling.said() == [{"type": "new", "seq": 1}]
    answer = poll.answer()
    assert (answer["seq"], answer["badges"], answer["events"][0]["kind"]) == (1, {"messages": 1}, "announcement")
    assert b"id: 1\nevent: announcement\n" in stream.raw
    assert world.reads == []


def test_very_many_who_wait_are_all_given_it(world: World) -> None:
    peers = [world.connect(user=user) for user in MANY]
    for _ in range(2):
        spread_to(world, *range(50, 500))
    until(lambda: all(len(peer.seqs()) == 2 for peer in peers), "everyone")
    settle()
    assert all(peer.seqs() == [1, 2] for peer in peers)
    assert world.reads == []


def test_who_lacks_something_catches_up_before_it(world: World) -> None:
    world.store(2)
    behind, current = world.connect(cursor=0), world.connect()
    spread_to(world, USER)
    until(lambda: behind.seqs() == [1, 2, 3] and current.seqs() == [3])


def test_who_missed_what_came_before_reads_it(world: World) -> None:
    peer = world.connect()
    world.store()  # nobody is told of this one
    spread_to(world, USER)
    until(lambda: peer.seqs() == [1, 2])
    assert peer.client.state == CURRENT


def test_it_joins_what_comes_in_the_same_turn_in_any_order(world: World) -> None:
    peer = world.connect()
    first = world.store()
    spread_to(world, USER)
    third = world.store()
    world.tell(third), world.tell(first)
    until(lambda: peer.seqs() == [1, 2, 3])
    assert len([said for said in peer.said() if said["type"] == "events"]) == 1
    assert world.reads == []


def test_it_is_doubled_and_lost_without_harm(world: World) -> None:
    peer = world.connect()
    spread_to(world, USER)
    world.bus.spread(NewsOfMany(REST, [(USER, 1, 0)], [badges(1)], epoch="e1"))
    spread_to(world, USER, is_told=False)
    until(lambda: peer.seqs() == [1])
    world.dispatcher.delivery.compare(*world._read_heads([USER]))
    until(lambda: peer.seqs() == [1, 2])
    settle()
    assert peer.seqs() == [1, 2]


def test_that_of_another_epoch_is_not_believed(world: World) -> None:
    peer = world.connect()
    spread_to(world, USER, is_told=False)
    world.bus.spread(
        NewsOfMany('"kind":"announcement","data":"of a database before"}', [(USER, 1, 0)], ["{}"], epoch="e0")
    )
    until(lambda: peer.seqs() == [1])
    assert peer.said()[-1]["events"][0]["data"] == {"title": "žluť"}


def test_all_that_a_systems_token_granted_ends_some_in_each_turn_of_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = [world.connect(user=user, grant=f"system:3:{user}") for user in range(7, 12)]
    others = [world.connect(user=7, grant=grant) for grant in ("system:31:7", "system:1:7", "session:3")]
    until(lambda: not world.dispatcher.grants._doubted, "what is looked at after parking")
    world.ended.update(f"system:3:{user}" for user in range(7, 12))
    asked: list[set[str]] = []

    def read_ended(wanted: set[str]) -> set[str]:
        asked.append(wanted)
        return wanted & world.ended

    monkeypatch.setattr(world.dispatcher.grants, "_read_ended", read_ended)
    monkeypatch.setattr(grants, "MOST_DOUBTED", 2)
    world.bus.end_grants("system:3:")
    assert [peer.close_code() for peer in ours] == [None] * 5
    until(lambda: all(peer.close_code() == 4401 for peer in ours))
    assert [len(wanted) for wanted in asked] == [2, 2, 1]
    assert [peer.close_code() for peer in others] == [None] * 3


def test_nobody_here_is_no_error(world: World) -> None:
    world.bus.spread(NewsOfMany(REST, [(1, 1, 0)], ["{}"]))
    world.bus.end_grants("system:3:")
    settle()
    assert world.reads == []


def test_clients_of_another_worker_are_given_it_through_redis(redis_server: Redis, cooperative_redis: None) -> None:
    deployment = secrets.token_hex(4)
    world, sender = World(), RedisBus(redis_server.url, deployment)
    world.bus = RedisBus(redis_server.url, deployment)  # type: ignore[assignment]
    world.dispatcher = Dispatcher(
        world.bus, world._read, world._read_heads, limits=Limits(0), http_date=lambda: "", clock=world.clock
    )
    sender.start(lambda news: None)
    world.dispatcher.start()
    until(lambda: world.bus.state == sender.state == "ok", "the buses to carry")
    world.store(3, user=8)
    here, there = world.connect(), world.connect(user=8)
    spread_to(world, USER, 8, is_told=False)
    sender.spread(NewsOfMany(REST, [(USER, 1, 1), (8, 4, 0)], [badges(4), badges(1)], epoch="e1"))
    until(lambda: given(here) == [(1, 1)] and given(there) == [(4, 4)], "both")
    assert world.reads == []
    sender.close()
    world.close()
