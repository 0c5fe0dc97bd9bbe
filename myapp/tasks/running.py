"""All that runs tasks in one process, and what it does on its own: see that nothing is lost or left over."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from flask import Flask

from .. import inbox
from ..config import Settings
from ..db import Database, now_ms
from ..pieces import Pieces
from . import keeping, recovery, service
from .beat import Beat
from .queue import TaskQueue
from .results import Folder
from .worker import Workers

log = logging.getLogger(__name__)

#: Seconds after the database was away in which nobody counts as dead: whoever lives says so first.
AFTER_OUTAGE = service.LEASE / 1000
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
        self._trusted_from = 0.0
        self._listens_since = time.monotonic()
        self._swept_at = 0.0

    def start(self) -> None:
        """Run tasks in this process, after the fork. Calling it again does nothing."""
        self.workers.start()

    def put(self, number: int) -> None:
        """News: this task waits to be run."""
        self.queue.put(number)
        if self.is_here:
            self.workers.start()

    def close(self, patience: float = 1.0) -> None:
        """End all of it; what runs has `patience` seconds. Calling it again does nothing."""
        self.workers.close(patience)
        self.beat.close()
        self.queue.close()

    # -- what chores call

    def recover(self) -> None:
        """Runs that broke off are given up, and what was lost on its way to the queue is put in again."""
        try:
            self._give_up_silent()
            self._find_lost()
        except Exception:
            self._listens_since = time.monotonic()
            self._trusted_from = self._listens_since + AFTER_OUTAGE
            raise

    def _give_up_silent(self) -> None:
        with self._database.read() as connection:
            silent = recovery.silent(connection, time.monotonic() - self._listens_since)
        if time.monotonic() < self._trusted_from:
            return
        mine = self.beat.numbers
        for task in silent:
            if task.id in mine:
                continue  # it computes, and lets nobody else have a turn
            with self._database.transaction() as transaction:
                given_up = service.give_up(transaction, task)
            if given_up is not None:
                log.warning("task %d (%s) is not heard of any more: it is %s now", task.id, task.kind, given_up.state)

    def _find_lost(self) -> None:
        with self._database.read() as connection:
            waiting = recovery.waiting(connection)
        if waiting and self.queue.is_empty():
            for number in waiting:
                self.put(number)

    def sweep(self) -> None:
        """Delete results and tasks that are older than they are kept, and files that nobody names."""
        if self._swept_at and time.monotonic() - self._swept_at < LOOK_EVERY:
            return
        self._swept_at = time.monotonic()
        with self._database.transaction() as transaction:
            is_mine = inbox.take_turn(transaction, "results_swept_at", now_ms(), EVERY)
        if is_mine:
            keeping.sweep(Pieces(self._database), self._database, self.folder, self._days, self._keep_days)
