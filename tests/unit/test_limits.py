"""How many clients may wait: of one user, from one address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from myapp.live.limits import Limits, network_of

from .parking import USER, World, until


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_address_stands_for_itself_or_for_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_addresses_of_one_network_share_their_places() -> None:
    limits = Limits(0, per_address=2)
    limits.parked("2001:db8::1")
    assert not limits.is_reached_by("2001:db8::2")
    limits.parked("2001:db8::2")
    assert limits.is_reached_by("2001:db8::3")
    assert not limits.is_reached_by("2001:db8:0:1::1")
    limits.left("2001:db8::1")
    limits.left("2001:db8::2")
    assert limits.from_address == {}


def test_without_a_limit_nothing_is_counted() -> None:
    limits = Limits(0)
    limits.parked("192.0.2.1")
    assert not limits.is_reached_by("192.0.2.1")
    assert limits.from_address == {}


def test_the_oldest_of_a_users_sockets_goes_when_one_too_many_comes(world: World) -> None:
    world.dispatcher.limits.per_user = 3
    peers = [world.connect() for _ in range(4)]
    until(lambda: peers[0].close_code() == 4429)
    assert float(peers[0].frames[-1].reason.removeprefix("retry=")) >= 5
    assert len(world.dispatcher.of_user(USER)) == 3
    for peer in peers[1:]:
        assert peer.close_code() is None
    assert world.dispatcher.counts["too_many_of_user"] == 1


def test_the_oldest_stream_is_told_as_well(world: World) -> None:
    world.dispatcher.limits.per_user = 1
    stream = world.stream()
    world.connect()
    until(lambda: b'"code":4429' in stream.receive())


def test_a_long_poll_that_is_one_too_many_is_asked_to_wait(world: World) -> None:
    world.dispatcher.limits.per_user = 1
    poll = world.long_poll()
    world.connect()
    until(poll.answer)
    answer = poll.answer()
    assert answer["events"] == []
    assert answer["next"] >= 5


def test_other_users_are_not_touched(world: World) -> None:
    world.dispatcher.limits.per_user = 1
    other = world.connect(user=USER + 1)
    first, second = world.connect(), world.connect()
    until(lambda: first.close_code() == 4429)
    assert (other.close_code(), second.close_code()) == (None, None)


def test_an_address_has_its_places_and_gets_them_back(world: World) -> None:
    world.dispatcher.limits.per_address = 2
    peers = [world.connect() for _ in range(2)]
    for peer in peers:
        assert peer.client.address == ""
    assert world.dispatcher.refusal("") == "address"
    assert world.dispatcher.refusal("192.0.2.1") == ""
    peers[0].sock.close()
    until(lambda: world.dispatcher.refusal("") == "")
