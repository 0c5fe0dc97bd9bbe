"""A bus that does its worst, within its guarantee: it loses, doubles, delays and swaps news, by a seed."""

from __future__ import annotations

import random

from myapp.live.bus import Channel, News, TopicNews
from myapp.live.memory_bus import MemoryBus


class ChaoticBus(MemoryBus):
    """Equal seeds do the same to the same news. `done` counts what was done."""

    WAYS = ("pass", "lose", "double", "delay")

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.done = dict.fromkeys((*self.WAYS, "swap"), 0)
        self.channels: set[Channel] = set()
        self._lots = random.Random(seed)
        self._held: list[News] = []

    def subscribe(self, *channels: Channel) -> None:
        self.channels.update(channels)

    def unsubscribe(self, *channels: Channel) -> None:
        for channel in channels:
            self.channels.remove(channel)

    def publish(self, news: News) -> None:
        way = self._lots.choice(self.WAYS)
        self.done[way] += 1
        if way == "delay":
            self._held.append(news)
        elif way != "lose":
            self._say(news)
            if way == "double":
                self._say(news)
        if self._lots.random() < 0.2:
            self.release()

    def put(self, news: TopicNews) -> None:
        if news.key in self.channels and self._lots.random() < 0.5:
            super().put(news)

    def release(self) -> None:
        """Say what was held back, in whatever order."""
        held, self._held = self._held, []
        self._lots.shuffle(held)
        self.done["swap"] += len(held) > 1
        for news in held:
            self._say(news)

    def forget(self) -> None:
        """Lose what was held back."""
        self._held.clear()

    def _say(self, news: News) -> None:
        if self._deliver is not None and news.user in self.channels:
            self._deliver(news)
