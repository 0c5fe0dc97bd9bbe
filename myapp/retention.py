"""Trimming all inboxes: by a command, and once an hour by one of the workers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from . import inbox
from .db import Database, now_ms
from .notifications import service as notifications
from .pieces import Pieces

log = logging.getLogger(__name__)

DAY = 24 * 3600 * 1000
#: Between two rounds, in ms.
EVERY = 3600 * 1000
#: Between two looks of one worker whether it is time for a round, in seconds.
LOOK_EVERY = 60
#: What has been seen stays in the list of notices for so many times as long as an event.
NOTICES_STAY = 3


class Retention:
    """Events are kept for `days`; 0: for ever."""

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._pieces = Pieces(database)
        self._days = days
        self._looked_at = 0.0

    def run_if_due(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """A round, if the last one of any worker was an hour ago."""
        has_looked = self._looked_at and time.monotonic() - self._looked_at < LOOK_EVERY
        if not self._days or has_looked:
            return
        self._looked_at = time.monotonic()
        with self._database.transaction() as transaction:
            is_mine = inbox.take_turn(transaction, "trimmed_at", now_ms(), EVERY)
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
            for user in found.large:
                self._give_up_unseen(user, is_stopped)
            if found.is_whole:
                after, is_done = found.upto, found.is_last
            time.sleep(0.001)
        self._forget_numbers(old_notices, is_stopped)
        return deleted

    def _forget_numbers(self, old: int, is_stopped: Callable[[], bool]) -> None:
        """Of notifications that are in no list any more."""
        count = inbox.MOST_DELETED
        while count == inbox.MOST_DELETED and not is_stopped():
            with self._pieces.next() as transaction:
                count = notifications.trim(transaction, old, inbox.MOST_DELETED)

    def _trim(self, user: int, upto: int, old_notices: int, is_stopped: Callable[[], bool]) -> int:
        deleted, is_last = 0, False
        while not is_last and not is_stopped():
            with self._pieces.next() as transaction:
                trimmed = inbox.trim(transaction, user, upto, old_notices)
            deleted, is_last = deleted + trimmed.deleted, trimmed.is_last
        return deleted

    def _give_up_unseen(self, user: int, is_stopped: Callable[[], bool]) -> None:
        """The oldest of what is not seen counts as seen, where there is too much of it."""
        with self._database.read() as connection:
            upto = inbox.last_too_many(connection, user)
        after = 0
        while after < upto and not is_stopped():
            with self._pieces.next() as transaction:
                after = inbox.mark_all_seen(transaction, user, upto, after).upto
