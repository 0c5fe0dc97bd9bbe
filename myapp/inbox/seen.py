"""Marking as seen what badges count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..db import Row, Transaction
from ..errors import Invalid, Text
from .badges import BADGES, NAME, Badges
from .events import append, badges_of, lock, seq_of

#: Of so many names, and so many notices, can be spoken at once.
MOST_NAMES, MOST_SEQS = 50, 500


def mark_seen(transaction: Transaction, user: int, badges: Sequence[str], upto: int) -> Badges:
    """What these badges count and what happened at or before `upto` is seen; answers all badges.

    Where that changes anything, the user's clients are told by an event `seen`. Raises Invalid for an unknown badge and
    for an `upto` beyond the inbox: nobody has been given that.
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
    _check_upto(transaction, user, "upto", upto)
    names = list(dict.fromkeys(badges))
    quoted = ", ".join(f"'{name}'" for name in names)  # of letters, digits and dashes: see NAME
    where = f"seq <= {int(upto)} AND (badge IN ({quoted}) OR own_badge IN ({quoted}))"
    if names and _see(transaction, user, where):
        append(transaction, user, "seen", {"badges": names, "upto": upto})
    return badges_of(transaction, user)


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


def mark_all_seen(transaction: Transaction, user: int, upto: int) -> Badges:
    """All notices at or before `upto` are seen; answers all badges. Raises Invalid for an `upto` beyond the inbox."""
    lock(transaction, (user,))
    _check_upto(transaction, user, "upto", upto)
    counted = [name for name, count in badges_of(transaction, user).items() if count and name != "messages"]
    if _see(transaction, user, f"seq <= {int(upto)}"):
        append(transaction, user, "seen", {"badges": counted, "upto": upto})
    return badges_of(transaction, user)


def _check_upto(transaction: Transaction, user: int, field: str, upto: int) -> None:
    latest = seq_of(transaction, user)
    if upto > latest:
        raise Invalid(field, Text("is beyond this inbox, which is at %(latest)d", latest=latest))


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
