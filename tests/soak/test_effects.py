"""A run fails when a planned fault was not injected, had no effect or was not healed, or too little was read."""

from __future__ import annotations

import random
from typing import Any

import pytest

from soak import run
from soak.faults import Fault, NoEffect
from soak.injecting import Done, carry_out
from soak.ledger import Ledger, Stored
from soak.plan import Planned
from soak.record import QUIET, Record
from soak.run import Run, too_few, too_late
from soak.transports import WAYS


class Pretended(Fault):
    """A fault that does nothing, and is said to have had an effect."""

    kind = "pretended"
    healed = 0

    @classmethod
    def draw(cls, lots: random.Random) -> dict[str, float]:
        return {"seconds": 0.0}

    def inject(self) -> None:
        pass

    def heal(self) -> None:
        self.healed += 1

    def is_healed(self) -> bool:
        return True

    def effect(self) -> dict[str, object]:
        return {"pretended": True}


class WithoutEffect(Pretended):
    def effect(self) -> dict[str, object]:
        raise NoEffect("nothing was to be seen")


class NotInjected(Pretended):
    def inject(self) -> None:
        raise OSError("it did not work")


class NotHealed(Pretended):
    def is_healed(self) -> bool:
        return False


@pytest.fixture
def record() -> Record:
    return Record()


def carried_out(kind: type[Pretended], record: Record) -> tuple[Pretended, Done]:
    nowhere: Any = None
    fault = kind(nowhere, {"seconds": 0.0})
    return fault, carry_out(fault, Planned(0.0, kind.kind, fault.params), record, healing=0.1)


def test_a_fault_with_an_effect_is_no_problem(record: Record) -> None:
    _, done = carried_out(Pretended, record)
    assert (done.problem, str(done)) == ("", "pretended True")


@pytest.mark.parametrize("kind", [WithoutEffect, NotInjected, NotHealed])
def test_one_without_is(record: Record, kind: type[Pretended]) -> None:
    fault, done = carried_out(kind, record)
    assert done.problem
    assert fault.healed


def test_its_time_ends_with_it(record: Record) -> None:
    carried_out(Pretended, record)
    assert record.windows[0].end < float("inf")


def test_a_transport_that_read_too_little_is_named() -> None:
    enough = dict.fromkeys(WAYS, 500)
    assert too_few(enough, 600) == []
    assert too_few({**enough, "sse": 499}, 600) == ["sse carried 499 events, less than 500"]


def test_a_transport_that_read_nothing_is_named() -> None:
    assert too_few({}, 600)


def test_what_takes_long_is_named_where_nothing_was_broken() -> None:
    assert too_late({(QUIET, "sse"): [0.1, 30.0]})
    assert too_late({("kill-postgres", "sse"): [0.1, 30.0]}) == []


class Deserted:
    """A world without people and programs."""

    dsn = ""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.ledger = Ledger("e0")
        self.readers: list[Any] = []
        self.writers: list[Any] = []
        self.tokens: dict[str, str] = {}

    def seqs(self) -> dict[str, int]:
        return {}


@pytest.mark.parametrize("kind", [Pretended, WithoutEffect, NotInjected])
def test_the_whole_run_fails_by_one_fault_without_effect(
    record: Record, kind: type[Pretended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "FAULTS", {"pretended": kind})
    monkeypatch.setattr(run, "read_tables", lambda dsn: Stored())
    world: Any = Deserted(record)
    result = Run(world, [Planned(0.0, "pretended", {"seconds": 0.0})], 0.0).run()
    assert bool(result.problems) == (kind is not Pretended)


def test_the_whole_run_fails_by_one_breach(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "read_tables", lambda dsn: Stored())
    world: Any = Deserted(record)
    record.breach("an event came twice")
    assert Run(world, [], 0.0).run().problems == ["an event came twice"]
