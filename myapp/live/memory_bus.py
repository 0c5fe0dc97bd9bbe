"""The bus of a single process."""

from __future__ import annotations

from collections.abc import Callable

from .bus import (
    OK,
    Channel,
    Deliver,
    DeliverAll,
    GrantsEnded,
    Learn,
    News,
    NewsOfMany,
    Overhear,
    TopicNews,
    ignore,
    worker_name,
)


class MemoryBus:
    """Delivers at once, in the publisher's greenlet, in the order of publishing."""

    is_shared = False
    state = OK

    def __init__(self) -> None:
        self._deliver: Deliver | None = None
        self._deliver_all: DeliverAll = ignore
        self._grants_ended: GrantsEnded = ignore
        self._learn: Learn = ignore
        self.worker = ""
        self.counts: dict[str, int] = {}

    def start(
        self,
        deliver: Deliver,
        overhear: Overhear = ignore,
        resumed: Callable[[], None] = ignore,
        deliver_all: DeliverAll = ignore,
        grants_ended: GrantsEnded = ignore,
        learn: Learn = ignore,
    ) -> None:
        self._deliver, self._deliver_all, self._grants_ended, self._learn = deliver, deliver_all, grants_ended, learn
        self.worker = worker_name()

    def subscribe(self, *channels: Channel) -> None:
        """Nothing to do: see `publish`."""

    def unsubscribe(self, *channels: Channel) -> None:
        """Nothing to do: see `publish`."""

    def publish(self, news: News) -> None:
        # the receiver knows whom it has subscribed to; to keep them here again costs 80 bytes a user
        if self._deliver is not None:
            self._deliver(news)

    def put(self, news: TopicNews) -> None:
        self._learn(news)

    def spread(self, news: NewsOfMany) -> None:
        self._deliver_all(news)

    def end_grants(self, prefix: str) -> None:
        self._grants_ended(prefix)

    def broadcast(self, words: bytes) -> None:
        """There is no other worker."""

    def close(self) -> None:
        self._deliver = None
        self._deliver_all = self._grants_ended = self._learn = ignore
