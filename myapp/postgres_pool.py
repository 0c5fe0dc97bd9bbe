"""PostgreSQL's connections, a bounded number of them, lent in the order of asking.

Not SQLAlchemy's pool: there who gives a connection back and asks for one again overtakes the greenlet that was woken
for it, for as long as that goes on; who is killed after it was woken leaves the others waiting; and the way there and
back took a tenth of what a send takes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import TimeoutError as PoolTimeout

from .postgres import Session

#: Seconds that a request waits for one of the worker's connections before it is answered with 503.
POOL_PATIENCE = 10.0


class Line:
    """A semaphore that is fair: whoever asks gets a place after all who asked before. For greenlets and threads."""

    def __init__(self, places: int) -> None:
        self.free = places
        self._waiting: deque[Any] = deque()
        self._lock = threading.Lock()

    def enter(self, patience: float) -> bool:
        """Wait for a place, at most so many seconds; whether there is one."""
        with self._lock:
            if self.free:
                self.free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            return turn.acquire(timeout=patience) or not self._gave_up(turn)
        except BaseException:  # killed, perhaps with the place given to it
            if not self._gave_up(turn):
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the first in line."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self.free += 1

    def _gave_up(self, turn: Any) -> bool:
        """Leave the line; False where the place was given meanwhile."""
        with self._lock:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True


class Pool:
    """At most `size` connections of the engine's. Of those that are idle the one that was used last is lent first: its
    server process has its caches warm."""

    def __init__(self, engine: sa.Engine, size: int) -> None:
        self._engine = engine
        self._size = size
        self._line = Line(size)
        #: append and pop are atomic
        self._idle: list[tuple[Any, Session]] = []

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection for one greenlet or thread. One that broke, or was left in mid-statement, is thrown away.

        Raises sqlalchemy.exc.TimeoutError where all have been in use for POOL_PATIENCE seconds.
        """
        if not self._line.enter(POOL_PATIENCE):
            raise PoolTimeout(f"all {self._size} connections have been in use for {POOL_PATIENCE:g} s")
        try:
            idle = self._idle
            connection, session = self._take()
            session.enter()
            try:
                yield session
            finally:
                if session.leave() and idle is self._idle:
                    idle.append((connection, session))
                else:
                    connection.close()
        finally:
            self._line.leave()

    def use(self) -> tuple[int, int]:
        """Connections in use now, and how many there may be."""
        return self._size - self._line.free, self._size

    def close(self) -> None:
        """Close what is idle now, and what is in use once it is given back."""
        idle, self._idle = self._idle, []
        for connection, _session in idle:
            connection.close()

    def _take(self) -> tuple[Any, Session]:
        """One that is idle, after one look at its socket; or a new one."""
        while True:
            try:
                connection, session = self._idle.pop()
            except IndexError:
                connection = self._engine.raw_connection()
                return connection, connection.info["session"]
            if session.is_alive():
                return connection, session
            connection.close()
