"""A task that a program with threads works on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from .answers import TaskState
from .calls import Call, find_task
from .errors import ClientError, Conflict, TaskCancelled
from .telling import Telling, ending, log, reason

Ask = Callable[[Call[TaskState]], TaskState]


class Task:
    """Something that takes a while, shown to a user: made where `with` begins, done where it ends, failed where an
    exception leaves it, whose text is the reason.

    `progress` costs no time: a thread tells it, at most four times a second, through whatever fails, and gives a sign
    of life where there is nothing to tell. A program that is killed is found missing within `timeout` seconds and five.
    """

    def __init__(
        self,
        make: Call[TaskState],
        core: Telling,
        ask: Ask,
        attempt: Callable[[Call[TaskState], float], TaskState],
    ) -> None:
        """`ask` makes a request until it succeeds or patience ends, `attempt` once; for Client.task."""
        #: where the user finds what it gave: a path below the application's root, or http(s); told at the end
        self.result_url: str | None = None
        #: is called when all was told
        self.on_end: Callable[[], None] = lambda: None
        self._make, self._core = make, core
        self._ask, self._attempt = ask, attempt
        self._lock = threading.Lock()
        self._is_needed = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="myapp-client-task", daemon=True)

    @property
    def id(self) -> int:
        return self._core.number

    @property
    def is_cancelled(self) -> bool:
        """Whether the user has cancelled it, as far as it is known here."""
        return self._core.is_cancelled

    def progress(self, percent: float) -> None:
        """It is so far, of 100. Raises TaskCancelled, and ValueError; never for a server that is away."""
        if self._ending.is_set():
            return
        with self._lock:
            self._core.say(percent)
        self._is_needed.set()

    def done(self, result_url: str | None = None) -> None:
        """It is done, before `with` ends. Raises ClientError where that cannot be told, as the end of `with` does."""
        self._end("done", result_url=result_url)

    def fail(self, why: str = "") -> None:
        """It has failed, without an exception. Raises ClientError where that cannot be told."""
        self._end("failed", error=reason(why) or None)

    def _end(self, state: str, result_url: str | None = None, error: str | None = None) -> None:
        if self._ending.is_set():
            return
        with self._lock:
            call = self._core.end(state, result_url or self.result_url, error)
        self._stop()
        try:
            self._told(lambda: self._ask(call))
        finally:
            self._thread.join(1.0)
            self.on_end()

    def _stop(self) -> None:
        self._ending.set()
        self._is_needed.set()

    def _tell(self) -> None:
        while (wait := self._core.wait(time.monotonic())) is not None:
            if wait:
                (self._ending if self._core.has_news else self._is_needed).wait(wait)
                self._is_needed.clear()
                continue
            with self._lock:
                call, said = self._core.change()
            now = time.monotonic()
            try:
                self._told(lambda: self._attempt(call, self._core.step))  # noqa: B023 - called at once
            except ClientError as error:
                with self._lock:
                    if not self._ending.is_set():
                        self._core.failed(error, time.monotonic())
            else:
                with self._lock:
                    self._core.answered(said, now)

    def _told(self, tell: Callable[[], TaskState]) -> None:
        """Raises TaskCancelled where that is why it is refused."""
        try:
            tell()
        except Conflict as error:
            raise self._core.refused(error, self._ask(find_task(self.id))) from None

    def __enter__(self) -> Self:
        try:
            self._core.begin(self._ask(self._make), time.monotonic())
        except BaseException:
            self.on_end()
            raise
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TaskCancelled) and self._core.is_cancelled:
            self._core.is_mute = True  # there is nothing to tell
            self._stop()
            self.on_end()
            return
        state, why = ending(error)
        try:
            self._end(state, error=why)
        except ClientError as failure:
            if error is None:
                raise
            log.warning("task %d: that it is over cannot be told: %s", self.id, failure)
