"""Everything that can come between the steps of a read, in every order: each event once, in order, and an end at rest.

A read is held twice: before it looks into the inbox (until `look`) and before it answers (until `answer`). What
happens around it are steps too, and every order of a set of them is tried, each step in a turn of the loop of its own
and all in one turn.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence

import gevent
import pytest

from myapp.live.bus import News
from myapp.live.frames import Batch, CloseCode

from .followed import Broken, FollowedWorld, a_world, turn
from .followers import (
    Follower,
    PollFollower,
    SocketFollower,
    StreamFollower,
    TellingFollower,
    check_end,
    read_all,
)
from .parking import USER

#: Of larger sets so many orders are drawn by lot, always the same.
MOST_ORDERS = 100

#: Which step only comes after which.
AFTER = {
    "tell A": ("commit A",),
    "tell A again": ("tell A",),
    "commit B": ("commit A",),  # A is what is committed first
    "tell B": ("commit B",),
    "slow reads": ("fill",),
    # news of the database before is not on its way any more when a backup is put back
    "new epoch": ("tell A", "tell A again", "tell B"),
}


class Scene:
    """Who is there before the first step: two who catch up, and whose read is held; and who is current."""

    def __init__(self, world: FollowedWorld) -> None:
        self.world = world
        world.store(3)
        world.gate.clear()
        world.answer_gate.clear()
        self.behind: list[Follower] = [SocketFollower(world, 1), StreamFollower(world, 1, grant="session:2")]
        self.slow = SocketFollower(world, buffers=2048)
        self.slow.is_reading = False
        self.current: list[Follower] = [
            SocketFollower(world, grant="session:2"),
            StreamFollower(world),
            PollFollower(world),
            PollFollower(world, grant="session:2"),
            TellingFollower(world),
        ]
        self.joined: list[Follower] = []
        self.committed: dict[str, Batch] = {}
        self.steps: dict[str, Callable[[], None]] = {
            "look": world.gate.set,
            "answer": world.answer_gate.set,
            "commit A": lambda: self.commit("A"),
            "tell A": lambda: self.tell("A"),
            "tell A again": lambda: self.tell("A"),
            "commit B": lambda: self.commit("B"),
            "tell B": lambda: self.tell("B"),
            "tell of C without text": lambda: self.tell_of(world.store()._replace(texts=())),
            "fill": lambda: self.tell_of(world.store(size=6_000)),
            "slow reads": self.slow_reads,
            "leave": self.behind[0].leave,
            "join": lambda: self.joined.append(SocketFollower(world, 0)),
            "join at the end": lambda: self.joined.append(StreamFollower(world)),
            "new epoch": self.new_epoch,
            "session ends": lambda: world.end("session:2"),
            "fail": self.fail,
            "compare": world.compare,
            "drain": self.drain,
        }
        self.draining: gevent.Greenlet | None = None
        turn(2)

    @property
    def everybody(self) -> list[Follower]:
        return [*self.behind, self.slow, *self.current, *self.joined]

    def commit(self, name: str) -> None:
        self.committed[name] = self.world.store()

    def tell(self, name: str) -> None:
        self.tell_of(self.committed[name])

    def tell_of(self, batch: Batch) -> None:
        self.world.bus.publish(News(USER, batch))

    def slow_reads(self) -> None:
        self.slow.is_reading = True

    def fail(self) -> None:
        """The next read fails."""
        self.world.failing_reads += 1

    def new_epoch(self) -> None:
        """A backup is put back that ends at 2."""
        self.world.epoch = "e2"
        self.world.inboxes[USER] = self.world.inboxes[USER][:2]

    def drain(self) -> None:
        self.draining = gevent.spawn(self.world.dispatcher.close, CloseCode.GOING_AWAY, patience=0)

    def finish(self, names: Sequence[str]) -> None:
        """Hold nothing any more; then all must have everything, without the sweep's help where it is not needed."""
        self.world.gate.set()
        self.world.answer_gate.set()
        self.slow.is_reading = True
        read_all(*self.everybody)
        if self.draining is not None:
            self.draining.get()
            assert self.world.is_at_rest
            assert self.world.dispatcher.count == 0
            assert all(follower.is_over for follower in self.everybody)
            return
        if "new epoch" in names:
            # whoever knows of the new epoch is current; the others learn of it from the sweep, once
            check_end(self.world, *(one for one in self.everybody if one.epoch == "e2"))
            self.world.compare()
            read_all(*self.everybody)
            assert all(one.resets == (one.began_in == "e1") for one in self.everybody if not one.is_over)
        if "session ends" in names:
            ended = [one for one in self.everybody if one.grant == "session:2"]
            assert all(one.code == (0 if isinstance(one, PollFollower) else CloseCode.NOT_SIGNED_IN) for one in ended)
        check_end(self.world, *self.everybody)


