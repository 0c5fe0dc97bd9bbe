"""What is handed out, and to whom: news without texts, from the middle, for who left, comes, or is sent away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from myapp.live.clients import ParkedClient
from myapp.live.frames import CloseCode

from .followed import FollowedWorld, a_world, turn
from .followers import (
    KINDS,
    Follower,
    PollFollower,
    SocketFollower,
    StreamFollower,
    TellingFollower,
    check_end,
    read_all,
)
from .parking import USER, ReadPage, badges, open_descriptors

OTHER = 8


@pytest.fixture
def world() -> Iterator[FollowedWorld]:
    with a_world() as world:
        yield world


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_announced_without_its_text_is_read_at_once(kind: type[Follower]) -> None:
    """Nothing is on its way that could be waited for."""
    with a_world(patience=60) as world:
        follower = kind(world)
        world.tell(world.store(size=9_000)._replace(texts=()))
        read_all(follower)
        check_end(world, follower)
        assert len(world.reads) == (0 if kind is TellingFollower else 1)


def test_an_event_with_and_one_without_its_text_in_one_turn_are_one_frame_and_one_read() -> None:
    with a_world(patience=60) as world:
        follower = SocketFollower(world)
        world.post()
        world.tell(world.store(size=9_000)._replace(texts=()))
        world.post()
        read_all(follower)
        check_end(world, follower)
        assert world.reads == [(USER, 1)]
        assert follower.frames == 2


def test_an_old_event_without_its_text_does_not_end_the_patience_with_a_gap() -> None:
    with a_world(patience=60) as world:
        world.store(3)
        follower = SocketFollower(world)
        old = world.page(USER, 2, "")
        world.store()
        world.tell(world.store())
        world.tell(world.store(0)._replace(first=2, seq=3, latest=3, badges=badges(3)))
        turn(5)
        follower.read()
        assert (old.latest, follower.cursor, world.reads) == (3, 3, [])
        assert len(world.dispatcher._timers) == 1


@pytest.mark.parametrize("kind", [SocketFollower, StreamFollower, PollFollower])
def test_who_stands_in_the_middle_of_the_news_is_given_its_end(kind: type[Follower], world: FollowedWorld) -> None:
    whole = world.store(10)
    world.inboxes[USER] = world.inboxes[USER][:4]
    followers = [kind(world), SocketFollower(world)]
    world.inboxes[USER] += whole.texts[4:]
    world.tell(whole)
    read_all(*followers)
    check_end(world, *followers)
    assert [follower.frames for follower in followers] == [1, 1]
    assert world.reads == []


def test_news_that_says_less_than_is_known_gives_its_events_and_takes_nothing_back(world: FollowedWorld) -> None:
    followers = [kind(world) for kind in KINDS]
    first, second = world.store(), world.store()
    world.tell(second)  # in one turn, so that both are known when the first one is handed out
    world.tell(first)
    place = followers[0].client.place
    assert (place.wanted, place.badges) == (2, badges(2))
    read_all(*followers)
    world.tell(first)
    read_all(*followers)
    check_end(world, *followers)
    assert world.reads == []


def test_news_for_a_user_who_left_in_the_same_turn_is_dropped(world: FollowedWorld) -> None:
    gone, other = SocketFollower(world), SocketFollower(world, user=OTHER)
    world.post()
    gone.client.drop()
    world.post(user=OTHER)
    assert len(world.dispatcher.handing_out._pending) == 1
    gone.leave()
    read_all(other)
    check_end(world, gone, other)
    assert (other.frames, world.reads) == (1, [])
    assert not world.dispatcher.is_here(USER)


def test_news_for_a_user_who_left_and_came_back_in_the_same_turn_is_given_once(world: FollowedWorld) -> None:
    gone = SocketFollower(world)
    world.post()
    gone.client.drop()
    gone.leave()
    back = SocketFollower(world, 0)
    world.post()
    read_all(back)
    check_end(world, gone, back)


# -- between entering and parking


def while_it_enters(
    monkeypatch: pytest.MonkeyPatch, world: FollowedWorld, kind: type[Follower], happening: Callable[[], None]
) -> Follower:
    """A client that stands at the end; between its first read, which the view makes, and its parking it happens."""
    park = world.dispatcher.park

    def late(client: ParkedClient, page: ReadPage, check_at: float) -> None:
        happening()
        park(client, page, check_at)

    monkeypatch.setattr(world.dispatcher, "park", late)
    follower = kind(world)
    monkeypatch.undo()
    return follower


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_handed_out", [True, False])
def test_news_that_comes_while_the_first_read_is_under_way_is_given_once(
    kind: type[Follower], is_handed_out: bool, world: FollowedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is handed out before the client is parked, so that nobody gets it, or just after that."""
    world.store(2)

    def post() -> None:
        world.post()
        if is_handed_out:
            turn(3)

    follower = while_it_enters(monkeypatch, world, kind, post)
    read_all(follower)
    check_end(world, follower)
    assert follower.frames == 1


@pytest.mark.parametrize("kind", KINDS)
def test_session_that_ends_while_the_first_read_is_under_way_ends_the_client(
    kind: type[Follower], world: FollowedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = kind(world, grant="session:2")
    follower = while_it_enters(monkeypatch, world, kind, lambda: world.end("session:1"))
    read_all(follower, other)
    assert follower.code == (0 if kind is PollFollower else CloseCode.NOT_SIGNED_IN)
    assert not other.is_over
    assert world.dispatcher.grants._ended == {}


# -- while and after everybody is sent away


@pytest.mark.parametrize("kind", KINDS)
def test_client_that_is_parked_when_all_is_over_is_dropped_and_nothing_stays_open(
    kind: type[Follower], world: FollowedWorld
) -> None:
    world.dispatcher.close(patience=0)
    inside = open_descriptors()
    follower = kind(world)
    assert world.dispatcher.count == 0
    assert open_descriptors() == inside + 1  # its far end
    follower.read()
    assert follower.is_over


def test_read_that_fails_when_all_is_over_is_not_tried_again() -> None:
    with a_world(patience=60) as world:
        world.store(3)
        world.gate.clear()
        world.failing_reads = 1
        SocketFollower(world, 0)
        turn(2)
        world.dispatcher.close(patience=0)
        world.gate.set()
        turn(2)
        assert world.reads == [(USER, 0)]
        assert world.is_at_rest
