"""What Redis and the way to it lose while they are there."""

from __future__ import annotations

import random

import redis

from .fault import Fault, NoEffect, Params


class KillPubsub(Fault):
    """`CLIENT KILL TYPE pubsub`: all subscriptions end at once."""

    kind = "kill-pubsub"

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": 4.0}

    def inject(self) -> None:
        self._opened = self.world.proxy.subscriptions
        with redis.Redis.from_url(self.world.stack.redis.url) as client:
            self._killed = int(client.execute_command("CLIENT", "KILL", "TYPE", "pubsub"))

    def is_healed(self) -> bool:
        return self.world.proxy.subscriptions >= self._opened + self._killed and super().is_healed()

    def effect(self) -> dict[str, object]:
        if not self._killed:
            raise NoEffect("no subscription was there to kill")
        return {"killed": self._killed, "opened": self.world.proxy.subscriptions - self._opened}


class LostPublishes(Fault):
    """A Redis that takes each PUBLISH and gives it to nobody."""

    kind = "lost-publishes"

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": round(lots.uniform(8, 20), 1)}

    def inject(self) -> None:
        self._before = self.world.proxy.publishes_lost
        self.world.proxy.loses_publishes = True

    def heal(self) -> None:
        self.world.proxy.loses_publishes = False

    def effect(self) -> dict[str, object]:
        lost = self.world.proxy.publishes_lost - self._before
        if not lost:
            raise NoEffect("nothing was published")
        return {"lost": lost}


class DeafSubscriptions(Fault):
    """The open subscriptions carry nothing any more, and nobody is told; new ones work."""

    kind = "deaf-subscriptions"

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": round(lots.uniform(16, 22), 1)}  # 15 s of silence are noticed

    def inject(self) -> None:
        self._bytes = self.world.proxy.bytes_lost
        self._opened = self.world.proxy.subscriptions
        self._hit = self.world.proxy.deafen()

    def is_healed(self) -> bool:
        return self.world.proxy.subscriptions >= self._opened + self._hit and super().is_healed()

    def effect(self) -> dict[str, object]:
        lost = self.world.proxy.bytes_lost - self._bytes
        opened = self.world.proxy.subscriptions - self._opened
        if not self._hit or not lost:
            raise NoEffect(f"{self._hit} subscriptions were deaf, {lost} bytes did not arrive")
        return {"deaf": self._hit, "bytes lost": lost, "opened anew": opened}
