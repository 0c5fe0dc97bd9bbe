"""What a reader of a run does not put up with, whatever way it came."""

from __future__ import annotations

from typing import Any

import pytest

from soak.checker import Broken
from soak.ledger import Ledger
from soak.readers import Reader
from soak.transports import Batch, Reset

from .someone import a_reader, event

BADGES = {"messages": 1}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("e0")


@pytest.fixture
def reader(ledger: Ledger) -> Reader:
    return a_reader(ledger)


def batch(*seqs: int, badges: dict[str, int] | None = None, body: str = "k hi") -> Batch:
    events: list[dict[str, Any]] = [event(seq, seq, "alice", "bob", body) for seq in seqs]
    return Batch(events, seqs[-1], seqs[-1], badges or BADGES)


@pytest.mark.parametrize("seqs", [(1, 3), (1, 1), (2, 1), (2,)], ids=["hole", "twice", "swapped", "first-dropped"])
def test_events_out_of_order_break_it(reader: Reader, seqs: tuple[int, ...]) -> None:
    with pytest.raises(Broken):
        reader.take(batch(*seqs))


def test_the_last_event_of_a_batch_that_is_missing_breaks_it(reader: Reader) -> None:
    with pytest.raises(Broken):
        reader.take(batch(1)._replace(seq=2, latest=2))


def test_an_event_that_another_reader_was_given_differently_breaks_it(ledger: Ledger) -> None:
    a_reader(ledger).take(batch(1, body="k hi"))
    with pytest.raises(Broken):
        a_reader(ledger, 1).take(batch(1, body="k ho"))


def test_badges_that_another_reader_was_given_differently_at_the_same_seq_break_it(ledger: Ledger) -> None:
    a_reader(ledger).take(batch(1, badges={"messages": 1}))
    with pytest.raises(Broken):
        a_reader(ledger, 1).take(batch(1, badges={"messages": 2}))


def test_a_reset_while_nothing_was_put_back_breaks_it(reader: Reader) -> None:
    reader.take(batch(1))
    with pytest.raises(Broken):
        reader.take(Reset("e0", 1, "e0"))


def test_a_reset_into_an_epoch_that_nobody_began_breaks_it(reader: Reader) -> None:
    with pytest.raises(Broken):
        reader.take(Reset("e9", 0, "e0"))


def test_a_reset_into_a_new_epoch_is_taken_once_and_the_reader_goes_on_from_there(
    reader: Reader, ledger: Ledger
) -> None:
    reader.take(batch(1, 2, 3))
    ledger.begin("e1")
    reader.take(Reset("e1", 1, "e0"))
    reader.take(Reset("e1", 1, "e0"))  # by a second connection, opened in the epoch before
    assert reader.did["reset"] == 1
    reader.take(batch(2))
    assert reader.stand == (2, "e1")


def test_a_second_reset_of_the_same_epoch_on_the_same_connection_breaks_it(reader: Reader, ledger: Ledger) -> None:
    ledger.begin("e1")
    reader.take(Reset("e1", 0, "e0"))
    with pytest.raises(Broken):
        reader.take(Reset("e1", 0, "e1"))


def test_a_reset_back_into_an_epoch_from_before_breaks_it(reader: Reader, ledger: Ledger) -> None:
    ledger.begin("e1")
    reader.take(Reset("e1", 0, "e0"))
    with pytest.raises(Broken):
        reader.take(Reset("e0", 0, "e1"))
