"""Trimming all inboxes: by a command, and once an hour by one of the workers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import sqlalchemy as sa

from . import inbox
from .db import Database, now_ms
from .notifications import service as notifications
from .statements import Statement

log = logging.getLogger(__name__)

DAY = 24 * 3600 * 1000
#: Between two rounds, in ms.
EVERY = 3600 * 1000
#: What has been seen stays in the list of notices for so many times as long as an event.
NOTICES_STAY = 3

_FACTS = sa.table("facts", sa.column("name", sa.Text), sa.column("value", sa.Text))
_number = sa.cast(_FACTS.c.value, sa.BigInteger)
#: Take this hour's round, if nobody has.
_TAKE = Statement(
    lambda insert: (
        insert(_FACTS)
        .values(name="trimmed_at", value=sa.bindparam("now", type_=sa.Text))
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"value": sa.bindparam("now", type_=sa.Text)},
            # later than now: by a clock that has been put back since
            where=sa.or_(
                _number < sa.bindparam("due", type_=sa.BigInteger), _number > sa.bindparam("late", type_=sa.BigInteger)
            ),
        )
        .returning(_FACTS.c.value)
    )
)


class Retention:
    """Events are kept for `days`; 0: for ever."""

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._days = days
        self._looked_at = 0.0

    def run_if_due(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """A round, if the last one of any worker was an hour ago."""
        if not self._days or time.monotonic() - self._looked_at < 60 and self._looked_at:
            return
        self._looked_at = time.monotonic()
        now = now_ms()
        with self._database.transaction() as transaction:
            is_mine = bool(transaction.all(_TAKE, now=str(now), due=now - EVERY, late=now + EVERY))
        if is_mine:
            deleted = self.run(is_stopped=is_stopped)
            if deleted:
                log.info("%d events were older than %d days", deleted, self._days)

    def run(self, days: int | None = None, is_stopped: Callable[[], bool] = lambda: False) -> int:
        """Trim all inboxes, in small transactions. How many events were deleted."""
        kept = (self._days if days is None else days) * DAY
        old, old_notices = now_ms() - kept, now_ms() - NOTICES_STAY * kept
        after, deleted, is_done = 0, 0, False
        while not is_done and not is_stopped():
            with self._database.read() as connection:
                found = inbox.find_old(connection, after, old, old_notices)
            for user, upto in found.inboxes:
                deleted += self._trim(user, upto, old_notices, is_stopped)
            if found.is_whole:
                after, is_done = found.upto, found.is_last
            time.sleep(0.001)
        self._forget_numbers(old_notices, is_stopped)
        return deleted

    def _forget_numbers(self, old: int, is_stopped: Callable[[], bool]) -> None:
        """Of notifications that are in no list any more."""
        count = inbox.MOST_DELETED
        while count == inbox.MOST_DELETED and not is_stopped():
            with self._database.transaction() as transaction:
                count = notifications.trim(transaction, old, inbox.MOST_DELETED)
            time.sleep(0.001)

    def _trim(self, user: int, upto: int, old_notices: int, is_stopped: Callable[[], bool]) -> int:
        deleted = 0
        while not is_stopped():
            started = time.perf_counter()
            with self._database.transaction() as transaction:
                count = inbox.trim(transaction, user, upto, old_notices)
            deleted += count
            time.sleep(min(time.perf_counter() - started, 0.1))
            if count < inbox.MOST_DELETED:
                break
        return deleted
