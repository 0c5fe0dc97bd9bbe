"""Whatever order batches come in, wherever they are cut, doubled or lost: each event once, in order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from myapp_client import Cursor, Reset

from .puppet import Ask, Open, Puppet, badges_at, event, events, hello, poll, reset

MOST = 12

#: What an evil network does with an open connection: batches from here to there, ends of any kind, garbage.
BATCH = st.tuples(st.integers(1, MOST), st.integers(0, 5))
ENDS = st.sampled_from([None, 1001, 1012, 4408, 4409, 4429])
OPEN = st.sampled_from(["refused", "cut", "opened"])
DEED = st.one_of(BATCH, ENDS, st.sampled_from(["garbage", "silence", "restore", "half a restore"]))
WAY = st.sampled_from(["auto", "websocket", "long-poll"])
CONNECTIONS = st.lists(st.tuples(OPEN, st.lists(DEED, max_size=8)), max_size=8)


class World:
    """An inbox with MOST events, served by a network that does what hypothesis likes."""

    def __init__(self, transport: str) -> None:
        self.puppet = Puppet(0, transport=transport)
        self.epochs = ["e1"]

    @property
    def epoch(self) -> str:
        return self.epochs[-1]

    def greet(self, asked: dict[str, str]) -> None:
        """As the service does it: hello, and reset where the epoch is another."""
        self.puppet.core.opened(self.puppet.now)
        if asked.get("epoch", self.epoch) != self.epoch:
            self.reset()
        else:
            self.puppet.hear(hello(MOST, self.epoch))

    def reset(self) -> None:
        """The inbox that was put back has nothing yet."""
        self.puppet.hear(hello(0, self.epoch))
        self.puppet.hear(reset(0, self.epoch))

    def open(self, how: str, deeds: list[object]) -> None:
        step = self.puppet.step()
        if isinstance(step, Ask):
            self.poll(deeds[0] if deeds else None)
            return
        asked = self.puppet.asks(Open)
        if how == "refused":
            self.puppet.refuse(503, retry_after="1")
        elif how == "cut":
            self.puppet.fail()
        else:
            self.greet(asked)
            for deed in deeds:
                self.do(deed)

    def do(self, deed: object) -> None:
        puppet = self.puppet
        if deed == "restore":
            self.epochs.append(f"e{len(self.epochs) + 1}")
            self.reset()
        elif deed == "half a restore":  # the reset that must follow does not come
            self.epochs.append(f"e{len(self.epochs) + 1}")
            puppet.hear(hello(0, self.epoch))
        elif deed == "garbage":
            puppet.hear('{"type": "events", "events": [{}]}')
        elif deed == "silence":
            puppet.now += 60
            puppet.core.quiet(puppet.now)
        elif isinstance(deed, tuple):
            first, count = deed
            puppet.hear(events(*range(first, min(first + count, MOST + 1)), epoch=self.epoch))
        else:
            puppet.close(deed)  # type: ignore[arg-type]

    def poll(self, deed: object) -> None:
        asked = self.puppet.asks(Ask)
        if asked.get("epoch", self.epoch) != self.epoch:
            self.puppet.answer(poll(latest=0, epoch=self.epoch, is_reset=True))
        elif isinstance(deed, tuple):
            first, count = deed
            seqs = range(first, min(first + count, MOST + 1))
            self.puppet.answer(poll(*seqs, latest=MOST, epoch=self.epoch, seq=int(asked["seq"])))
        else:
            self.puppet.fail()

    def end_well(self) -> None:
        """The network is mended, and the service does what it has to."""
        for _ in range(20):
            if self.puppet.core.cursor == Cursor(MOST, self.epoch):
                return
            if isinstance(self.puppet.step(), Ask):
                asked = self.puppet.asks(Ask)
                if asked.get("epoch", self.epoch) != self.epoch:
                    self.puppet.answer(poll(latest=0, epoch=self.epoch, is_reset=True))
                else:
                    seqs = range(int(asked["seq"]) + 1, MOST + 1)
                    self.puppet.answer(poll(*seqs, latest=MOST, epoch=self.epoch))
            elif isinstance(self.puppet.step(), Open):
                self.greet(self.puppet.asks(Open))
            elif self.puppet.core.cursor is not None:
                self.puppet.hear(events(*range(self.puppet.core.cursor.seq + 1, MOST + 1), epoch=self.epoch))
        raise AssertionError(f"stands still at {self.puppet.core.cursor}")

    def go_through(self, connections: list[tuple[str, list[object]]]) -> World:
        for how, deeds in connections:
            if isinstance(self.puppet.step(), Ask | Open):
                self.open(how, deeds)
            else:
                for deed in deeds:
                    self.do(deed)
        self.end_well()
        return self


@settings(max_examples=400)
@given(WAY, CONNECTIONS)
def test_each_event_comes_once_and_in_order_whatever_the_network_does(
    transport: str, connections: list[tuple[str, list[object]]]
) -> None:
    puppet = World(transport).go_through(connections).puppet
    expected, epoch = 1, None
    for item, cursor in zip(puppet.taken, puppet.cursors, strict=True):
        if isinstance(item, Reset):
            assert item.before.seq == expected - 1
            assert item.before.epoch == epoch or epoch is None
            assert item.cursor == cursor
            assert cursor.epoch != item.before.epoch  # one reset for each epoch that it learns of
            expected, epoch = 1, cursor.epoch
        else:
            epoch = epoch or cursor.epoch
            assert cursor == Cursor(expected, epoch)
            assert (item.seq, item.data) == (expected, event(expected)["data"])
            expected += 1
    assert expected == MOST + 1


@settings(max_examples=100)
@given(WAY, CONNECTIONS)
def test_badges_are_those_of_the_inbox_that_is_followed_and_never_older_than_before(
    transport: str, connections: list[tuple[str, list[object]]]
) -> None:
    puppet = World(transport).go_through(connections).puppet
    stands = list(zip(puppet.cursors, puppet.badges, strict=True))
    assert all(cursor.epoch in badges for cursor, badges in stands)
    for (before, had), (cursor, has) in pairwise(stands):
        assert cursor.epoch != before.epoch or has["messages"] >= had["messages"]
    assert puppet.core.badges == badges_at(MOST, puppet.cursors[-1].epoch)
