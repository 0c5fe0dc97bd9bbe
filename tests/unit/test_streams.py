"""A parked event stream as its client sees it, with a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Iterator

import gevent
import pytest

from myapp.live.clients import CLOSED
from myapp.live.frames import CloseCode

from .parking import USER, Peer, World, settle, until


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()
    assert world.dispatcher.counts["callback_failures"] == 0


def event(seq: int, kind: str = "message") -> str:
    return f'{{"seq":{seq},"kind":"{kind}","at":"2026-11-20T09:00:00.000Z","data":{{}}}}'


def post(world: World, *kinds: str) -> None:
    """Events as the inbox makes them."""
    texts = world.inboxes[USER]
    first = len(texts) + 1
    texts.extend(event(first + at, kind) for at, kind in enumerate(kinds))
    world.tell(world.store(0)._replace(texts=tuple(texts[first - 1 :]), first=first))


def text(peer: Peer) -> str:
    peer.receive()
    return peer.raw.decode()


def pass_time(world: World, seconds: float) -> None:
    for _ in range(round(seconds * 4)):
        world.clock.now += 0.25
        world.dispatcher._sweep.turn()
        gevent.sleep(0)


def test_events_are_blocks_with_id_kind_and_data_and_one_block_of_badges_follows(world: World) -> None:
    peer = world.stream()
    post(world, "message", "like")
    until(lambda: "badges" in text(peer))
    assert peer.raw.decode() == (
        f"id: 1\nevent: message\ndata: {event(1)}\n\n"
        f"id: 2\nevent: like\ndata: {event(2, 'like')}\n\n"
        'event: badges\ndata: {"messages":2}\n\n'
    )


def test_a_comment_comes_every_fifteen_seconds(world: World) -> None:
    peer = world.stream()
    pass_time(world, 24.5)  # parked by `connect` with a WebSocket's first deadline
    assert text(peer) == ""
    pass_time(world, 1)
    assert text(peer) == ":\n\n"
    pass_time(world, 14)
    assert text(peer) == ":\n\n"
    pass_time(world, 1.5)
    assert text(peer) == ":\n\n" * 2


def test_a_reset_says_where_to_go_on(world: World) -> None:
    world.store(3)
    peer = world.stream(cursor=0, epoch="before")
    until(lambda: "reset" in text(peer))
    assert peer.raw.decode() == 'event: reset\ndata: {"type":"reset","epoch":"e1","latest":3}\n\n'
    assert (peer.client.cursor, peer.client.epoch) == (3, "e1")


@pytest.mark.parametrize(
    ("code", "retry", "said"),
    [
        (CloseCode.RESTARTING, 4.23, 'retry: 4200\nevent: close\ndata: {"code":1012,"retry":4.2}\n\n'),
        (CloseCode.NOT_SIGNED_IN, None, 'event: close\ndata: {"code":4401,"retry":null}\n\n'),
    ],
)
def test_the_end_is_announced(code: CloseCode, retry: float | None, said: str, world: World) -> None:
    peer = world.stream()
    peer.client.dismiss(code, retry)
    assert text(peer) == said
    assert peer.is_ended
    assert peer.client.state == CLOSED
    peer.client.dismiss(code, retry)
    assert world.dispatcher.counts[f"stream_closes_{code}"] == 1


def test_the_end_of_one_whose_socket_is_full_comes_behind_what_is_half_written(world: World) -> None:
    peer = world.stream(buffers=4096)
    while not peer.client.rest:
        peer.client.send(b":" + b"x" * 5000 + b"\n\n")
    peer.client.dismiss(CloseCode.RESTARTING, 1.0)
    assert peer.client.state != CLOSED
    until(lambda: text(peer).endswith('"retry":1.0}\n\n') and peer.is_ended)
    assert world.dispatcher.count == 0


def test_one_that_takes_nothing_is_cut_five_seconds_after_the_end_was_said(world: World) -> None:
    peer = world.stream(buffers=4096)
    while not peer.client.rest:
        peer.client.send(b":" + b"x" * 5000 + b"\n\n")
    peer.client.dismiss(CloseCode.RESTARTING, 1.0)
    pass_time(world, 4.5)
    assert peer.client.state != CLOSED
    pass_time(world, 1)
    assert peer.client.state == CLOSED


def test_a_session_ended_elsewhere_is_noticed_at_the_next_comment(world: World) -> None:
    peer = world.stream(grant="session:9")
    world.ended.add("session:9")
    pass_time(world, 26)
    until(lambda: peer.client.state == CLOSED)
    assert '"code":4401' in text(peer)


def test_what_the_client_sends_is_thrown_away(world: World) -> None:
    peer = world.stream()
    peer.write(b"GET / HTTP/1.1\r\n\r\n" * 100)
    post(world, "message")
    until(lambda: "badges" in text(peer))
    assert peer.raw.startswith(b"id: 1\n")


def test_a_stream_and_a_websocket_of_one_user_get_the_same(world: World) -> None:
    stream, websocket = world.stream(), world.connect()
    post(world, "message")
    until(lambda: "badges" in text(stream) and websocket.said())
    given = [json.loads(line[6:]) for line in stream.raw.decode().splitlines() if line.startswith('data: {"seq"')]
    assert given == websocket.said()[0]["events"]


# -- what is watched


def snapshots(peer: Peer) -> list[dict]:
    lines = text(peer).splitlines()
    return [json.loads(data[6:]) for kind, data in zip(lines, lines[1:], strict=False) if kind == "event: snapshot"]


def watching(world: World, peer: Peer, *topics: str) -> None:
    topics_of = world.dispatcher.topics
    topics_of.watch(peer.client, topics_of.resolve(USER, topics))
    peer.client.give_snapshots(topics_of.of(peer.client))


def test_presence_is_told_to_all_who_watch_and_versions_grow(world: World) -> None:
    peers = [world.stream(), world.stream(user=8), world.connect()]
    for peer in peers:
        watching(world, peer, "presence:5")
    someone = world.connect(user=5)
    someone.sock.close()
    until(lambda: world.dispatcher.count == 3)
    pass_time(world, 4.5)
    for peer in peers[:2]:
        said = snapshots(peer)
        assert [snapshot["data"]["state"] for snapshot in said] == ["offline", "online"]
    pass_time(world, 1)
    said = snapshots(peers[0])
    assert [snapshot["data"]["state"] for snapshot in said] == ["offline", "online", "offline"]
    versions = [snapshot["version"] for snapshot in said]
    assert versions == sorted(set(versions))
    assert [frame["version"] for frame in peers[2].said()] == versions


def test_who_comes_back_within_the_grace_was_never_away(world: World) -> None:
    peer = world.stream()
    watching(world, peer, "presence:5")
    for _ in range(3):
        someone = world.long_poll(user=5, timeout=1)
        pass_time(world, 2)
        until(lambda one=someone: one.answer() is not None)
        pass_time(world, 3)
    assert [snapshot["data"]["state"] for snapshot in snapshots(peer)] == ["offline", "online"]


def test_who_is_behind_gets_the_newest_snapshot_when_there_is_room(world: World) -> None:
    peer = world.stream(buffers=4096)
    watching(world, peer, "presence:5")
    post(world, *["message"] * 90)
    until(lambda: peer.client.is_behind)
    for state in ("online", "offline", "away"):
        world.dispatcher.topics.put("presence:5", f'{{"state":"{state}"}}')
    until(lambda: "away" in text(peer))
    assert [snapshot["data"]["state"] for snapshot in snapshots(peer)] == ["offline", "away"]
    blocks = text(peer).split("\n\n")
    assert all(block.startswith(("id: ", "event: ")) for block in blocks[:-1])


def test_the_latest_wish_of_a_websocket_counts(world: World) -> None:
    peer = world.connect()
    world.gate.clear()
    for topics in (["presence:1"], ["presence:2", "presence:2"], ["presence:3", "posts"]):
        world.dispatcher.topics.watch_later(peer.client, topics)
    settle(0.01)
    world.gate.set()
    until(lambda: len(peer.said()) >= 2)
    settle()
    snapshot, error = peer.said()
    assert (snapshot["topic"], error["type"]) == ("presence:3", "error")
    assert "posts" in error["detail"]


def test_a_wish_of_one_who_left_meanwhile_leaves_nothing_behind(world: World) -> None:
    peer = world.connect()
    world.gate.clear()
    world.dispatcher.topics.watch_later(peer.client, ["presence:1"])
    settle(0.01)
    peer.client.drop()
    world.gate.set()
    settle()
    topics = world.dispatcher.topics
    assert topics.size == 0


def test_who_leaves_watches_nothing_any_more(world: World) -> None:
    peers = [world.stream(), world.connect(), world.long_poll()]
    for peer in peers:
        topics = world.dispatcher.topics
        topics.watch(peer.client, topics.resolve(USER, ["presence:1", "presence:2"]), ["posts"])
    for peer in peers:
        peer.client.drop()
    topics = world.dispatcher.topics
    assert topics.size == 0
