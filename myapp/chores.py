"""What is to be done beside the requests: telling everyone what is announced, indexing for search, trimming inboxes.

Each worker of our servers has one thread for it (a greenlet where gevent has patched), which looks every few seconds
whether something is left that nobody is at: so what a worker that died has begun, another ends. On other servers
(gunicorn, `flask run`) a process has it from its first announcement on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from .announcements import telling
from .announcements.batches import announce
from .db import NOT_NOW, Database
from .retention import Retention
from .search import catching_up

log = logging.getLogger(__name__)

#: Seconds between two looks.
LOOK_EVERY = 5.0
#: For so many seconds texts are indexed, then all else has its turn.
INDEX_FOR = 1.0


class Chores:
    """One instance a process. It starts with `start`, or with the first thing that is to be done soon (`wake`).

    `others` are called at each look.
    """

    def __init__(
        self,
        database: Database,
        retention: Retention,
        others: Sequence[Callable[[], None]] = (),
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._database = database
        self._retention = retention
        self._others = others
        self._look_every = look_every
        self._is_needed = threading.Event()
        self._looked_at = 0.0
        self._is_closed = False
        self._has_to_index = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, after the fork. Calling it again does nothing."""
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._run, name="chores", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Something is to be done: look now."""
        self.start()
        self._is_needed.set()

    def close(self, patience: float = 1.0) -> None:
        """Stop behind the batch at hand, which may take `patience` seconds. Calling it again does nothing."""
        self._is_closed = True
        self._is_needed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience)

    def _run(self) -> None:
        while not self._is_closed:
            self._look()
            self._try(self._trim)
            if not self._is_closed and not self._has_to_index:  # looking has cleared what `close` had set
                self._is_needed.wait(self._look_every)

    def _look(self) -> None:
        self._is_needed.clear()
        self._looked_at = time.monotonic()
        for chore in self._others:
            self._try(chore)
        self._try(self._announce_all)
        self._has_to_index = False
        self._try(self._index)

    def _try(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        except NOT_NOW as error:
            log.warning("the database does not answer, what is left to do waits: %s", error)
        except Exception:  # safety net: the next look tries again
            log.exception("a chore failed")

    def _announce_all(self) -> None:
        while not self._is_closed:
            number = self._next()
            if number is None:
                return
            announce(self._database, number, lambda: self._is_closed)

    def _next(self) -> int | None:
        """The announcement whose turn it is now, and which nobody else is at."""
        with self._database.read() as connection:
            numbers = telling.unfinished(connection)
        for number in numbers:
            with self._database.transaction() as transaction:
                if telling.claim(transaction, number):
                    return number
        return None

    def _index(self) -> None:
        self._has_to_index = catching_up.catch_up(self._database, INDEX_FOR, self._is_interrupted)

    def _is_interrupted(self) -> bool:
        return self._is_closed or self._is_needed.is_set()

    def _trim(self) -> None:
        self._retention.run_if_due(self._is_closed_by_now)

    def _is_closed_by_now(self) -> bool:
        """Asked between two steps of trimming, which may take hours: meanwhile everyone is told what is announced."""
        if self._is_needed.is_set() or time.monotonic() - self._looked_at > self._look_every:
            self._look()
        return self._is_closed
