"""Long work in several transactions, with room for others between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .db import Database, Transaction

#: The most seconds that others are given between two transactions of one long work.
MOST_PAUSE = 0.1


class Pieces:
    """One long work in several transactions: between two of them others have as long as the last one took.

    `took` is how many seconds that was, the wait for the database left out: for so long at most others were kept out.
    """

    def __init__(self, database: Database) -> None:
        self.took = 0.0
        self._database = database

    @contextmanager
    def next(self) -> Iterator[Transaction]:
        """The next transaction, as `Database.transaction` gives it."""
        if self.took:
            time.sleep(min(self.took, MOST_PAUSE))
        with self._database.transaction() as transaction:
            began = time.perf_counter()
            yield transaction
        self.took = time.perf_counter() - began
