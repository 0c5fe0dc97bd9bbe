"""The way from who asks for a task to who runs it: huey, over Redis or in a file of SQLite's.

It carries numbers of tasks and nothing else, and may lose or double them: what is to be done stands in the database,
where a run claims its task. So the file needs no care, a damaged one is replaced, and whoever can write to the queue
can have nothing run that was not asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from huey import Huey
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import RedisStorage, SqliteStorage

from .complaints import Complaint

log = logging.getLogger(__name__)
logging.getLogger("huey").setLevel(logging.WARNING)  # it tells of each task at the level of information

#: Seconds that Redis has for an answer, besides those for which it is asked to wait.
PATIENCE = 2.0
#: Seconds for which Redis waits for something to come, each time it is asked.
READ_FOR = 1.0
#: To Redis: each that takes tasks has one while it waits, and MYAPP_TASKS_AT_ONCE goes up to 1,000; by itself a pool
#: ends at 100.
MOST_CONNECTIONS = 1100


#: Beyond it is no number of a task.
MOST_NUMBER = 2**63 - 1

#: What SQLite says of a file that is none of its own any more, as a disk or a power cut may leave it.
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Unreadable(Exception):
    """What came out of the queue is no number of a task; the text shows its beginning."""


class _AsJson(Serializer):  # type: ignore[misc]  # huey ships no types
    """huey's own is pickle, by which who can write to the queue can run anything."""

    def _serialize(self, data: Any) -> bytes:
        return msgspec.json.encode(tuple(data))

    def _deserialize(self, data: bytes) -> Any:
        return Message(*msgspec.json.decode(data))


class TaskQueue:
    """One instance a process. `redis_url` is empty where tasks run in this very process; then `file` is SQLite's.

    `deployment` keeps apart those who share a Redis. `run` is called with the number of a task, by whoever takes it
    from the queue. Nothing is opened before its first use, after the fork.
    """

    def __init__(self, redis_url: str, file: Path, deployment: str) -> None:
        self.is_shared = bool(redis_url)
        self.run: Callable[[int], None] = lambda number: None
        #: something was put in, for who takes it out in this process
        self.is_needed = threading.Event()
        self._redis_url = redis_url
        self._file = file
        self._name = f"myapp{hashlib.sha256(deployment.encode()).hexdigest()[:16]}"
        self._made: tuple[Any, Any] | None = None
        self._lock = threading.Lock()
        #: what is to be put in, by a thread of its own: who asks does not wait for Redis
        self._waiting: deque[int] = deque()
        self._has_waiting = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._lost = Complaint(log)

    @property
    def huey(self) -> Any:
        return self._open()[0]

    def put(self, number: int) -> None:
        """This task waits to be run. It is lost where Redis is away; `recovery` finds it."""
        if self._is_closed:
            return
        if not self.is_shared:
            self._put(number)
            return
        self._waiting.append(number)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._put_all, name="task queue", daemon=True)
                self._thread.start()
        self._has_waiting.set()

    def put_all(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.put(number)

    def take(self) -> int | None:
        """The number of a task that waits, None where nothing came so far, or the queue is closed. Raises Unreadable,
        and whatever it is where the queue cannot be reached.
        """
        if self._is_closed:
            return None
        with self._mending():
            data = self.huey.storage.dequeue()
        if data is None:
            return None
        try:
            (number,) = self.huey.deserialize_task(data).args
            if type(number) is int and 0 < number <= MOST_NUMBER:
                return number
        except Exception as error:  # whatever it is: whoever can write to Redis has written it
            raise Unreadable(repr(data[:80])) from error
        raise Unreadable(repr(data[:80]))

    def is_empty(self) -> bool:
        """Whether nothing is on its way, as far as it is not closed. Raises where that cannot be found out."""
        with self._mending():
            return not self._is_closed and not self._waiting and self.huey.storage.queue_size() == 0

    def close(self) -> None:
        """Nothing is put in any more. Calling it again does nothing."""
        self._is_closed = True
        self._has_waiting.set()
        self.is_needed.set()
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made[0].storage.close()

    def _put_all(self) -> None:
        while not self._is_closed:
            self._has_waiting.wait()
            self._has_waiting.clear()
            while self._waiting and not self._is_closed:
                self._put(self._waiting.popleft())

    def _put(self, number: int) -> None:
        try:
            with self._mending():
                huey, run = self._open()
                huey.enqueue(run.s(number))
            self._lost.is_over("tasks are put into the queue again")
        except Exception as error:  # safety net: the look finds what was lost
            self._lost.say("a task cannot be put into the queue, what waits is found later: %s", error)
        self.is_needed.set()

    def _open(self) -> tuple[Any, Any]:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the queue of tasks is closed")
            if self._made is None:
                try:
                    self._made = self._make()
                except sqlite3.DatabaseError as error:
                    if not self._is_replaced(error):
                        raise
                    self._made = self._make()
            return self._made

    @contextlib.contextmanager
    def _mending(self) -> Iterator[None]:
        """After a failure SQLite's file is opened anew, by the first who meets it: it makes the tables that it lacks.
        What another has opened and filled since then stays.
        """
        used = self._made
        try:
            yield
        except sqlite3.DatabaseError as error:
            with self._lock:
                if used is None or used is self._made:
                    made, self._made = self._made, None
                    if made is not None:
                        made[0].storage.close()
                    self._is_replaced(error)
            raise

    def _is_replaced(self, error: sqlite3.DatabaseError) -> bool:
        """Whether the file was damaged and is no more: what it held is found in the database."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGED:
            return False
        log.warning("%s is damaged, a new one takes its place: %s", self._file, error)
        for ending in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + ending).unlink(missing_ok=True)
        return True

    def _make(self) -> tuple[Any, Any]:
        if self.is_shared:
            from redis import ConnectionPool

            pool = ConnectionPool.from_url(
                self._redis_url,
                socket_timeout=READ_FOR + PATIENCE,
                socket_connect_timeout=PATIENCE,
                max_connections=MOST_CONNECTIONS,
            )
            storage: dict[str, Any] = {
                "storage_class": RedisStorage,
                "connection_pool": pool,
                "read_timeout": READ_FOR,
            }
        else:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            storage = {"storage_class": SqliteStorage, "filename": str(self._file), "fsync": False, "timeout": 1}
        huey = Huey(self._name, results=False, serializer=_AsJson(), **storage)

        def run(number: int) -> None:
            """It gives the queue's messages their name; what runs is `run` of this object."""

        return huey, huey.task(name="run")(run)
