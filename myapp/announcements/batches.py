"""One announcement after the other, each batch by batch: as large as fits, with room for others in between."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..db import Database
from ..pieces import Pieces
from . import telling

log = logging.getLogger(__name__)

#: How long one batch of an announcement shall take, in seconds: on SQLite nothing else happens meanwhile, on PostgreSQL
#: its inboxes are locked.
AIM = 0.010
#: Users in a batch: at first, at least, at most.
FIRST, LEAST, MOST = 200, 20, 1000


def announce(
    database: Database,
    number: int,
    is_stopped: Callable[[], bool] = lambda: False,
    note: Callable[[float], object] = lambda seconds: None,
) -> None:
    """Go on with an announcement until it has reached everyone, or `is_stopped()`.

    Batches are as large as fits AIM, and between two of them others have as long as the last one took. Who stops leaves
    it to whoever looks next. `note` is told how long each took: for so long at most its inboxes were locked.
    """
    batches, most = Pieces(database), FIRST
    while not is_stopped():
        try:
            with batches.next() as transaction:
                is_finished = telling.advance(transaction, number, most)
        except telling.Overtaken:
            log.info("another worker goes on with announcement %d", number)
            return
        note(batches.took)
        if is_finished:
            return
        most = min(MOST, max(LEAST, int(most * min(2.0, AIM / max(batches.took, 1e-6)))))
    with database.transaction() as transaction:
        telling.release(transaction, number)
