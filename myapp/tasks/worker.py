"""Running tasks: takes them from the queue, so many at once, and sees to it that each comes to an end.

In the server's own process, as greenlets, where there is no Redis; else in processes of their own (`make worker`), as
threads.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from typing import Any, NamedTuple

from flask import Flask

from ..auth import people
from ..db import NOT_NOW, Database
from ..errors import AppError, Text
from ..own_words import kept
from . import kinds, service
from .beat import Beat
from .complaints import Complaint
from .interrupting import Interrupt
from .kinds import TaskKind
from .pulling import IDLE, Replaced, consumer
from .queue import TaskQueue
from .results import Folder
from .run import Ended, Run, TaskFailed, entered
from .stored import DONE, FAILED, Task, find

log = logging.getLogger(__name__)

#: Seconds that a run has to end by itself, at its next `progress`, before it is ended from outside.
GRACE = 1.0
#: Seconds after which a run that is to end, and does not end from outside either, is left to itself: it waits in C, in
#: a thread that nobody can end. What was to be said of it is said without it.
STUCK = 10.0
#: Seconds between two looks at how long each has run.
LOOK_EVERY = 0.5
#: Seconds between two tries to store how a run ended while the database is away; at most.
MOST_WAIT = 5.0
TOO_LONG = kept(Text("It took longer than it may, %(seconds)d seconds.", seconds=0))
STOPPED = kept(Text("The server was stopped in the middle of it."))
AWAY = kept(Text("The database did not answer in the middle of it."))
UNKNOWN = kept(Text("This kind of task is not known here any more."))
FAILURE = kept(Text("Something went wrong; it has been logged."))


class _Within(NamedTuple):
    """A run that is within its function; at `deadline`, in monotonic seconds, it has run for too long."""

    task: Task
    interrupt: Interrupt
    deadline: float


class Workers:
    """Those of one process. It starts with `start`, after the fork.

    `at_once` is how many tasks run here at the same time, `per_user` how many of one user run anywhere (0: no limit).
    """

    def __init__(
        self, app: Flask, database: Database, queue: TaskQueue, folder: Folder, beat: Beat, at_once: int, per_user: int
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.counts: dict[str, int] = dict.fromkeys(("done", "failed", "ended", "lost"), 0)
        self._app = app
        self._database = database
        self._queue = queue
        self._folder = folder
        self._beat = beat
        self._at_once = at_once
        self._per_user = per_user
        self._consumer: Any = None
        #: what runs, until its function is left; who takes it out says how it ends
        self._within: dict[Run, _Within] = {}
        #: how many are at a task, from the claim until its end is stored
        self._busy = 0
        self._is_closed = False
        #: what runs is to end now
        self._is_ending = False
        self._lock = threading.Lock()
        self._watch: threading.Thread | None = None
        self._outage = Complaint(log)

    @property
    def running(self) -> int:
        return len(self._beat.numbers)

    def start(self) -> None:
        """Begin. Calling it again does nothing."""
        with self._lock:
            if self._consumer is not None or self._is_closed:
                return
            self.name = f"{socket.gethostname()}:{os.getpid()}"
            self._queue.run = self.run
            self._consumer = consumer(self._queue, self._at_once)
        self._consumer.start()
        self._watch = threading.Thread(target=self._look, name="tasks' time", daemon=True)
        self._watch.start()

    def close(self, patience: float = 1.0) -> None:
        """Take nothing more, and give what runs `patience` seconds. What is not at its end then is ended, and waits for
        another run where its kind may run again, or has failed.
        """
        self._is_closed = True
        if self._consumer is None:
            return
        self._consumer.stop_flag.set()
        self._queue.is_needed.set()
        if not self._wait(patience):
            self._is_ending = True
            for run in self._beat.runs():
                run.end(STOPPED)
            if not self._wait(GRACE):
                for run in self._beat.runs():
                    self._interrupt(run)
                self._wait(GRACE)
        if not self._queue.is_shared:
            self._end_pullers()

    def _end_pullers(self) -> None:
        """Whoever closes the queue next, and deletes its file, must not have it opened again by one of them."""
        deadline = time.monotonic() + IDLE
        for _puller, thread in self._consumer.worker_threads:
            while thread.is_alive() and not self._busy and time.monotonic() < deadline:
                self._queue.is_needed.set()  # one that was just woken may have cleared it
                thread.join(0.05)

    def _wait(self, patience: float) -> bool:
        """Until nothing runs any more; whether that is so."""
        deadline = time.monotonic() + patience
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._busy

    # -- one task

    def run(self, number: int) -> None:
        """Run it if it waits, until it has come to an end that is stored."""
        with self._lock:
            if self._is_closed:
                return
            self._busy += 1
        try:
            self._run(number)
        except Replaced:
            raise  # who left it to itself has counted
        except BaseException:
            self._leave()
            raise
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1

    def _run(self, number: int) -> None:
        try:
            with self._database.transaction() as transaction:
                task = service.claim(transaction, number, self.name, self._per_user)
                if task is None:
                    return
                owner = people.by_ids(transaction, [task.owner_id])[0]
        except NOT_NOW as error:
            self._outage.say("tasks wait, the database does not answer: %s", error)
            return
        run = Run(task.id, task.attempt, owner, self._folder, lambda: self._database.current is not None)
        self._beat.add(run)
        if self._is_ending:
            run.end(STOPPED)
        try:
            state, reason = self._work(task, run)
            if self._within.pop(run, None) is None:
                run.discard()
                raise Replaced
            if run.end_reason == "":  # it is nobody's: how it ended is not this run's to say
                run.discard()
                self.counts["lost"] += 1
            else:
                self._store(task, run, state, reason)
        finally:
            self._beat.remove(run)

    def _work(self, task: Task, run: Run) -> tuple[str, str | None]:
        """How it ends."""
        kind, interrupt = kinds.find(task.kind), Interrupt()
        limit = 0.0 if kind is None else kind.time_limit
        run.time_limit = limit
        self._within[run] = _Within(task, interrupt, time.monotonic() + limit if limit else float("inf"))
        return (FAILED, str(UNKNOWN)) if kind is None else self._outcome(kind, task, run, interrupt)

    def _outcome(self, kind: TaskKind, task: Task, run: Run, interrupt: Interrupt) -> tuple[str, str | None]:
        try:
            self._call(kind, task, run, interrupt)
        except Ended:
            interrupt.leave()  # it may have come while the function was left
            why = "it was cancelled, or another run has its place" if run.end_reason == "" else run.end_reason
            log.info("task %d (%s) was ended: %s", task.id, task.kind, why)
            return FAILED, str(FAILURE) if run.end_reason is None else run.end_reason
        except NOT_NOW as error:
            log.warning("task %d (%s) broke off, the database did not answer: %s", task.id, task.kind, error)
            return FAILED, str(AWAY)
        except BaseException as error:  # a SystemExit too: it is not this process that is to end
            reason = _said(error)
            if not reason:
                log.exception("task %d (%s) failed", task.id, task.kind)
            return FAILED, reason or str(FAILURE)
        return DONE, None

    def _call(self, kind: TaskKind, task: Task, run: Run, interrupt: Interrupt) -> None:
        try:
            arguments = kind.arguments(task.params)
        except Exception as error:
            raise TaskFailed(Text("What was asked for cannot be done any more: %(why)s", why=str(error))) from error
        with self._app.app_context(), entered(run), interrupt:
            if run.end_reason is not None:
                raise Ended(run.end_reason)
            kind.function(**arguments)

    def _store(self, task: Task, run: Run, state: str, error: str | None) -> None:
        """However long the database is away: what was done is not done in vain."""
        wait = 0.1
        while True:
            try:
                self._end(task, run, state, error)
                self._outage.is_over("the database answers again: tasks go on")
                return
            except NOT_NOW as failure:
                self._outage.say("how tasks ended cannot be stored yet, the first is %d: %s", task.id, failure)
                if self._is_closed:
                    return  # another process finds that it broke off
            except Exception:  # safety net: not even that it failed could be stored
                log.exception("how task %d ended cannot be stored", task.id)
                if error == FAILURE:
                    return
                run.discard()
                state, error = FAILED, str(FAILURE)
            time.sleep(wait)
            wait = min(MOST_WAIT, wait * 2)

    def _end(self, task: Task, run: Run, state: str, error: str | None) -> None:
        outcome = self._stored_as(task, run, state, error)
        if outcome != DONE:
            run.discard()
        self.counts[outcome] += 1

    def _stored_as(self, task: Task, run: Run, state: str, error: str | None) -> str:
        """How it ended by what is stored now; `lost` where that is not this run's to say."""
        kind = kinds.find(task.kind)
        with self._database.transaction() as transaction:
            has_died = error == AWAY
            may_wait = error == STOPPED or (has_died and task.deaths + 1 < service.MOST_DEATHS)
            if may_wait and kind is not None and kind.again:
                is_stored = service.put_back(transaction, task.owner_id, task.id, task.attempt, has_died=has_died)
                state = "ended"
            else:
                file = run.file if state == DONE else None
                stored = service.finish(transaction, task.owner_id, task.id, task.attempt, state, error, file)
                is_stored = stored is not None or _is_ended_so(find(transaction, task.id), task, run, state)
        return state if is_stored and state in self.counts else "lost"

    # -- time

    def _look(self) -> None:
        """End what has run for too long, and what does not end by itself."""
        while self._busy or not self._is_closed:
            time.sleep(LOOK_EVERY)
            now = time.monotonic()
            for run, within in tuple(self._within.items()):
                if now > within.deadline and run.end_reason is None:
                    run.end(Text(TOO_LONG.template, seconds=int(run.time_limit)))
                late = 0.0 if run.ended_at is None else now - run.ended_at
                if late > STUCK:
                    self._leave_alone(run, within.task)
                elif late > GRACE:
                    self._interrupt(run)

    def _interrupt(self, run: Run) -> None:
        within = self._within.get(run)
        if within is not None:
            within.interrupt.fire(run.end_reason or "")

    def _leave_alone(self, run: Run, task: Task) -> None:
        """It does not end: say so, and give its place to another thread. Its file is its own to delete: it may be at
        its end just now, and be the first to say so.
        """
        try:
            if run.end_reason and (outcome := self._stored_as(task, run, FAILED, run.end_reason)) != "lost":
                self.counts[outcome] += 1
        except NOT_NOW:
            return  # the next look says it
        except Exception:  # safety net: whoever looks for runs that broke off says it
            log.exception("that task %d does not end cannot be stored", task.id)
        if self._within.pop(run, None) is None:
            return  # it has ended by now
        log.error("task %d (%s) does not end: its thread is left to itself", task.id, task.kind)
        self._beat.remove(run)
        self._leave()
        self._consumer.add_puller()


def _said(error: BaseException) -> str:
    """Why the task failed, where that is for its owner, else nothing: also where the error cannot say it."""
    if not isinstance(error, TaskFailed | AppError):
        return ""
    try:
        return str(error).strip() and str(error)
    except Exception:
        return ""


def _is_ended_so(now: Task | None, task: Task, run: Run, state: str) -> bool:
    """Whether this very end is stored already: a COMMIT was done whose answer was lost with the database."""
    if now is None or (now.attempt, now.state) != (task.attempt, state):
        return False
    return now.result_file == (None if run.file is None or state != DONE else run.file.path)
