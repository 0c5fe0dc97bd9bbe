"""What happens to tasks: each change of state is one transaction, with the event that tells the owner of it.

    queued ──▶ running ──▶ done
       ▲  │       │ │ └──▶ failed ────┐
       │  └───────┼─┴────▶ cancelled ─┤
       └──────────┴───────────────────┘   a run that broke off, where the kind may run again; a retry

Whoever runs one has it for a while, and asks for more time as long as it runs. `attempt` tells runs apart: what one
that was overtaken still wants to change is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from .. import inbox
from ..changed import Changed
from ..db import Row, Transaction, now_ms
from ..errors import Conflict, Text, TooMany
from ..notifications import preferences
from ..notifications.kinds import kind_of
from ..own_words import kept
from ..statements import Now, Statement, given, statement
from ..texts import KEY_LIFE, check_key, storable
from . import kinds
from .kinds import TaskKind
from .models import tasks
from .results import ResultFile
from .stored import CANCELLED, COLUMNS, DONE, FAILED, QUEUED, RUNNING, TOPIC, UNFINISHED, Task, of_owner, with_source

#: Of one user so many may wait and run, of ours and of each system.
MOST_UNFINISHED = 1000
#: How long a run of ours is believed to live without a word, in ms.
LEASE = 10_000
#: Why a task failed, in characters: it is in an event, which every client gets.
LONGEST_REASON = 1000
#: So many times, since it was asked for, a task may break off and be run again.
MOST_DEATHS = 3

BROKE_OFF = kept(Text("The worker stopped in the middle of it."))
SILENT = kept(Text("Nothing was heard any more from the system that works on it."))


class Queued(NamedTuple):
    """News of a transaction: this task of ours may be run."""

    number: int


_number, _owner = sa.bindparam("number", type_=sa.BigInteger), sa.bindparam("owner", type_=sa.BigInteger)
_now = sa.bindparam("now", type_=sa.BigInteger)
_attempt = sa.bindparam("of_attempt", type_=sa.BigInteger)
next_version = sa.case((tasks.c.version < _now, _now), else_=tasks.c.version + 1)
_is_own = tasks.c.source_id == sa.literal_column("0")
_ADDED = (
    *("owner_id", "source_id", "kind", "title", "params", "key", "state", "progress", "version", "attempt", "deaths"),
    *("patience", "at", "started_at"),
)
_ADD = Statement(
    lambda insert: (
        insert(tasks)
        .values(
            **given(tasks, *_ADDED), queued_at=Now(), claimed_until=Now() + sa.bindparam("more", type_=sa.BigInteger)
        )
        .on_conflict_do_nothing(index_elements=["owner_id", "source_id", "key"])
        .returning(*COLUMNS)
    )
)
_BY_KEY = statement(
    sa.select(*COLUMNS).where(
        tasks.c.owner_id == _owner,
        tasks.c.source_id == sa.bindparam("source", type_=sa.BigInteger),
        tasks.c.key == sa.bindparam("sent_key", type_=sa.Text),
    )
)
_FORGET_KEY = statement(sa.update(tasks).where(tasks.c.id == _number).values(key=None))
_COUNT = statement(
    sa.select(sa.func.count()).where(
        tasks.c.owner_id == _owner,
        tasks.c.finished_at.is_(None),
        tasks.c.source_id == sa.bindparam("source", type_=sa.BigInteger),
    )
)
_COUNT_RUNNING = statement(
    sa.select(sa.func.count()).where(
        tasks.c.owner_id == _owner, tasks.c.finished_at.is_(None), tasks.c.state == RUNNING, _is_own
    )
)
_waiting = tasks.alias("waiting")
_has_waiting = sa.exists(
    sa.select(_waiting.c.id).where(
        _waiting.c.owner_id == tasks.c.owner_id,
        _waiting.c.finished_at.is_(None),
        _waiting.c.state == QUEUED,
        _waiting.c.source_id == sa.literal_column("0"),
    )
)
#: Whose it is, where that user has anything waiting.
_OWNER = statement(sa.select(tasks.c.owner_id).where(tasks.c.id == _number, _is_own, _has_waiting))
_NOTE_SEQ = statement(sa.update(tasks).where(tasks.c.id == _number).values(seq=sa.bindparam("of_seq")))
_CLAIM = statement(
    sa.update(tasks)
    .where(tasks.c.id == _number, tasks.c.state == QUEUED, _is_own)
    .values(
        state=RUNNING,
        progress=0,
        attempt=tasks.c.attempt + 1,
        started_at=_now,
        worker=sa.bindparam("by", type_=sa.Text),
        claimed_until=Now() + tasks.c.patience,
        version=next_version,
    )
    .returning(*COLUMNS)
)
_new_state = sa.bindparam("new_state", type_=sa.Text)
_FINISH = statement(
    sa.update(tasks)
    .where(
        tasks.c.id == _number,
        tasks.c.attempt == _attempt,
        tasks.c.finished_at.is_(None),
        # one that waits again has the attempt of its last run, which may come back late
        sa.or_(tasks.c.state == RUNNING, _new_state == CANCELLED, ~_is_own),
    )
    .values(
        state=_new_state,
        progress=sa.case((_new_state == DONE, 100), else_=tasks.c.progress),
        error=sa.bindparam("why", type_=sa.Text),
        finished_at=_now,
        result_file=sa.bindparam("file", type_=sa.Text),
        result_name=sa.bindparam("file_name", type_=sa.Text),
        result_size=sa.bindparam("file_size", type_=sa.BigInteger),
        version=next_version,
    )
    .returning(*COLUMNS)
)
#: One that should have been heard of by now.
SILENT_NOW = sa.and_(
    tasks.c.finished_at.is_(None),
    tasks.c.claimed_until < Now(),
    sa.or_(tasks.c.state == RUNNING, tasks.c.source_id != sa.literal_column("0")),
)
_IS_SILENT = statement(sa.select(tasks.c.id).where(tasks.c.id == _number, tasks.c.attempt == _attempt, SILENT_NOW))
_QUEUE_AGAIN = statement(
    sa.update(tasks)
    .where(tasks.c.id == _number, tasks.c.attempt == _attempt, _is_own)
    .values(
        state=QUEUED,
        progress=0,
        deaths=sa.bindparam("died", type_=sa.BigInteger),
        error=None,
        finished_at=None,
        started_at=None,
        result_file=None,
        result_name=None,
        result_size=None,
        queued_at=Now(),
        version=next_version,
    )
    .returning(*COLUMNS)
)
_NEXT = statement(
    sa.select(tasks.c.id)
    .where(tasks.c.owner_id == _owner, tasks.c.finished_at.is_(None), tasks.c.state == QUEUED, _is_own)
    .order_by(tasks.c.id)
    .limit(1)
)


def create(
    transaction: Transaction, owner: int, kind: TaskKind, params: Mapping[str, Any], key: str | None = None
) -> tuple[Task, bool]:
    """A task of ours, and whether it is new: the same key of this owner, kept for KEY_LIFE, is the same task.

    It is run soon after the commit. Raises Invalid, Conflict (the key was used for another task), TooMany, and
    LookupError where there is no such user.
    """
    check_key(key)
    encoded = kind.checked(params)
    inbox.lock_more(transaction, (owner,))  # where code of the application starts it, others may be held
    values = {"kind": kind.name, "title": str(kind.title), "params": encoded, "state": QUEUED, "patience": LEASE}
    task, is_new = add(transaction, owner, 0, values, key)
    if is_new:
        tell(transaction, task)
        transaction.news.append(Queued(task.id))
    return task, is_new


def add(
    transaction: Transaction, owner: int, source: int, values: Mapping[str, Any], key: str | None
) -> tuple[Task, bool]:
    """A new row, or that of before by the same key; the owner's inbox is locked. Raises Conflict, TooMany."""
    now = now_ms()
    before = None if key is None else transaction.one(_BY_KEY, owner=owner, source=source, sent_key=key)
    if before is not None:
        task = with_source(transaction, before)
        if task.at > now - KEY_LIFE:
            if any(getattr(task, name) != values[name] for name in ("kind", "title", "params", "patience")):
                raise Conflict(
                    Text("This key was used for another task: use a new key for each."),
                    errors={"key": Text("was used for another task")},
                )
            return task, False
        transaction.run(_FORGET_KEY, number=task.id)
    _check_count(transaction, owner, source)
    started_at = now if values["state"] == RUNNING else None
    row = transaction.one(
        _ADD,
        owner_id=owner,
        source_id=source,
        key=key,
        progress=0,
        version=now,
        attempt=0,
        deaths=0,
        at=now,
        started_at=started_at,
        more=values["patience"],
        **values,
    )
    assert row is not None  # whoever would use this key for this owner waits for the inbox
    return with_source(transaction, row), True


