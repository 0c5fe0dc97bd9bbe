"""What was told and does not stand any more: it leaves the badges and the list of notices, or loses its content.

The events stay, at their seqs: who has not had them yet still gets every one. The inbox must be locked, and whoever
takes something back appends an event that says so: badges change only together with a seq.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from ..db import Row, Transaction
from ..statements import statement
from .events import badges_of
from .models import events

_BLANK = statement(
    sa.update(events)
    .where(events.c.user_id == sa.bindparam("user"), events.c.seq == sa.bindparam("at_seq"))
    .values(data=sa.bindparam("blanked"))
)


def withdraw(transaction: Transaction, user: int, seq: int) -> bool:
    """The notice at this seq no longer stands. Whether it was counted by a badge until now."""
    badges = badges_of(transaction, user)
    one = f"user_id = {int(user)} AND seq = {int(seq)}"
    execute = transaction.driver.execute
    row: Row | None = execute(f"SELECT seen, badge, own_badge FROM events WHERE {one} AND seen IS NOT NULL").fetchone()
    if row is None:
        return False
    execute(f"UPDATE events SET seen = NULL, badge = NULL, own_badge = NULL WHERE {one}")
    # what was given up before, and kept for the sake of the list only, is nobody's any more
    execute(f"DELETE FROM events WHERE {one} AND seq <= (SELECT trimmed FROM inboxes WHERE user_id = {int(user)})")
    seen, *names = row
    if seen:
        return False
    for name in {*names} - {None}:
        badges[name] -= 1
    return True


def blank(transaction: Transaction, user: int, seq: int) -> None:
    """The event at this seq loses its body, and is the same otherwise. Where it is not kept any more, nothing does."""
    one = f"user_id = {int(user)} AND seq = {int(seq)}"
    row: Row | None = transaction.driver.execute(f"SELECT data FROM events WHERE {one}").fetchone()
    if row is None:
        return
    data: dict[str, Any] = msgspec.json.decode(row[0])
    data["body"] = ""
    transaction.run(_BLANK, user=user, at_seq=seq, blanked=msgspec.json.encode(data).decode())
