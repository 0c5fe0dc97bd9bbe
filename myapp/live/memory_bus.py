"""The bus of a single process."""

from __future__ import annotations

from .bus import Deliver, News


class MemoryBus:
    """Delivers at once, in the publisher's greenlet, in the order of publishing."""

    def __init__(self) -> None:
        self._deliver: Deliver | None = None
        self._users: set[int] = set()

    def start(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def subscribe(self, user: int) -> None:
        self._users.add(user)

    def unsubscribe(self, user: int) -> None:
        self._users.discard(user)

    def publish(self, news: News) -> None:
        if self._deliver is not None and news.user in self._users:
            self._deliver(news)

    def close(self) -> None:
        self._deliver = None
        self._users.clear()
