"""A chain reload under load: people write and follow on all transports, and none of them meets an error."""

from __future__ import annotations

import random

import pytest

from soak.asking import Asker
from soak.audit import audit
from soak.ledger import Ledger, Stored
from soak.readers import Reader
from soak.record import Record
from soak.tables import read_epoch, read_tables
from soak.transports import WAYS
from soak.writers import Writer

from .conftest import Workers

WRITERS, READERS, RATE = 4, 40, 20.0
#: What clients are told in a reload, and nothing else may happen to them: no error, no connection that is cut.
TOLD = {"websocket: close 1012", "push-new: close 1012", "sse: close 1012"}


@pytest.fixture
def names() -> list[str]:
    mark = random.randrange(10**9)
    return [f"r{mark}-{number}" for number in range(WRITERS)]


def test_chain_reload_fails_no_request_and_loses_and_doubles_nothing(workers: Workers, names: list[str]) -> None:
    dsn = workers.stack.environ["MYAPP_DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")
    workers.people.add(*names)
    tokens = dict(zip(names, workers.people.tokens(*names), strict=True))
    record, ledger = Record(), Ledger(read_epoch(dsn))
    ways = list(WAYS)
    readers = [
        Reader(at, name, Asker(workers.port, tokens[name], record), ledger, record, way=ways[at % len(ways)], seed=at)
        for at, name in enumerate(names * (READERS // WRITERS))
    ]
    writers = [
        Writer(name, [other for other in names if other != name], Asker(workers.port, token, record), ledger, record,
               rate=RATE / WRITERS, seed=at)
        for at, (name, token) in enumerate(tokens.items())
    ]  # fmt: skip
    for person in (*readers, *writers):
        person.start()
    workers.reload()
    for writer in writers:
        writer.finish()
        writer.join(30)
    tables = read_tables(dsn)
    for reader in readers:
        reader.finish(tables.inboxes[reader.user].seq)
    for reader in readers:
        reader.join(30)
    assert record.breaches == []
    assert set(record.statuses) <= {"101", "200", "201"}
    assert {kind for kind, _period in record.failures} <= TOLD
    assert sum(record.failures.values()) > 0  # whoever follows by these was sent away, and came back
    ours = Stored(
        {name: inbox for name, inbox in tables.inboxes.items() if name in tokens},
        {key: message for key, message in tables.messages.items() if message[1] in tokens},
        tables.unread,
    )
    assert audit(ledger, ours, [reader.heard for reader in readers]) == []