def orders(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every order of these steps that can be."""
    for order in itertools.permutations(names):
        at = {name: number for number, name in enumerate(order)}
        if all(at[before] < at[name] for name in names for before in AFTER.get(name, ()) if before in at):
            yield order


def an_order(names: Sequence[str], lots: random.Random) -> tuple[str, ...]:
    """One that can be, by lot."""
    order: list[str] = []
    while left := [name for name in names if name not in order]:
        before = {name: [one for one in AFTER.get(name, ()) if one in left] for name in left}
        order.append(lots.choice([name for name in left if not before[name]]))
    return tuple(order)


def play(order: Sequence[str], *, one_a_turn: bool) -> None:
    with a_world(is_cooperative=False) as world:
        scene = Scene(world)
        for name in order:
            scene.steps[name]()
            if one_a_turn:
                turn(2)
                for follower in scene.everybody:
                    follower.read()
        scene.finish(order)


HELD = ("look", "answer")
#: What can happen around a read, as steps that belong together.
A = ("commit A", "tell A")
HAPPENINGS = (
    A,
    (*A, "tell A again"),
    (*A, "commit B", "tell B"),
    ("tell of C without text",),
    ("fill", "slow reads"),
    ("leave",),
    ("join",),
    ("join at the end",),
    ("new epoch",),
    ("session ends",),
    ("fail",),
    ("compare",),
    ("drain",),
)
PAIRS = [
    tuple(dict.fromkeys((*HELD, *one, *other)))
    for one, other in itertools.combinations(HAPPENINGS, 2)
    if len({*one, *other}) <= 4
]
MANY = [
    (*HELD, *A, "commit B", "tell B", "tell A again", "join"),
    (*HELD, *A, "commit B", "tell B", "fill", "slow reads"),
    (*HELD, *A, "fill", "slow reads", "join", "leave"),
    (*HELD, "new epoch", "join", "tell of C without text"),
    (*HELD, "new epoch", "join", "fill", "slow reads"),
    (*HELD, *A, "new epoch", "tell of C without text", "join"),
    (*HELD, *A, "new epoch", "compare", "fill", "slow reads"),
    (*HELD, *A, "session ends", "fail", "join at the end", "compare"),
    (*HELD, *A, "commit B", "tell B", "session ends", "new epoch", "join", "leave"),
    (*HELD, *A, "commit B", "tell B", "fill", "slow reads", "drain", "join", "compare", "fail"),
]


def play_all(some: Iterable[tuple[str, ...]], *, one_a_turn: bool) -> int:
    """Play all these orders and say how many they were. Raises Broken, which names the order."""
    played = 0
    for order in some:
        try:
            play(order, one_a_turn=one_a_turn)
        except AssertionError as error:
            raise Broken(f"{', '.join(order)}: {error}") from error
        played += 1
    return played


@pytest.mark.parametrize("one_a_turn", [True, False], ids=["one a turn", "all in one turn"])
@pytest.mark.parametrize("names", PAIRS, ids=", ".join)
def test_every_order_of_a_few_steps_gives_each_event_once_and_comes_to_rest(
    names: tuple[str, ...], one_a_turn: bool
) -> None:
    assert play_all(orders(names), one_a_turn=one_a_turn) >= 12


@pytest.mark.parametrize("names", MANY, ids=", ".join)
def test_orders_of_many_steps_give_each_event_once_and_come_to_rest(names: tuple[str, ...]) -> None:
    lots = random.Random(", ".join(names))
    drawn = (an_order(names, lots) for _ in range(MOST_ORDERS))
    assert play_all(drawn, one_a_turn=True) == MOST_ORDERS


def test_the_orders_of_steps_that_depend_on_each_other_are_those_that_can_be() -> None:
    assert list(orders(A)) == [A]
    assert list(orders(("tell A", "new epoch", "commit A"))) == [("commit A", "tell A", "new epoch")]
    both = (*HELD, *A, "commit B", "tell B")
    assert len(list(orders(both))) == 6 * 5 * 3  # where HELD stand, times the orders of A and B
    assert an_order(both, random.Random(1)) in orders(both)
