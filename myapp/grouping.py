"""Requests of the same kind for the same thing, answered together: several at a time in one transaction.

A thousand likes a second for one author are a thousand transactions that wait for the same row, one behind the other.
Here whoever comes while others are at it waits with those who come too; the first of them does it for all.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from .db import Transaction
from .errors import Text, Unavailable

K = TypeVar("K", bound=Hashable)
W = TypeVar("W")
R = TypeVar("R")

#: How long one transaction shall take at most, in seconds: nobody else can use what it locks.
LONGEST = 0.050
#: Wishes in one transaction: at first, at least, at most.
FIRST, LEAST, MOST = 50, 20, 500
#: Seconds from the beginning of one transaction to that of the next for the same thing, unless as many wait as it can
#: take: what a transaction costs by itself is then shared by all who come meanwhile. Who comes alone does not wait.
APART = 0.010
#: Of so many things it is remembered when their last transaction began.
MOST_REMEMBERED = 1000


class Transactions(Protocol):
    """A database."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A write transaction, as `Database` has it."""


class _Group(Generic[W, R]):
    """Those who wait for the same transaction."""

    def __init__(self) -> None:
        self.wishes: list[W] = []
        self.is_full = threading.Event()
        self.is_done = threading.Event()
        self.results: Sequence[R | Exception] = ()
        self.failure: Exception | None = Unavailable(Text("The server was stopped in the middle of this; try again."))
        self.traceback: TracebackType | None = None


class _Turn:
    """Who is at work for a key, and how many wait for that."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting = 0


class Grouping(Generic[K, W, R]):
    """`lock(transaction, key)` locks what all wishes of a key need; `work(transaction, key, wishes)` answers a result,
    or what to raise, for each of them, in their order.

    Promise: every wish is done once or raises, and is answered after the COMMIT. A transaction that fails, fails for
    all of its group. `counts` are wishes and transactions so far; `note` is told of each transaction how many wishes it
    did, and the seconds that it took once it had its lock.
    """

    def __init__(
        self,
        database: Transactions,
        lock: Callable[[Transaction, K], None],
        work: Callable[[Transaction, K, list[W]], Sequence[R | Exception]],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.note: Callable[[int, float], None] = lambda wishes, seconds: None
        self._database = database
        self._lock_all = lock
        self._work = work
        self._most = FIRST
        self._lock = threading.Lock()
        #: by key: the group that takes more in, and the turns
        self._open: dict[K, _Group[W, R]] = {}
        self._turns: dict[K, _Turn] = {}
        #: when the last transaction began, the latest of them last
        self._began: dict[K, float] = {}

    def do(self, key: K, wish: W) -> R:
        """The wish's result, after the commit. Raises what `work` answers for it, or what the transaction raises."""
        with self._lock:
            group = self._open.get(key)
            is_first = group is None or len(group.wishes) >= self._most
            if group is None or is_first:
                group = self._open[key] = _Group()
            at = len(group.wishes)
            group.wishes.append(wish)
            if len(group.wishes) >= self._most:
                group.is_full.set()
        if is_first:
            self._lead(key, group)
        else:
            group.is_done.wait()
        if group.failure is not None:
            # where it failed, and not through whom of the group it has been raised already: each of them logs it
            raise group.failure.with_traceback(group.traceback)
        result = group.results[at]
        if isinstance(result, Exception):
            raise result
        return result

    def _lead(self, key: K, group: _Group[W, R]) -> None:
        try:
            with self._turn(key):
                # whoever is ready now, comes with us
                group.is_full.wait(max(1e-9, self._began.get(key, 0.0) + APART - time.monotonic()))
                with self._lock:
                    self._close(key, group)
                    self._begin(key)
                self._run(key, group)
        except Exception as error:  # safety net: it is raised for every one of the group
            group.failure, group.traceback = error, error.__traceback__
        finally:
            with self._lock:
                self._close(key, group)
            group.is_done.set()

    def _begin(self, key: K) -> None:
        self._began.pop(key, None)
        self._began[key] = time.monotonic()
        if len(self._began) > MOST_REMEMBERED:
            del self._began[next(iter(self._began))]

    def _run(self, key: K, group: _Group[W, R]) -> None:
        with self._database.transaction() as transaction:
            self._lock_all(transaction, key)
            began = time.perf_counter()
            group.results = self._work(transaction, key, group.wishes)
        took = time.perf_counter() - began
        group.failure = None
        self.counts["wishes"] += len(group.wishes)
        self.counts["transactions"] += 1
        self.note(len(group.wishes), took)
        if took > LONGEST:
            self._most = max(LEAST, self._most // 2)
        elif len(group.wishes) >= self._most and took < LONGEST / 4:  # twice as many are far from it, too
            self._most = min(MOST, self._most * 2)

    def _close(self, key: K, group: _Group[W, R]) -> None:
        """Nobody joins it any more."""
        if self._open.get(key) is group:
            del self._open[key]

    @contextmanager
    def _turn(self, key: K) -> Iterator[None]:
        """Alone for this key: who would begin meanwhile would only wait for the same rows, with a connection."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.waiting += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.waiting -= 1
                if not turn.waiting:
                    del self._turns[key]
