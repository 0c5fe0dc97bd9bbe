"""Those who take tasks out of the queue: huey's consumer, without its handling of signals, which are the server's."""

from __future__ import annotations

import logging
from typing import Any

from huey.consumer import Consumer, Scheduler, Worker, WorkerRecycle

from .complaints import Complaint
from .queue import TaskQueue, Unreadable
from .run import Ended

log = logging.getLogger(__name__)

#: Seconds between two looks into SQLite's queue where nobody says that something was put in; at most.
IDLE = 5.0


class Replaced(Exception):
    """The run at hand was left to itself, and another puller has the place of its thread."""


class _Puller(Worker):  # type: ignore[misc]  # huey ships no types
    """One that takes tasks out of the queue, one after the other, and runs each."""

    queue: TaskQueue
    silence: Complaint
    garbage: Complaint
    delay: float

    def sleep(self) -> None:
        delay = min(self.delay, self.max_delay)
        self.delay = delay * self.backoff
        if self.queue.is_shared:
            self.stop_flag.wait(delay)  # Redis itself waits for what comes: it is away
        elif self.queue.is_needed.wait(delay) and not self.stop_flag.is_set():
            self.queue.is_needed.clear()
            self.delay = self.default_delay

    def loop(self, now: Any = None) -> None:
        try:
            number = self.queue.take()
        except Unreadable as error:
            self.garbage.say("the queue of tasks holds what is no task, it is left out: %s", error)
            return
        except Exception as error:  # whatever keeps the queue away: the next try is soon
            self.silence.say("the queue of tasks does not answer: %s", error)
            self.sleep()
            return
        self.silence.is_over("the queue of tasks answers again")
        if number is None:
            if not self.huey.storage.blocking:
                self.sleep()
            return
        self.delay = self.default_delay
        try:
            self.queue.run(number)
        except Replaced:
            raise WorkerRecycle from None
        except (Exception, Ended):  # safety net: the next one has its turn
            log.exception("running a task failed")


class _Nothing(Scheduler):  # type: ignore[misc]
    """In place of huey's, which would look each minute for tasks of a later time: here there are none."""

    def loop(self, now: Any = None) -> None:
        self.stop_flag.wait()


def consumer(queue: TaskQueue, at_once: int) -> Any:
    """`at_once` of them, not started yet; `add_puller` has one more take the place of one that is left to itself."""
    own = {"queue": queue, "silence": Complaint(log), "garbage": Complaint(log)}
    puller = type("Puller", (_Puller,), own)

    class OwnConsumer(Consumer):  # type: ignore[misc]  # huey ships no types
        worker_class = puller
        scheduler_class = _Nothing

        def _set_signal_handlers(self) -> None:
            pass

        def add_puller(self) -> None:
            self._create_process(self._create_worker(), "Worker").start()

    return OwnConsumer(
        queue.huey,
        workers=at_once,
        periodic=False,
        initial_delay=0.1,
        max_delay=IDLE,
        scheduler_interval=60,
        check_worker_health=False,
    )
