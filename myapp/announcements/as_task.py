"""What a person announces is a task of theirs: they see how far it is, and are told when everybody has been told.

The task's run does what chores do with all other announcements, by the same claims. So if nobody runs the task in
time, or its run dies, chores go on with the announcement; and while somebody else is at it the run shows how far that
is, until it is finished.
"""

from __future__ import annotations

import contextlib
import logging
import time

from .. import inbox
from ..db import NOT_NOW, Transaction
from ..errors import Text, TooMany
from ..extensions import database
from ..notifications.content import Content
from ..tasks import kinds
from ..tasks import service as tasks
from ..tasks.kinds import task
from ..tasks.run import Ended, current, progress
from . import service, telling
from .batches import announce

log = logging.getLogger(__name__)

KIND = "announcement"
#: Seconds between two looks at what somebody else is at, or at a database that is away.
LOOK_EVERY = 0.25


def create(transaction: Transaction, content: Content, by: int, key: str | None = None) -> tuple[int, bool]:
    """Store what this user announces, and the task that tells everyone, in one transaction: the announcement's number,
    and whether it is new. One that is there already by its key has its task.

    Whose tasks are too many already announces without one, and chores do it. Raises Invalid, Conflict.
    """
    inbox.lock(transaction, (by,))  # before all else: the task is told of in it
    number, is_new = service.create(transaction, content, by=by, key=key, left_for=telling.FOR_ITS_TASK)
    if is_new:
        try:
            tasks.create(transaction, by, kinds.by_name(KIND), {"announcement": number})
        except TooMany as error:  # other systems could keep an administrator from telling everyone
            log.warning("announcement %d has no task: %s", number, error)
            telling.release(transaction, number)
    return number, is_new


# no time limit: it takes as long as there are users; and those who have been told cannot be told that it was not meant
@task(KIND, title=Text("Announcement to everyone"), who="code", again=True, time_limit=0, can_cancel=False)
def tell_everyone(announcement: int) -> None:
    """Until everyone has been told, by whomever. A database that is away is waited for. Raises NotFound."""
    is_away = False
    while True:
        try:
            if _go_on(announcement):
                return
            is_away = False
        except NOT_NOW as error:
            if not is_away:
                log.warning("the database does not answer, announcement %d waits: %s", announcement, error)
            is_away = True
        time.sleep(LOOK_EVERY)
        progress(current().percent)  # or it may end here, though the database is away


def _go_on(number: int) -> bool:
    """Do what nobody else is at; whether the announcement is finished."""
    if _show(number):
        return True
    with database().transaction() as transaction:
        is_mine = telling.take(transaction, number)
    if is_mine:
        try:
            announce(database(), number, note=lambda seconds: _show(number))
        except Ended:
            with contextlib.suppress(*NOT_NOW), database().transaction() as transaction:
                telling.release(transaction, number)  # whoever goes on need not wait for the claim to end
            raise
    return _show(number)


def _show(number: int) -> bool:
    """Tell how far it is; whether it is finished. Raises Ended, and NotFound."""
    with database().read() as connection:
        found = service.by_number(connection, number)
    progress(100 * found.reached // max(1, found.total))
    return found.finished_at is not None
