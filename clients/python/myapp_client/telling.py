"""What is told of one task, and when: the core of Task and AsyncTask. No I/O.

Progress leaves at most four times a second, the newest; where there is none, a sign of life. What could not be told is
told later, together with what is newer.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
from collections.abc import Mapping
from typing import Any

from . import calls
from .answers import TaskState
from .calls import Call
from .errors import ClientError, Conflict, TaskCancelled, TooMany, Unavailable
from .pace import Pace, backoff

log = logging.getLogger("myapp_client")

#: Seconds between two requests for one task: at most four a second.
EVERY = 0.25
#: Of a reason, in code points: the service's rule.
LONGEST_REASON = 4000


class Telling:
    """The times are seconds of one clock that only goes forward."""

    def __init__(self, timeout: float, pace: Pace, lots: random.Random) -> None:
        self.number = 0
        #: the owner does not want it any more
        self.is_cancelled = False
        #: nothing more is to be told but the end
        self.is_mute = False
        #: for each step of a request: a sign of life that hangs longer would come too late
        self.step = max(1.0, timeout / 6)
        self._timeout = timeout
        self._pace = dataclasses.replace(pace, longest=min(pace.longest, timeout / 6))
        self._lots = lots
        self._progress: int | None = None
        self._told: int | None = None
        self._next = 0.0
        self._failures = 0

    def begin(self, task: TaskState, now: float) -> None:
        """It was made, or was there by its key. Raises Conflict where that one is over."""
        if task.is_over:
            raise Conflict(f"The task of this key is over ({task.state}): give a new key, or none.", status=409)
        self.number = task.id
        self._next = now + EVERY

    def say(self, percent: float) -> None:
        """It is so far. Raises TaskCancelled, and ValueError."""
        whole = int(percent)
        if not 0 <= whole <= 100:
            raise ValueError(f"progress: give a number from 0 to 100, not {percent!r}")
        self._progress = whole
        self.check()

    def check(self) -> None:
        """Raises TaskCancelled."""
        if self.is_cancelled:
            raise TaskCancelled()

    @property
    def has_news(self) -> bool:
        """Whether something is to be told as soon as it may: whatever is said until then goes with it."""
        return self._progress != self._told or self._failures > 0

    def wait(self, now: float) -> float | None:
        """Seconds until something is to be told, if nothing more is said; None: never."""
        if self.is_mute:
            return None
        return max(0.0, self._next - now + (0.0 if self.has_news else self._timeout / 3 - EVERY))

    def change(self) -> tuple[Call[TaskState], int | None]:
        """The request that is to be made now, and the progress that it tells."""
        said = self._progress
        return calls.change_task(self.number, {} if said == self._told else {"progress": said}), said

    def answered(self, said: int | None, now: float) -> None:
        """The request that told `said` arrived; it was made at `now`."""
        self._told = said
        self._failures = 0
        self._next = now + EVERY

    def failed(self, error: ClientError, now: float) -> None:
        """It did not, or was refused: then nothing more is told, until the end."""
        if isinstance(error, TooMany | Unavailable):
            self._failures += 1
            wait = max(EVERY, backoff(self._failures, self._pace, self._lots), error.retry_after or 0.0)
            self._next = now + wait
            log.info("task %d: %s; telling it again in %.1f s", self.number, error, wait)
            return
        self.is_mute = True
        if not self.is_cancelled:
            log.warning("task %d: how far it is cannot be told any more: %s", self.number, error)

    def refused(self, error: Conflict, task: TaskState) -> ClientError:
        """What a 409 means, the task being as it is."""
        if task.state != "cancelled":
            return error
        self.is_cancelled = True
        return TaskCancelled(error.detail, status=error.status, title=error.title)

    def end(self, state: str, result_url: str | None = None, error: str | None = None) -> Call[TaskState]:
        """The last request; it tells the newest progress too."""
        self.is_mute = True
        said: Mapping[str, Any] = {
            "state": state,
            "progress": self._progress if state != "done" else None,
            "result_url": result_url,
            "error": error,
        }
        return calls.change_task(self.number, {name: value for name, value in said.items() if value is not None})


def ending(error: BaseException | None) -> tuple[str, str | None]:
    """The state in which a task ends by this exception, or by none, and the reason."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "done", None
    if isinstance(error, TaskCancelled | asyncio.CancelledError):
        return "cancelled", None
    if isinstance(error, SystemExit):
        return "failed", reason(f"exit status {error.code}" if isinstance(error.code, int) else str(error.code))
    return "failed", reason(str(error).strip() or type(error).__name__)


def reason(text: str) -> str:
    """The text as the service takes it: not too long, and without what is no text."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST_REASON]
