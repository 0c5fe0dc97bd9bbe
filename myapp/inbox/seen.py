"""Marking as seen what badges count."""

from __future__ import annotations

from collections.abc import Sequence

from ..db import Transaction
from ..errors import Invalid, Text
from .badges import BADGES, Badges
from .events import badges_of, lock, seq_of

#: Badges that go down when their things were seen. Unread messages are marked one conversation at a time instead.
SEEABLE = tuple(name for name in BADGES if name != "messages")


def mark_seen(transaction: Transaction, user: int, badges: Sequence[str], upto: int) -> Badges:
    """What these badges count and what happened at or before `upto` is seen; answers all badges.

    So far nothing that they count can happen: a valid request finds nothing to mark, so nothing changes and no event
    is written. Raises Invalid for an unknown badge and for an `upto` beyond the inbox: nobody has been given that.
    """
    for name in badges:
        if name == "messages":
            raise Invalid("badges", Text("has messages, which are marked read: use POST /messages/read"))
        if name not in SEEABLE:
            raise Invalid("badges", Text("knows %(names)s", names=", ".join(SEEABLE)))
    lock(transaction, (user,))
    latest = seq_of(transaction, user)
    if upto > latest:
        raise Invalid("upto", Text("is beyond this inbox, which is at %(latest)d", latest=latest))
    return badges_of(transaction, user)