def _check_count(transaction: Transaction, owner: int, source: int) -> None:
    """Whether there is room for one more: what a system has begun takes none of the user's own."""
    if transaction.all(_COUNT, owner=owner, source=source)[0][0] >= MOST_UNFINISHED:
        raise TooMany(Text("%(most)d tasks are waiting or running: try again later.", most=MOST_UNFINISHED), 60)


def claim(transaction: Transaction, number: int, worker: str, most_at_once: int) -> Task | None:
    """The caller is to run it now, and has it for LEASE. Where it does not wait any more, the first that its owner has
    waiting: of two numbers that were put in at once as places became free, none is lost. None where there is nothing,
    or its owner has `most_at_once` running already (0: no limit), one of which takes it up when it ends.
    """
    row = transaction.one(_OWNER, number=number)
    if row is None:
        return None
    owner = row[0]
    inbox.lock(transaction, (owner,))
    if most_at_once and transaction.all(_COUNT_RUNNING, owner=owner)[0][0] >= most_at_once:
        return None
    claimed = transaction.one(_CLAIM, number=number, now=now_ms(), by=worker)
    if claimed is None and (following := transaction.one(_NEXT, owner=owner)):
        claimed = transaction.one(_CLAIM, number=following[0], now=now_ms(), by=worker)
    return changed(transaction, claimed)


