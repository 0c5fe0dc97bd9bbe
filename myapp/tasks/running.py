"""All that runs tasks in one process, and what it does on its own: see that nothing is lost or left over."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import click
from flask import Flask

from .. import inbox
from ..config import Settings
from ..db import Database, now_ms
from ..pieces import Pieces
from . import keeping, recovery, service
from .beat import Beat
from .complaints import Complaint
from .queue import TaskQueue
from .results import Folder
from .worker import Workers

log = logging.getLogger(__name__)

#: Seconds after the database was away in which nobody counts as dead: whoever lives says so first.
AFTER_OUTAGE = service.LEASE / 1000
#: Seconds for which a task may wait while nothing runs before the log says so, and ms until it may say so again.
NO_WORKER, SAY_EVERY = 60.0, 3_600_000
#: Between two rounds of deleting what is not kept any longer, in ms; and between two looks of one process, in seconds.
EVERY, LOOK_EVERY = 600_000, 60.0


class Tasks:
    """One instance a process; nothing starts before `start`, or before the first task where tasks run in this process.

    `queue`, `beat` and `folder` are its parts for the views.
    """

    def __init__(self, app: Flask, database: Database, settings: Settings, instance: Path) -> None:
        home = Path(settings.database_url.removeprefix("sqlite:///")).parent if settings.is_sqlite else instance
        self.folder = Folder(Path(settings.results) if settings.results else home / "results")
        self.queue = TaskQueue(settings.redis_url, home / "tasks.sqlite3", settings.secret_key)
        self.beat = Beat(database)
        self.workers = Workers(
            app, database, self.queue, self.folder, self.beat, settings.tasks_at_once, settings.tasks_per_user
        )
        #: whether the tasks of this application run in this very process
        self.is_here = not settings.redis_url
        self._database = database
        self._days = settings.result_days
        self._keep_days = settings.keep_days
        self._per_user = settings.tasks_per_user
        self._trusted_from: float | None = None
        self._silence = Complaint(log)
        self._start = Complaint(log)
        self._is_wanted = False
        self._listens_since = time.monotonic()
        self._swept_at = 0.0

    def start(self) -> None:
        """Run tasks in this process, after the fork; where something keeps the queue's file away, as soon as it is
        there. Calling it again does nothing.
        """
        self._is_wanted = True
        try:
            self.workers.start()
            self._start.is_over("tasks are run again")
        except Exception as error:  # whatever it is, all else is served meanwhile
            self._start.say("tasks cannot be run: %s", error)

    def put(self, number: int) -> None:
        """News: this task waits to be run."""
        self.queue.put(number)
        if self.is_here and not _is_command():
            self.start()

    def close(self, patience: float = 1.0) -> None:
        """End all of it; what runs has `patience` seconds. Calling it again does nothing."""
        self.workers.close(patience)
        self.beat.close()
        self.queue.close()

    # -- what chores call

    def recover(self) -> None:
        """Runs that broke off are given up, and what was lost on its way to the queue is put in again."""
        if self._trusted_from is None:  # an outage may have ended just now, before this process was started
            self._trusted_from = 0.0 if self.is_here else time.monotonic() + AFTER_OUTAGE
        try:
            self._give_up_silent(self._trusted_from)
            with self._database.read() as connection:
                waiting = recovery.waiting(connection, self._per_user)
        except Exception:
            self._listens_since = time.monotonic()
            self._trusted_from = self._listens_since + AFTER_OUTAGE
            raise
        if waiting:
            self._put_lost(waiting)
            self._look_for_workers()
        if self._is_wanted:
            self.start()

    def _give_up_silent(self, trusted_from: float) -> None:
        with self._database.read() as connection:
            silent = recovery.silent(connection, time.monotonic() - self._listens_since)
        if time.monotonic() < trusted_from:
            return
        mine = self.beat.numbers
        for task in silent:
            if task.id in mine:
                continue  # it computes, and lets nobody else have a turn
            with self._database.transaction() as transaction:
                given_up = service.give_up(transaction, task)
            if given_up is not None:
                log.warning("task %d (%s) is not heard of any more: it is %s now", task.id, task.kind, given_up.state)

    def _put_lost(self, waiting: list[int]) -> None:
        try:
            is_lost = self.queue.is_empty()
        except Exception as error:  # whatever keeps Redis away: the next look asks again
            self._silence.say("tasks wait, the queue does not answer: %s", error)
            return
        self._silence.is_over("the queue of tasks answers again")
        if is_lost:
            for number in waiting:
                self.put(number)

    def _look_for_workers(self) -> None:
        """Say so, once for all processes, where it seems that nobody runs tasks."""
        with self._database.read() as connection:
            standing = recovery.standing(connection)
        if self.is_here or standing.running or standing.oldest < NO_WORKER:
            return
        with self._database.transaction() as transaction:
            is_mine = inbox.take_turn(transaction, "no_worker_said_at", now_ms(), SAY_EVERY)
        if is_mine:
            log.warning(
                "%d tasks wait, the first for %.0f s, and none runs: is a worker there? Start one: make worker",
                standing.queued,
                standing.oldest,
            )

    def sweep(self) -> None:
        """Delete results and tasks that are older than they are kept, and files that nobody names."""
        if self._swept_at and time.monotonic() - self._swept_at < LOOK_EVERY:
            return
        self._swept_at = time.monotonic()
        with self._database.transaction() as transaction:
            is_mine = inbox.take_turn(transaction, "results_swept_at", now_ms(), EVERY)
        if is_mine:
            keeping.sweep(Pieces(self._database), self._database, self.folder, self._days, self._keep_days)


def _is_command() -> bool:
    """Whether a command of `flask` is at work here, but for its server: it ends at once and would break tasks off, so
    it leaves them in the queue's file to the server, which looks there every few seconds.
    """
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name != "run"
