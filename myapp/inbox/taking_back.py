"""What was told and does not stand any more: it leaves the badges and the list of notices, or loses its content.

The events stay, at their seqs: who has not had them yet still gets every one. The inbox must be locked, and whoever
takes something back appends an event that says so: badges change only together with a seq.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ..db import Row, Transaction
from ..statements import statement
from .badges import NAME
from .events import badges_of, pending_notice
from .models import events

_one = (events.c.user_id == sa.bindparam("user"), events.c.seq == sa.bindparam("at_seq"))
_NOTHING = {"seen": None, "badge": None, "own_badge": None}
_DATA = statement(sa.select(events.c.data).where(*_one))
_BLANK = statement(sa.update(events).where(*_one).values(data=sa.bindparam("blanked")))
_AT = statement(
    sa.select(events.c.seq, events.c.data)
    .where(
        events.c.user_id == sa.bindparam("user"),
        events.c.kind == sa.bindparam("kind"),
        events.c.at == sa.bindparam("at"),
    )
    .order_by(events.c.seq)
)


def withdraw(transaction: Transaction, user: int, seqs: Iterable[int]) -> None:
    """The notices at these seqs no longer stand; where there is none, nothing changes. At most 1,000 at a time."""
    counted: list[Row] = []
    stored: list[int] = []
    for seq in seqs:
        pending = pending_notice(transaction, user, seq)
        if pending is None:
            stored.append(seq)
        else:
            counted.append((pending["seen"], pending["badge"], pending["own_badge"]))
            pending.update(_NOTHING)
    badges = badges_of(transaction, user)
    for seen, *names in [*counted, *_withdraw_stored(transaction, user, stored)]:
        if seen is not None and not seen:
            for name in {*names} - {None}:
                badges[name] -= 1


def _withdraw_stored(transaction: Transaction, user: int, seqs: Sequence[int]) -> list[Row]:
    """Of those that are notices: whether it was seen, and by which badges it was counted."""
    which = f"user_id = {int(user)} AND seq IN ({_numbers(seqs)}) AND seen IS NOT NULL"
    sql = f"SELECT seq, seen, badge, own_badge FROM events WHERE {which}"
    rows: list[Row] = transaction.driver.execute(sql).fetchall() if seqs else []
    if rows:
        which = f"user_id = {int(user)} AND seq IN ({_numbers(row[0] for row in rows)})"
        transaction.queue(f"UPDATE events SET seen = NULL, badge = NULL, own_badge = NULL WHERE {which}")
        # what was given up before, and kept for the sake of the list only, is nobody's any more
        given_up = f"seq <= (SELECT trimmed FROM inboxes WHERE user_id = {int(user)})"
        transaction.queue(f"DELETE FROM events WHERE {which} AND {given_up}")
    return [row[1:] for row in rows]


def _numbers(seqs: Iterable[int]) -> str:
    return ",".join(str(int(seq)) for seq in seqs)  # whole numbers only


def withdraw_unseen_about(transaction: Transaction, user: int, badges: Sequence[str], what: str, number: int) -> None:
    """What these badges count of one thing no longer stands: of notices whose data begins with its kind and number, as
    `{"post":7,` does. Within a text of JSON quotes are escaped, so nothing that somebody writes looks like it.
    """
    assert what.isascii() and what.isalpha(), what
    quoted = ", ".join(f"'{name}'" for name in badges if NAME.fullmatch(name))
    contains, table = "strpos", "events"
    if transaction.dialect == "sqlite":
        contains, table = "instr", "events INDEXED BY ix_events_unseen"
    which = f"user_id = {int(user)} AND seen = false AND badge IN ({quoted})"
    start = f'{{"{what}":{int(number)},'
    which += f" AND {contains}(data, '{start}') = 1"
    execute = transaction.driver.execute
    rows: list[Row] = execute(
        f"SELECT badge, own_badge, count(*) FROM {table} WHERE {which} GROUP BY badge, own_badge"
    ).fetchall()
    if not rows:
        return
    execute(f"DELETE FROM {table} WHERE {which} AND seq <= (SELECT trimmed FROM inboxes WHERE user_id = {int(user)})")
    execute(f"UPDATE {table} SET seen = NULL, badge = NULL, own_badge = NULL WHERE {which}")
    counts = badges_of(transaction, user)
    for badge, own_badge, count in rows:
        for name in {badge, own_badge} - {None}:
            counts[name] -= count


def find(transaction: Transaction, user: int, kind: str, at: int, what: str, number: int) -> int | None:
    """The seq of the event of this kind and time (ms since 1970) whose data begins with `{"<what>":<number>,`, for what
    does not know it. The whole inbox is looked through.
    """
    start = f'{{"{what}":{int(number)},'
    found = transaction.all(_AT, user=user, kind=kind, at=at)
    return next((seq for seq, data in found if data.startswith(start)), None)


def blank(transaction: Transaction, user: int, seq: int) -> None:
    """The event at this seq loses its body, and is the same otherwise; where it is not kept any more, nothing does."""
    row = transaction.one(_DATA, user=user, at_seq=seq)
    if row is not None:
        data: dict[str, Any] = msgspec.json.decode(row[0])
        data["body"] = ""
        transaction.queue(_BLANK, user=user, at_seq=seq, blanked=msgspec.json.encode(data).decode())
