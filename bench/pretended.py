"""Events that were only published, for as long as the application is to believe in them.

A client that was given an event is beyond its inbox, and the sweep would send it a reset. So what the dispatcher reads
is told of these events too: where the inboxes stand, and what follows a cursor.
"""

from __future__ import annotations

from typing import Any

import myapp
from myapp.inbox import Event, Page

from .events import WAKE_UP, as_text, event


def text(seq: int) -> str:
    return as_text(event(seq, WAKE_UP))


def badges(seq: int) -> str:
    return f'{{"messages":{seq}}}'


class Pretended:
    """By first and last user: the last seq, and up to which user it was published; the others stand one before it."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[int, int], tuple[int, int]] = {}
        self._heads, self._after = myapp.heads, myapp.after  # type: ignore[attr-defined]  # create_app's

    def append(self, first: int, last: int, start: int, upto: int) -> int:
        """One more event to the users `start` to `upto` of the range; says its seq. In turn: the first ones first."""
        seq, _upto = self._ranges.get((first, last), (0, last))
        seq += start == first
        self._ranges[first, last] = seq, upto
        return seq

    def seq(self, user: int) -> int:
        """0 for all others."""
        for (first, last), (seq, upto) in self._ranges.items():
            if first <= user <= last:
                return seq - (user > upto)
        return 0

    def heads(self, connection: Any, users: Any) -> dict[int, int]:
        """As inbox.heads."""
        found: dict[int, int] = self._heads(connection, users)
        for user in found if self._ranges else ():
            found[user] = self.seq(user) or found[user]
        return found

    def after(self, connection: Any, user: int, cursor: int, *, epoch: str = "", limit: int = 100) -> Page:
        """As inbox.after."""
        seq = self.seq(user)
        page: Page = self._after(connection, user, 0 if seq else cursor, epoch=epoch, limit=limit)
        if not seq or page.reset or cursor > seq:
            return page
        events = [Event(number, text(number)) for number in range(cursor + 1, min(cursor + limit, seq) + 1)]
        return Page(page.epoch, events, cursor + len(events), seq, badges(seq), False)


PRETENDED = Pretended()
myapp.heads, myapp.after = PRETENDED.heads, PRETENDED.after  # type: ignore[attr-defined]  # create_app's
