"""Handing out news: to those who stand just before it, in the turn of the loop in which it came."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from .batches import join
from .bus import News
from .catching_up import Shared, give_next
from .clients import CATCHING_UP, CURRENT, failed

if TYPE_CHECKING:
    from .dispatcher import Dispatcher
    from .places import Place

log = logging.getLogger(__name__)

#: Seconds to wait on a gap in the news before reading: what is missing is most likely on its way.
GAP_PATIENCE = 0.02


class HandingOut:
    """Owned by the dispatcher."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._pending: dict[Place, list[News]] = {}

    @property
    def is_pending(self) -> bool:
        """Whether some news came within this turn of the loop, to be handed out at its end."""
        return bool(self._pending)

    def add(self, place: Place, news: News) -> None:
        """All that comes within one turn of the loop leaves in one write."""
        if not self._pending:
            self._dispatcher.loop.run_callback(self._flush)
        self._pending.setdefault(place, []).append(news)

    def forget(self, place: Place) -> None:
        """Nobody waits there any more."""
        self._pending.pop(place, None)

    def _flush(self) -> None:
        """Runs in the hub."""
        pending, self._pending = self._pending, {}
        for place, news in pending.items():
            try:
                self._hand_out(place, news)
            except Exception:  # safety net: the others must get theirs; the sweep looks after this one
                log.exception("handing out news failed")
                self._dispatcher.counts["callback_failures"] += 1

    def _hand_out(self, place: Place, news: list[News]) -> None:
        """Who lacks something catches up: at once where it was announced without its text, else after GAP_PATIENCE."""
        dispatcher = self._dispatcher
        batches = [item.batch for item in news if item.batch is not None]
        run = join(batches)
        before = dispatcher.counts["delivered"]
        shared: Shared = {}
        lacking: list[int] = []
        for client in place.clients:  # a tuple: who leaves meanwhile makes a new one
            try:
                if not client.wants_events:
                    if client.state == CURRENT:  # or else the sweep has found something, and the read says what
                        client.tell()
                    continue
                while client.state == CURRENT and run.first <= client.cursor + 1 <= run.seq and run.texts:
                    give_next(client, run, shared)
            except Exception as error:  # safety net: the user's other clients must get theirs
                failed(client, error)
            if client.state == CURRENT and client.cursor < place.wanted:
                client.state = CATCHING_UP
                lacking.append(client.cursor)
        if dispatcher.counts["delivered"] > before:
            self._note_lag(news)
        if not lacking:
            return
        dispatcher.catch_up.expect(place, max(lacking))
        if any(not batch.texts and batch.seq > min(lacking) for batch in batches):
            dispatcher.catch_up.enqueue(place)
        else:
            dispatcher.later(GAP_PATIENCE, dispatcher.catch_up.enqueue, place)

    def _note_lag(self, news: list[News]) -> None:
        now = time.time()
        for item in news:
            if item.at:
                self._dispatcher.lags["push"].observe(now - item.at)
