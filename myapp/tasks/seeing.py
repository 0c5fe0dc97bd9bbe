"""What one was told of tasks is seen: by looking at them, or by taking what one gave."""

from __future__ import annotations

from .. import inbox
from ..db import Connection, Database, Transaction
from .stored import Task

#: What counts the tasks that are over and that one has not seen.
BADGE = "tasks"


def has_unseen(connection: Connection, user: int) -> bool:
    """Whether the badge counts anything."""
    return bool(inbox.head(connection, user).as_page()["badges"][BADGE])


def see_all(database: Database, user: int) -> None:
    """All that the badge counts is seen."""

    def mark(transaction: Transaction, after: int) -> inbox.Marked:
        inbox.lock(transaction, (user,))
        return inbox.mark_seen(transaction, user, [BADGE], inbox.seq_of(transaction, user), after)

    inbox.mark_in_pieces(database, mark)


def is_unseen(connection: Connection, task: Task) -> bool:
    """Whether its end is a notice that nobody has seen."""
    notice = None if task.seq is None else inbox.notice(connection, task.owner_id, task.seq)
    return notice is not None and not notice.seen


def see(database: Database, task: Task) -> None:
    """What was told of its end is seen."""
    assert task.seq is not None
    with database.transaction() as transaction:
        inbox.mark_some_seen(transaction, task.owner_id, [task.seq])
