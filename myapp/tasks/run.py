"""One run of a task, from within: how far it is, whose it is, what it gives.

progress(40)                              # of 100; raises where the run is to end
with result("report.csv") as file: ...    # what the owner may download
owner().name
raise TaskFailed("There were no sales in %(month)s.")
"""

from __future__ import annotations

import errno
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import IO

from ..auth.people import Person
from ..beside import Beside
from ..errors import Text
from .results import Folder, ResultFile, check_name, sync

#: A run in the server itself lets requests have a turn when it has gone on for so many seconds, each time for a moment.
TURN, MOMENT = 0.005, 0.0005

#: A disk, or somebody's part of it, has no room left.
FULL = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM = Text("There is no room on the server's disk for the result.")

_disk = Beside(2)


class _Turns:
    """One run after the other, in the order in which they gave way, with a moment for requests behind each. Else a
    request that needs three turns of the event loop would wait three times, for all that compute.
    """

    def __init__(self) -> None:
        self._waiting: deque[object] = deque()
        self._free_at = 0.0

    def wait(self) -> None:
        """Give way, until it is the caller's turn again."""
        me = object()
        self._waiting.append(me)
        self._free_at = time.perf_counter() + MOMENT
        try:
            while (left := self._free_at - time.perf_counter()) > 0 or self._waiting[0] is not me:
                time.sleep(max(left, MOMENT))
        finally:
            self._waiting.remove(me)
        self._free_at = time.perf_counter() + TURN + MOMENT


_turns = _Turns()


class TaskFailed(Exception):
    """The task cannot be done; the text says why, to its owner."""


class Ended(BaseException):
    """The run is to end: the task was cancelled, or has run for too long, or the process ends. Not an Exception, so
    that no `except Exception` on the way keeps it.
    """


def _is_patched() -> bool:
    from gevent import monkey

    return bool(monkey.is_module_patched("threading"))


class Run:
    """One run. `progress` belongs to the function; `end` to whoever wants it to end.

    `attempt` tells it from any other run of the same task.
    """

    def __init__(
        self, number: int, attempt: int, person: Person, folder: Folder, is_in_transaction: Callable[[], bool]
    ) -> None:
        self.number = number
        self.attempt = attempt
        self.owner = person
        self.percent = 0
        self.told_percent = 0
        self.file: ResultFile | None = None
        #: why it is to end, and since when (monotonic seconds); "": it is nobody's any more
        self.end_reason: str | None = None
        self.ended_at: float | None = None
        self.time_limit = 0.0
        self._folder = folder
        self._is_in_transaction = is_in_transaction
        self._turn_began = time.perf_counter()
        #: in a process of its own it runs in a thread, which keeps nobody waiting
        self._gives_way = _is_patched()

    def end(self, reason: str) -> None:
        """Have it end, for this reason, at its next `progress`. The first reason counts."""
        if self.end_reason is None:
            self.end_reason = reason
            self.ended_at = time.monotonic()

    def progress(self, percent: float) -> None:
        if math.isnan(percent):
            raise ValueError("progress takes a number from 0 to 100, and not NaN")
        self.percent = int(max(0, min(100, percent)))
        if self._gives_way and time.perf_counter() - self._turn_began > TURN and not self._is_in_transaction():
            _turns.wait()  # also when it is to end: a function that swallows that would keep all requests waiting
            self._turn_began = time.perf_counter()
        if self.end_reason is not None:
            raise Ended(self.end_reason)

    @contextmanager
    def result(self, name: str) -> Iterator[IO[bytes]]:
        check_name(name)
        path = self._folder.new(self.number)
        try:
            with path.open("xb") as file:
                yield file
            size = _disk.run(sync, path)
        except BaseException as error:
            self._folder.delete(path.name)
            if isinstance(error, OSError) and error.errno in FULL:
                raise TaskFailed(NO_ROOM) from error
            raise
        if self.file is not None:
            self._folder.delete(self.file.path)
        self.file = ResultFile(path.name, name, size)

    def discard(self) -> None:
        """Its result is nobody's."""
        if self.file is not None:
            self._folder.delete(self.file.path)
            self.file = None


_current: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def entered(run: Run) -> Iterator[None]:
    """The functions below are about this run."""
    before = _current.set(run)
    try:
        yield
    finally:
        _current.reset(before)


def current() -> Run:
    """Raises RuntimeError outside of a task."""
    run = _current.get()
    if run is None:
        raise RuntimeError("this is not called by a task")
    return run


def progress(percent: float) -> None:
    """The task at hand is so far, from 0 to 100: its owner sees it. Call it as often as you like, it costs nothing; at
    most four times a second it is stored and told.

    In the server itself (without Redis) it gives way to requests, too: code that computes for long without it keeps
    them waiting. Raises Ended where the run is to end: let it through.
    """
    current().progress(percent)


def result(name: str) -> AbstractContextManager[IO[bytes]]:
    """`with result("report.csv") as file:` - a file, open for bytes, that the task's owner may download by this name
    once the task is done. A second one takes the first one's place.
    """
    return current().result(name)


def owner() -> Person:
    """Whose task it is: `id`, `name`, `display_name`."""
    return current().owner
