"""Putting into the indexes what is not there yet, in small transactions beside the requests."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..db import Database
from ..pieces import Pieces
from .index import MESSAGES, POSTS, Index

#: How long one batch shall take, in seconds and without COMMIT: on SQLite nothing else is written meanwhile.
AIM = 0.005
#: Texts in a batch: at first, at least, at most.
FIRST, LEAST, MOST = 50, 5, 1000


def catch_up(
    database: Database,
    seconds: float,
    is_stopped: Callable[[], bool] = lambda: False,
    note: Callable[[float], None] = lambda seconds: None,
) -> bool:
    """Go on for so many seconds, or until `is_stopped()`; whether there is more. `note` is told how long each
    batch took.

    Any number of workers may do so at once: on PostgreSQL one is at it and the others find nothing to do.
    """
    deadline = time.monotonic() + seconds
    return any([_catch_up(database, index, deadline, is_stopped, note) for index in (MESSAGES, POSTS)])


def _catch_up(
    database: Database, index: Index, deadline: float, is_stopped: Callable[[], bool], note: Callable[[float], None]
) -> bool:
    with database.read() as connection:
        if not index.is_behind(connection):
            return False
    batches, most = Pieces(database), FIRST
    while not is_stopped() and time.monotonic() < deadline:
        with batches.next() as transaction:
            began = time.perf_counter()
            has_more = index.advance(transaction, most)
            took = time.perf_counter() - began
        if not has_more:
            return False
        note(batches.took)
        most = min(MOST, max(LEAST, int(most * min(2.0, AIM / max(took, 1e-6)))))
    return True
