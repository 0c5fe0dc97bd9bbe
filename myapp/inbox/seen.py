"""Marking as seen what badges count.

One who was told of very much may see it all at once. So all that was told up to a seq is marked in pieces, each in a
transaction of its own: on SQLite nothing else happens meanwhile, on PostgreSQL the inbox is locked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from ..db import Database, Row, Transaction
from ..errors import Invalid, Text
from ..pieces import Pieces
from ..statements import Statement, statement
from .badges import BADGES, NAME, Badges
from .events import append, badges_of, lock, seq_of
from .models import events

#: Of so many names, and so many notices, can be spoken at once.
MOST_NAMES, MOST_SEQS = 50, 500
#: Notices that are looked at in one transaction.
MOST_MARKED = 1000


class Marked(NamedTuple):
    """How far one transaction has marked: up to seq `upto`; all of it when `is_last`. `badges` stand at `seq`."""

    badges: Badges
    seq: int
    upto: int
    is_last: bool


def mark_seen(transaction: Transaction, user: int, badges: Sequence[str], upto: int, after: int = 0) -> Marked:
    """Of the next MOST_MARKED notices behind `after`, what these badges count and what happened at or before `upto` is
    seen.

    Where that changes anything, the user's clients are told by an event `seen`, which says how far it went. Raises
    Invalid for an unknown badge and for an `upto` beyond the inbox: nobody has been given that.
    """
    lock(transaction, (user,))
    known = badges_of(transaction, user)
    if len(badges) > MOST_NAMES:
        raise Invalid("badges", Text("give at most %(most)d names", most=MOST_NAMES))
    for name in badges:
        if name == "messages":
            raise Invalid("badges", Text("has messages, which are marked read: use POST /messages/read"))
        if name not in known or not NAME.fullmatch(name):
            raise Invalid("badges", Text("knows %(names)s", names=", ".join(sorted({*known, *BADGES} - {"messages"}))))
    names = list(dict.fromkeys(badges))
    quoted = ", ".join(f"'{name}'" for name in names)  # of letters, digits and dashes: see NAME
    counted = f"(badge IN ({quoted}) OR own_badge IN ({quoted}))" if names else "false"
    return _mark_piece(transaction, user, names, upto, after, counted)


def mark_all_seen(transaction: Transaction, user: int, upto: int, after: int = 0) -> Marked:
    """The next MOST_MARKED notices behind `after` are seen, as far as they are at or before `upto`.

    Raises Invalid for an `upto` beyond the inbox.
    """
    lock(transaction, (user,))
    counted = [name for name, count in badges_of(transaction, user).items() if count and name != "messages"]
    return _mark_piece(transaction, user, counted, upto, after, "true")


def mark_some_seen(transaction: Transaction, user: int, seqs: Iterable[int]) -> Badges:
    """The notices with these seqs are seen; answers all badges. A seq of something else, or of one that is seen
    already, changes nothing.

    Where anything changes, the event `seen` names them in `seqs`. Raises Invalid for one beyond the inbox.
    """
    lock(transaction, (user,))
    numbers = sorted({int(seq) for seq in seqs})
    if len(numbers) > MOST_SEQS:
        raise Invalid("seqs", Text("give at most %(most)d numbers", most=MOST_SEQS))
    if numbers:
        _check_upto(transaction, user, "seqs", numbers[-1])
        if _see(transaction, user, f"seq IN ({', '.join(map(str, numbers))})"):
            append(transaction, user, "seen", {"badges": [], "upto": 0, "seqs": numbers})
    return badges_of(transaction, user)


def mark_next_seen(transaction: Transaction, user: int, which: Statement, **values: Any) -> Marked:
    """The first MOST_SEQS of the notices whose seqs `which` selects in their order, by its parameters `user`, `most`
    and `values`, are seen.
    """
    lock(transaction, (user,))
    seqs = [row[0] for row in transaction.all(which, user=user, most=MOST_SEQS, **values)]
    badges = mark_some_seen(transaction, user, seqs)
    return Marked(badges, seq_of(transaction, user), seqs[-1] if seqs else 0, len(seqs) < MOST_SEQS)


def mark_in_pieces(database: Database, mark: Callable[[Transaction, int], Marked]) -> Marked:
    """`mark(transaction, after)` from the beginning of an inbox until its last piece, which is given back."""
    pieces, after = Pieces(database), 0
    while True:
        with pieces.next() as transaction:
            marked = mark(transaction, after)
        if marked.is_last:
            return marked
        after = marked.upto


def _check_upto(transaction: Transaction, user: int, field: str, upto: int) -> None:
    latest = seq_of(transaction, user)
    if upto > latest:
        raise Invalid(field, Text("is beyond this inbox, which is at %(latest)d", latest=latest))


#: Where the piece behind `after` ends, when it is not the last one.
_END_OF_PIECE = statement(
    sa.select(events.c.seq)
    .with_hint(events, "INDEXED BY ix_events_unseen", "sqlite")
    .where(
        events.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        events.c.seen == sa.false(),
        events.c.seq > sa.bindparam("after", type_=sa.BigInteger),
        events.c.seq < sa.bindparam("upto", type_=sa.BigInteger),
    )
    .order_by(events.c.seq)
    .limit(1)
    .offset(sa.bindparam("others", type_=sa.Integer))
)


def _mark_piece(transaction: Transaction, user: int, badges: list[str], upto: int, after: int, counted: str) -> Marked:
    """Mark those of the next MOST_MARKED for which `counted` holds, and tell of it."""
    _check_upto(transaction, user, "upto", upto)
    found = transaction.one(_END_OF_PIECE, user=user, after=after, upto=upto, others=MOST_MARKED - 1)
    end: int = upto if found is None else found[0]
    if _see(transaction, user, f"seq > {int(after)} AND seq <= {int(end)} AND {counted}"):
        append(transaction, user, "seen", {"badges": badges, "upto": end})
    return Marked(badges_of(transaction, user), seq_of(transaction, user), end, found is None)


def _see(transaction: Transaction, user: int, where: str) -> bool:
    """Mark what fits, and take it from the badges. Whether anything did.

    `where` is made of whole numbers and names of badges only.
    """
    unseen = f"user_id = {int(user)} AND seen = false AND {where}"
    # SQLite would by itself go through all that ever happened to the user, since that is where the rows are
    table = "events INDEXED BY ix_events_unseen" if transaction.dialect == "sqlite" else "events"
    execute = transaction.driver.execute
    rows: list[Row] = execute(
        f"SELECT badge, own_badge, count(*) FROM {table} WHERE {unseen} GROUP BY badge, own_badge"
    ).fetchall()
    if not rows:
        return False
    execute(f"UPDATE {table} SET seen = true WHERE {unseen}")
    less: Counter[str] = Counter()
    for badge, own_badge, count in rows:
        for name in {badge, own_badge} - {None}:
            less[name] += count
    badges = badges_of(transaction, user)
    for name, count in less.items():
        badges[name] = badges.get(name, 0) - count
    return True
