"""Signs of life: what runs here tells the database, at most four times a second, how far it is and that it lives."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from typing import NamedTuple

import sqlalchemy as sa

from ..db import NOT_NOW, Database, Transaction, now_ms
from ..statements import Now, statement
from .complaints import Complaint
from .models import tasks
from .run import Run
from .service import tell_watchers
from .stored import COLUMNS, RUNNING, with_source

log = logging.getLogger(__name__)

#: Seconds from one time that progress is stored to the next: at most four a second.
PROGRESS_EVERY = 0.25
#: Seconds from one sign of life to the next, where there is nothing else to tell.
LIVE_EVERY = 1.0
#: What other systems say of so many tasks goes into one transaction: on SQLite nothing else happens meanwhile.
MOST_SAID = 100

_number, _attempt = sa.bindparam("number", type_=sa.BigInteger), sa.bindparam("of_attempt", type_=sa.BigInteger)
_now = sa.bindparam("now", type_=sa.BigInteger)
_is_this_run = sa.and_(tasks.c.id == _number, tasks.c.attempt == _attempt, tasks.c.state == RUNNING)
_LIVE = statement(sa.update(tasks).where(_is_this_run).values(claimed_until=Now() + tasks.c.patience))
_progress = (
    sa.update(tasks)
    .where(_is_this_run)
    .values(
        progress=sa.bindparam("percent", type_=sa.BigInteger),
        claimed_until=Now() + tasks.c.patience,
        version=sa.case((tasks.c.version < _now, _now), else_=tasks.c.version + 1),
    )
    .returning(*COLUMNS)
)
_PROGRESS = statement(_progress)
#: What another system said at a time: another process may have stored meanwhile what it said behind that.
_SAID = statement(_progress.where(tasks.c.version <= _now))
#: Of another system's task, which may also wait: somebody is at it.
_HEARD_OF = statement(
    sa.update(tasks)
    .where(tasks.c.id == _number, tasks.c.finished_at.is_(None), tasks.c.source_id != sa.literal_column("0"))
    .values(claimed_until=Now() + tasks.c.patience)
)


class Said(NamedTuple):
    """How far another system's task is (None: somebody is at it), said at a time in ms."""

    percent: int | None
    at: int


class Beat:
    """One instance a process. It has a thread (a greenlet where gevent has patched) while there is something to tell.

    What is stored wakes nobody but those who watch: progress is no event.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs: set[Run] = set()
        self._said: dict[int, Said] = {}
        #: what the turn at hand tells of it
        self._telling: dict[int, Said] = {}
        self._lock = threading.Lock()
        self._is_needed = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lived_at = 0.0
        self._outage = Complaint(log)

    @property
    def numbers(self) -> set[int]:
        """The tasks that run here."""
        return {run.number for run in self.runs()}

    def add(self, run: Run) -> None:
        """It runs here from now on; told to end as soon as it is seen to be cancelled."""
        with self._lock:
            self._runs.add(run)
        self._wake()

    def remove(self, run: Run) -> None:
        """It has come to its end; another run of the same task may have begun here."""
        with self._lock:
            self._runs.discard(run)

    def runs(self) -> list[Run]:
        """In the order in which their rows are locked everywhere."""
        with self._lock:
            return sorted(self._runs, key=lambda run: (run.number, run.attempt))

    def say(self, number: int, percent: int | None, version: int) -> None:
        """Another system's task is so far, or (None) somebody is at it: stored within PROGRESS_EVERY, the last that was
        said. `version`: the task's as it was found, behind which it is said.
        """
        with self._lock:
            before = self._said.get(number)
            if before is None or percent is not None:
                self._said[number] = Said(percent, max(now_ms(), version))
        self._wake()

    def take_back(self, number: int) -> int | None:
        """How far it was said to be, where that is not stored yet, and now will not be; or is stored right now."""
        with self._lock:
            before, newer = self._telling.pop(number, None), self._said.pop(number, None)
        percents = [said.percent for said in (newer, before) if said is not None and said.percent is not None]
        return percents[0] if percents else None

    def close(self) -> None:
        """Tell what is left, and nothing more. Calling it again does nothing."""
        self._closing.set()
        self._is_needed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def _wake(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._go_on, name="tasks' beat", daemon=True)
                self._thread.start()
        self._is_needed.set()

    def _go_on(self) -> None:
        while True:
            self._is_needed.wait(None if not self._runs else PROGRESS_EVERY)
            self._is_needed.clear()
            began = time.monotonic()
            self.turn()
            if self._closing.is_set():
                return
            self._closing.wait(max(0.0, began + PROGRESS_EVERY - time.monotonic()))

    def turn(self) -> None:
        """One transaction, where there is anything to tell."""
        runs = self.runs()
        with self._lock:
            said = dict(itertools.islice(self._said.items(), MOST_SAID))
            for number in said:
                del self._said[number]
            self._telling = said
            if self._said:
                self._is_needed.set()
        is_time_to_live = time.monotonic() - self._lived_at >= LIVE_EVERY
        changed = [run for run in runs if run.percent != run.told_percent]
        quiet = [run for run in runs if run.percent == run.told_percent] if is_time_to_live else []
        if not (changed or quiet or said):
            return
        try:
            self._tell(changed, quiet, said)
            self._outage.is_over("the database answers again: how far tasks are is told")
        except NOT_NOW as error:
            self._outage.say("the database does not answer, how far tasks are is told later: %s", error)
            with self._lock:
                newer = {n: new for n, new in self._said.items() if new.percent is not None or n not in said}
                self._said = {**said, **newer}
            self._is_needed.set()
        except Exception:  # safety net: the next turn tries again
            log.exception("telling how far tasks are failed")
        finally:
            self._telling = {}

    def _tell(self, changed: list[Run], quiet: list[Run], said: dict[int, Said]) -> None:
        percents = {run: run.percent for run in changed}
        with self._database.transaction() as transaction:
            for run in changed:
                if not store(transaction, run.number, run.attempt, percents[run]):
                    self._lost(run)
            for run in quiet:
                if not transaction.run(_LIVE, number=run.number, of_attempt=run.attempt):
                    self._lost(run)
            for number in sorted(said):  # in the order in which all processes lock rows
                found = said.get(number)
                if found is None:
                    continue  # it was taken back
                if found.percent is None or not store(transaction, number, 0, found.percent, found.at):
                    transaction.run(_HEARD_OF, number=number)
        for run in changed:
            run.told_percent = percents[run]
        if quiet:
            self._lived_at = time.monotonic()

    @staticmethod
    def _lost(run: Run) -> None:
        run.end("")  # it was cancelled, or another run has its place


def store(transaction: Transaction, number: int, attempt: int, percent: int, said_at: int | None = None) -> bool:
    """Whether it is still this run's; and of what was said at a time, whether nothing was said behind that."""
    what, now = (_PROGRESS, now_ms()) if said_at is None else (_SAID, said_at)
    row = transaction.one(what, number=number, of_attempt=attempt, percent=percent, now=now)
    if row is None:
        return False
    tell_watchers(transaction, with_source(transaction, row))
    return True