def finish(
    transaction: Transaction,
    owner: int,
    number: int,
    attempt: int,
    state: str,
    error: str | None = None,
    file: ResultFile | None = None,
) -> Task | None:
    """It ends so; None where it is not this run's any more: the file is nobody's then. What its owner has waiting may
    be run.
    """
    inbox.lock(transaction, (owner,))
    task = changed(
        transaction,
        transaction.one(
            _FINISH,
            number=number,
            of_attempt=attempt,
            new_state=state,
            why=None if error is None else storable(error, LONGEST_REASON),
            now=now_ms(),
            file=None if file is None else file.path,
            file_name=None if file is None else file.name,
            file_size=None if file is None else file.size,
        ),
    )
    if task is not None and task.is_own:
        _queue_next(transaction, owner)
    return task


def cancel(transaction: Transaction, owner: int, number: int) -> Task:
    """By its owner; one that is cancelled stays so. Raises NotFound, and Conflict where it is over, or cannot be."""
    inbox.lock(transaction, (owner,))
    task = of_owner(transaction, owner, number)
    if task.state == CANCELLED:
        return task
    if task.state not in UNFINISHED:
        raise Conflict(Text("The task is over: there is nothing to cancel."))
    if not task.can_cancel:
        raise Conflict(Text("A task of this kind cannot be cancelled."))
    finish(transaction, owner, number, task.attempt, CANCELLED)
    return of_owner(transaction, owner, number)


