"""The readers of a soak run find a server that drops, doubles or swaps events, whichever way they follow."""

from __future__ import annotations

import pytest

from soak.asking import Asker
from soak.ledger import Ledger
from soak.readers import Reader
from soak.record import Record
from soak.transports import WAYS

from ..support import PATIENCE, AppServer
from .someone import Someone, people_of
from .wire import fetch

EVENTS = 6


def follow(who: Someone, way: str) -> tuple[Reader, Record]:
    """A reader that was given all events, or has found a breach."""
    ledger, record = Ledger(who.poll()["epoch"]), Record()
    reader = Reader(0, who.name, Asker(who.port, who.token, record), ledger, record, way=way, seed=1)
    reader.finish(EVENTS)
    reader.start()
    reader.join(PATIENCE)
    reader.end()
    return reader, record


def written(server: AppServer) -> Someone:
    """Somebody with so many events."""
    three = people_of(server)
    for number in range(EVENTS):
        three.alice.send(three.bob, str(number))
    return three.bob


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["drop", "double", "swap"])
def test_a_spoiled_batch_is_found(probed: AppServer, way: str, how: str) -> None:
    bob = written(probed)
    fetch(bob.port, "POST", f"/_tamper/{how}")
    try:
        reader, record = follow(bob, way)
    finally:
        fetch(bob.port, "POST", "/_tamper/off")
    assert reader.is_broken
    assert record.breaches


@pytest.mark.parametrize("way", WAYS)
def test_a_right_one_is_not(probed: AppServer, way: str) -> None:
    reader, record = follow(written(probed), way)
    assert record.breaches == []
    assert reader.stand.cursor == EVENTS
    assert reader.events == {way: EVENTS}
