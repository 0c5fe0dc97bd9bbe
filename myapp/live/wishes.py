"""What clients ask to watch by their WebSockets: granted one by one, by a greenlet that exists only meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import gevent

from .clients import failed

if TYPE_CHECKING:
    from .topic import Watch
    from .topics import Topics
    from .websocket import WebSocketClient

log = logging.getLogger(__name__)


class Wishes:
    """Owned by Topics. Of each client the latest wish counts."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._wishes: dict[WebSocketClient, Sequence[str]] = {}

    def __len__(self) -> int:
        return len(self._wishes)

    def add(self, client: WebSocketClient, names: Sequence[str]) -> None:
        """The client wants to watch these. Does not wait."""
        is_idle = not self._wishes
        self._wishes[client] = names
        if is_idle:
            gevent.spawn(self._grant_all)

    def _grant_all(self) -> None:
        while self._wishes:
            client, names = next(iter(self._wishes.items()))
            try:
                self._try_to_grant(client, names)
            except Exception as error:  # safety net: the others must get theirs, and whoever wishes after them
                if self._wishes.get(client) is names:
                    del self._wishes[client]
                failed(client, error)

    def _try_to_grant(self, client: WebSocketClient, names: Sequence[str]) -> None:
        watches = self._resolve(client, names)  # may switch: the client can be gone now
        self._topics.hold(watches)  # the same
        try:
            if self._wishes.get(client) is names:  # or else by now it wishes for others
                del self._wishes[client]
                if client.place is not None:
                    self._grant(client, names, watches)
        finally:
            self._topics.release(watches)

    def _resolve(self, client: WebSocketClient, names: Sequence[str]) -> list[Watch]:
        try:
            return self._topics.resolve(client.place.user, names) if client.place is not None else []
        except Exception as error:  # safety net: the database may be away; the client is told, and may ask again
            log.warning("looking for topics to watch failed: %s", error)
            return []

    def _grant(self, client: WebSocketClient, names: Sequence[str], watches: list[Watch]) -> None:
        self._topics.watch(client, watches)
        known = {watch.topic for watch in watches}
        self._topics.give_all(client)
        client.refuse_topics([name for name in dict.fromkeys(names) if name not in known])