def retry(transaction: Transaction, owner: int, number: int) -> tuple[Task, str | None]:
    """It waits for another run; and the file, if there was one, that is nobody's any more. One that waits or runs stays
    as it is. Raises NotFound, and Conflict where it has not failed, or is not ours to run.
    """
    inbox.lock(transaction, (owner,))
    task = of_owner(transaction, owner, number)
    if task.state in UNFINISHED:
        return task, None
    if not task.is_own:
        raise Conflict(Text("Another system works on this task: only it can try again."))
    if not task.can_retry:
        raise Conflict(Text("Only a task that failed or was cancelled can be tried again: ask for a new one."))
    _check_count(transaction, owner, task.source_id)
    if task.seq is not None:
        inbox.mark_some_seen(transaction, owner, [task.seq])  # who tries again knows that it failed
    _queue(transaction, task, 0)
    return of_owner(transaction, owner, number), task.result_file


def put_back(transaction: Transaction, owner: int, number: int, attempt: int, *, has_died: bool = False) -> bool:
    """A run that the process could not bring to its end, since it ends itself or the database was away: the task waits
    for another one. `has_died`: it counts as one that broke off.
    """
    inbox.lock(transaction, (owner,))
    task = of_owner(transaction, owner, number)
    if task.state != RUNNING or task.attempt != attempt:
        return False
    _queue(transaction, task, task.deaths + has_died)
    return True


def give_up(transaction: Transaction, task: Task) -> Task | None:
    """A run that is not heard of any more: the task is run again, if its kind says so, or has failed. None where it is
    heard of by now.
    """
    inbox.lock(transaction, (task.owner_id,))
    if not is_silent(transaction, task.id, task.attempt):
        return None
    kind = kinds.find(task.kind) if task.is_own else None
    if kind is not None and kind.again and task.deaths + 1 < MOST_DEATHS:
        return _queue(transaction, task, task.deaths + 1)
    return finish(transaction, task.owner_id, task.id, task.attempt, FAILED, str(BROKE_OFF if task.is_own else SILENT))


def is_silent(transaction: Transaction, number: int, attempt: int) -> bool:
    """Whether this run has not been heard of for as long as it may be."""
    return transaction.one(_IS_SILENT, number=number, of_attempt=attempt) is not None


def _queue(transaction: Transaction, task: Task, deaths: int) -> Task | None:
    row = transaction.one(_QUEUE_AGAIN, number=task.id, of_attempt=task.attempt, died=deaths, now=now_ms())
    queued = changed(transaction, row)
    if queued is not None:
        transaction.news.append(Queued(task.id))
    return queued


def _queue_next(transaction: Transaction, owner: int) -> None:
    """What has waited for its owner's others to end."""
    row = transaction.one(_NEXT, owner=owner)
    if row is not None:
        transaction.news.append(Queued(row[0]))


def changed(transaction: Transaction, row: Row | None) -> Task | None:
    """Tell the owner of the row that was changed."""
    if row is None:
        return None
    task = with_source(transaction, row)
    tell(transaction, task)
    return task


def tell(transaction: Transaction, task: Task) -> None:
    """An event of its state, to be seen when it is over and the owner has not muted tasks; and whoever watches it."""
    is_news = task.state in (DONE, FAILED)
    if is_news:
        muted = preferences.muted_by(transaction, (task.owner_id,)).get(task.owner_id, set())
        is_news = muted.isdisjoint(preferences.reasons("task", task.source_id))
    notice = inbox.CountedBy(kind_of("task").badge) if is_news else None
    seq = inbox.append(transaction, task.owner_id, "task", task.as_event(), notice=notice)
    transaction.queue(_NOTE_SEQ, number=task.id, of_seq=seq)
    tell_watchers(transaction, task)


def tell_watchers(transaction: Transaction, task: Task) -> None:
    """Whoever has it on screen learns of it after the commit."""
    transaction.news.append(Changed(f"{TOPIC}{task.id}", task.version, task.as_topic()))
