"""Events that have come and were not yet taken: each once and in order, whatever comes. No I/O."""

from __future__ import annotations

from collections import deque
from typing import Any

from .events import Cursor, Event, Reset, event_of


class Broken(Exception):
    """What came cannot follow what came before: the connection is of no use any more."""


class Gathering:
    """`received` is behind what has come, `cursor` behind what was taken; both None until the start is known.

    An event is added only when it follows the one before; what was had before is dropped.
    """

    def __init__(self, cursor: Cursor | None) -> None:
        self.cursor = cursor
        self.received = cursor
        self.badges: dict[str, int] = {}
        self._badges_at = -1
        self._items: deque[tuple[Event | Reset, Cursor]] = deque()

    def take(self) -> Event | Reset | None:
        """The next item in order, None when there is none yet. The cursor moves with it."""
        if not self._items:
            return None
        item, self.cursor = self._items.popleft()
        return item

    def peek(self) -> Event | Reset | None:
        """What `take` gives next; the cursor stays."""
        return self._items[0][0] if self._items else None

    @property
    def stand(self) -> Cursor:
        """Behind what has come; nothing is asked for, and nothing comes, before that is known."""
        assert self.received is not None
        return self.received

    def begin(self, cursor: Cursor) -> None:
        self.cursor = self.received = cursor

    def meet(self, epoch: str) -> None:
        """What comes now, without reset, is of this epoch: it must be ours, or we knew none yet. Raises Broken."""
        stand = self.stand
        if not stand.epoch:
            self.received = Cursor(stand.seq, epoch)
            if not self._items:
                self.cursor = self.received
        elif stand.epoch != epoch:
            raise Broken(f"epoch {epoch} in place of {stand.epoch}, without reset")

    def add(self, events: list[Any], epoch: str) -> None:
        """Raises Broken where one is missing, those before it being added; ValueError for what is no event."""
        self.meet(epoch)
        for said in events:
            event, seq = event_of(said), self.stand.seq
            if event.seq <= seq:
                continue
            if event.seq != seq + 1:
                raise Broken(f"{event.seq} after {seq}")
            self.received = Cursor(event.seq, epoch)
            self._items.append((event, self.received))

    def reset(self, epoch: str, latest: int) -> None:
        before, self.received = self.stand, Cursor(latest, epoch)
        self._items.append((Reset(self.received, before), self.received))

    def count(self, badges: Any, latest: int) -> None:
        """Badges that stand at `latest`: older ones than we have are of no interest. Raises ValueError."""
        if latest >= self._badges_at:
            self.count_anew(badges, latest)

    def count_anew(self, badges: Any, latest: int) -> None:
        """Badges that hold whatever was known, as where a reset put back what it was known of. Raises ValueError."""
        if not isinstance(badges, dict):
            raise ValueError(f"{badges!r} in place of badges")
        self.badges = {str(name): whole(count) for name, count in badges.items()}
        self._badges_at = latest


def whole(value: Any) -> int:
    """Raises ValueError."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} in place of a whole number")
    return value
