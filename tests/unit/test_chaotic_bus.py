"""Whatever the bus does, and whoever comes, goes, or reads slowly: after one comparison everybody has everything."""

from __future__ import annotations

from contextlib import ExitStack

import gevent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, precondition, rule

from .chaotic_bus import ChaoticBus
from .followed import FollowedWorld, a_world, turn
from .followers import KINDS, Follower, check_end, read_all
from .parking import USER

QUIET = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def spoil(world: FollowedWorld, seed: int) -> ChaoticBus:
    """Have the world's news go over a chaotic bus from its first client on."""
    bus = ChaoticBus(seed)
    world.bus = world.dispatcher._bus = bus  # type: ignore[assignment]
    bus.start(world.dispatcher.delivery.deliver)
    return bus


@settings(QUIET, max_examples=50)
@given(st.integers(0, 2**32), st.booleans())
def test_whatever_the_bus_does_all_have_each_event_once_after_one_comparison(seed: int, is_cooperative: bool) -> None:
    with a_world(is_cooperative=is_cooperative) as world:
        bus = spoil(world, seed)
        followers = [kind(world) for kind in KINDS]
        for _ in range(60):
            world.post()
            turn(2)
        world.compare()
        read_all(*followers)
        check_end(world, *followers)
        assert bus.done["lose"]


def test_the_chaotic_bus_does_all_it_can() -> None:
    with a_world() as world:
        bus = spoil(world, 1)
        follower = KINDS[0](world)
        for _ in range(100):
            world.post()
        assert all(count > 3 for count in bus.done.values()), bus.done
        world.compare()
        read_all(follower)
        check_end(world, follower)


class Chaos(RuleBasedStateMachine):
    """Clients of all kinds at any cursor; a bus, a database and readers that are at their worst."""

    followers = Bundle("followers")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world: FollowedWorld | None = None
        self.everybody: list[Follower] = []
        self.epochs = 1

    @property
    def here(self) -> FollowedWorld:
        assert self.world is not None
        return self.world

    @precondition(lambda self: self.world is None)
    @rule(seed=st.integers(0, 2**32), is_cooperative=st.booleans())
    def begin(self, seed: int, is_cooperative: bool) -> None:
        self.world = self.stack.enter_context(a_world(is_cooperative=is_cooperative, most_alike=4))
        self.bus = spoil(self.world, seed)

    @precondition(lambda self: self.world is not None)
    @rule(count=st.sampled_from((1, 1, 1, 3, 130)), size=st.sampled_from((0, 0, 900)), is_inline=st.booleans())
    def post(self, count: int, size: int, is_inline: bool) -> None:
        batch = self.here.store(count, size=size)
        self.here.tell(batch if is_inline else batch._replace(texts=()))

    @precondition(lambda self: self.world is not None)
    @rule(count=st.sampled_from((1, 250)))
    def another_process_writes(self, count: int) -> None:
        self.here.store(count)

    @precondition(lambda self: self.world is not None)
    @rule(
        target=followers,
        kind=st.sampled_from(KINDS),
        part=st.sampled_from((0.0, 0.5, 1.0, 1.0)),
        buffers=st.sampled_from((None, 2048)),
    )
    def join(self, kind: type[Follower], part: float, buffers: int | None) -> Follower:
        follower = kind(self.here, int(len(self.here.inboxes[USER]) * part), buffers=buffers)
        self.everybody.append(follower)
        return follower

    @rule(follower=consumes(followers))
    def leave(self, follower: Follower) -> None:
        follower.leave()

    @rule(follower=followers, most=st.sampled_from((1, 333, 5_000, 1 << 20)))
    def read(self, follower: Follower, most: int) -> None:
        follower.read(most)

    @precondition(lambda self: self.world is not None)
    @rule(count=st.integers(1, 3))
    def the_next_reads_fail(self, count: int) -> None:
        self.here.failing_reads = count

    @precondition(lambda self: self.world is not None)
    @rule(look=st.booleans(), answer=st.booleans())
    def reads_are_held_or_let_go(self, look: bool, answer: bool) -> None:
        for gate, is_open in ((self.here.gate, look), (self.here.answer_gate, answer)):
            gate.set() if is_open else gate.clear()

    @precondition(lambda self: self.world is not None)
    @rule()
    def the_bus_says_what_it_held_back(self) -> None:
        self.bus.release()

    @precondition(lambda self: self.world is not None)
    @rule()
    def compare(self) -> None:
        self.here.compare()

    @precondition(lambda self: self.world is not None and self.epochs < 4)
    @rule(part=st.sampled_from((0.0, 0.5, 1.0)))
    def a_backup_is_put_back(self, part: float) -> None:
        self.bus.forget()
        self.epochs += 1
        self.here.epoch = f"e{self.epochs}"
        texts = self.here.inboxes[USER]
        del texts[int(len(texts) * part) :]

    @precondition(lambda self: self.world is not None)
    @rule(seconds=st.sampled_from((0.0, 0.0, 0.003)))
    def time_passes(self, seconds: float) -> None:
        turn(2)
        if seconds:
            gevent.sleep(seconds)

    def teardown(self) -> None:
        with self.stack:
            if self.world is None or not self.everybody:
                return
            self.here.gate.set()
            self.here.answer_gate.set()
            read_all(*self.everybody)  # a read of the database before a backup was put back can still be under way
            self.here.compare()
            read_all(*self.everybody)
            check_end(self.here, *self.everybody)
            assert all(follower.resets < self.epochs for follower in self.everybody)


TestChaos = Chaos.TestCase
TestChaos.settings = settings(QUIET, max_examples=60, stateful_step_count=30)
