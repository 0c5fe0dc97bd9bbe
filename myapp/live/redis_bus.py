"""The bus of several workers, on one host or many: Redis pub/sub, one channel a user, and one a topic.

Redis keeps nothing for us and may be killed at any time; what it loses, the sweep finds. Each worker has one connection
for its subscriptions, which reads without end, and one for publishing.

Whether it works is measured, not believed: every few seconds each worker says something to itself through Redis. Who
has not heard that for DEAF_AFTER seconds is deaf, says so (readiness, figures), and connects anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import gevent
import msgspec

from .bus import (
    AWAY,
    DEAF,
    OK,
    STARTING,
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
from .frames import Batch
from .redis_link import Backoff, Broken, Link
from .redis_publisher import RedisPublisher
from .redis_subscriptions import TOPIC, Subscriptions

log = logging.getLogger(__name__)

#: Seconds between two words to oneself; from 15 s on without hearing them the worker is deaf.
BEAT_EVERY = 5.0
DEAF_AFTER = 15.0
#: Seconds for which a user who has left stays subscribed: a long poll comes back at once.
LINGER = 10.0
_Thing = TypeVar("_Thing")
#: What is said on a user's channel: a batch or none, what ended or nothing, when, in which epoch.
_Told = tuple[Batch | None, str, float, str]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Told).decode
_decode_topic = msgspec.msgpack.Decoder(tuple[int, str]).decode
_decode_many = msgspec.msgpack.Decoder(NewsOfMany).decode
_decode_prefix = msgspec.msgpack.Decoder(str).decode

#: The first bytes of whatever a worker says tell who it is: it need not read its own words.
NAME_BYTES = 8


class RedisBus:
    """One instance a process; started after the fork, by `start`, in a process that runs gevent's loop.

    Without `start` it only publishes, each time in the caller's greenlet or thread.
    `deployment` keeps apart those who share a Redis: pub/sub knows no database numbers.
    """

    is_shared = True

    def __init__(
        self,
        url: str,
        deployment: str,
        *,
        beat_every: float = BEAT_EVERY,
        deaf_after: float = DEAF_AFTER,
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker = ""
        self.state = STARTING
        self.counts: Counter[str] = Counter()
        self._url = url
        self._beat_every, self._deaf_after = beat_every, deaf_after
        self._clock = clock
        self._prefix = f"myapp:{hashlib.sha256(deployment.encode()).hexdigest()[:16]}:"
        self._all = f"{self._prefix}all"
        self._many = f"{self._prefix}many"
        self._ended = f"{self._prefix}ended"
        self._choose_name()
        self._publisher = RedisPublisher(url, f"myapp-{os.getpid()}", self.counts)
        self._deliver: Deliver = ignore
        self._overhear: Overhear = ignore
        self._deliver_all: DeliverAll = ignore
        self._grants_ended: GrantsEnded = ignore
        self._learn: Learn = ignore
        self._resumed: Callable[[], None] = ignore
        self._is_started = self._is_closed = False
        self._subscriptions = Subscriptions(self._prefix, linger, clock, self._disconnect)
        self._link: Link | None = None
        self._heard_at = 0.0
        self._greenlets: list[gevent.Greenlet] = []

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
        self._overhear, self._resumed = overhear, resumed
        if self._is_started or self._is_closed:
            return
        self._is_started = True
        self._choose_name()  # anew: an application that was made before the fork is in all workers
        self.worker = worker_name()
        self._publisher.start()
        self._greenlets = [gevent.spawn(loop) for loop in (self._listen, self._subscriptions.run, self._beat)]

    def _choose_name(self) -> None:
        self._me = secrets.token_bytes(NAME_BYTES)
        self._own = f"{self._prefix}beat:{self._me.hex()}"

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._deliver = self._overhear = self._deliver_all = self._grants_ended = self._learn = ignore
        self._publisher.close()
        gevent.killall(self._greenlets, block=False)
        self._disconnect()
        self._subscriptions.close()

    # -- saying

    def publish(self, news: News) -> None:
        told: _Told = (news.batch, news.ended, news.at, news.epoch)
        self._say(self._deliver, news, f"{self._prefix}{news.user}", told)

    def put(self, news: TopicNews) -> None:
        self._say(self._learn, news, self._subscriptions.name(news.key), (news.version, news.data))

    def spread(self, news: NewsOfMany) -> None:
        self._say(self._deliver_all, news, self._many, news)

    def end_grants(self, prefix: str) -> None:
        self._say(self._grants_ended, prefix, self._ended, prefix)

    def _say(self, here: Callable[[_Thing], None], thing: _Thing, channel: str, told: object) -> None:
        """Hand it to whoever is here, who need not wait for Redis; then tell the others."""
        if self._is_closed:
            return
        if self._is_started:
            here(thing)
        self._publisher.say(channel, self._me + _encode(told))

    def broadcast(self, words: bytes) -> None:
        self._publisher.say(self._all, self._me + words)

    def _beat(self) -> None:
        """Say something to oneself, and see whether it was heard."""
        said_at = looked_at = self._clock()
        while True:
            gevent.sleep(self._beat_every / 5)
            now = self._clock()
            # while the loop itself stood still nobody could be heard
            self._heard_at += max(0.0, now - looked_at - self._beat_every)
            looked_at = now
            self._subscriptions.leave_some()
            if now - said_at >= self._beat_every:
                said_at = now
                self._publisher.say(self._own, self._me)
            if self._link is not None and now - self._heard_at >= self._deaf_after:
                self._turn_deaf()

    def _turn_deaf(self) -> None:
        if self.state != DEAF:
            self.counts["bus_deaf"] += 1
            log.error("nothing comes back through Redis for %.0f s: connecting anew", self._deaf_after)
        self.state = DEAF
        self._publisher.reconnect()
        self._disconnect()

    def subscribe(self, *channels: Channel) -> None:
        if self._is_started:
            self._subscriptions.subscribe(*channels)

    def unsubscribe(self, *channels: Channel) -> None:
        self._subscriptions.unsubscribe(*channels)

    # -- hearing

    def _listen(self) -> None:
        backoff = Backoff()
        while not self._is_closed:
            link: Link | None = None
            try:
                link = Link(self._url, f"myapp-{os.getpid()}-listen")
                # its own channel comes last, so that one confirms all
                self._subscriptions.begin(link, self._all, self._many, self._ended, self._own)
                self._heard_at = self._clock()  # so long it has now to be heard
                self._link = link
                while True:
                    self._hear(link.read(forever=True))
                    backoff.succeeded()
            except Exception as error:  # safety net: without this loop the worker is deaf for good
                if self._is_closed:
                    return
                if not isinstance(error, Broken):
                    log.exception("listening to Redis failed")
                if self.state == OK:
                    log.error("the connection to Redis broke, clients learn of news from the sweep: %s", error)
                    self.counts["bus_breaks"] += 1
                elif self.state == STARTING:
                    log.error("Redis does not answer, clients learn of news from the sweep: %s", error)
                if self.state != DEAF:
                    self.state = AWAY
            finally:
                self._disconnect()
                if link is not None:  # it may have broken before it was everybody's
                    link.close()
            gevent.sleep(backoff.next())

    def _hear(self, said: Any) -> None:
        """One message of the subscription."""
        kind, channel, words = said
        self._subscriptions.is_suspect = False
        name = channel.decode()[len(self._prefix) :]
        if kind == b"message":
            if not words.startswith(self._me):
                self._take(name, words[:NAME_BYTES], words[NAME_BYTES:])
            elif channel == self._own.encode():
                self._heard_myself()
        elif kind == b"subscribe":
            if name.isdecimal() or name.startswith(TOPIC):
                self._subscriptions.confirmed(name)
            elif channel == self._own.encode():
                self._publisher.say(self._own, self._me)  # not only heard of, but heard

    def _take(self, name: str, sender: bytes, words: bytes) -> None:
        try:
            if name == "all":
                self._overhear(sender.hex(), words)
            else:
                self._hand_on(name, words)
        except msgspec.MsgspecError as error:  # of another version of the application
            self.counts["bus_garbled"] += 1
            log.warning("what came through Redis cannot be read, the sweep finds it: %s", error)
        except Exception:  # safety net: whatever is wrong with one message, the others must be heard
            self.counts["bus_garbled"] += 1
            log.exception("what came through Redis could not be handed on")

    def _hand_on(self, name: str, words: bytes) -> None:
        """Raises what decoding does, and what those do who are told."""
        if name.isdecimal():
            self._heard(self._deliver, News(int(name), *_decode(words)))
        elif name.startswith(TOPIC):
            self._heard(self._learn, TopicNews(name.removeprefix(TOPIC), *_decode_topic(words)))
        elif name == "many":
            self._heard(self._deliver_all, _decode_many(words))
        elif name == "ended":
            self._heard(self._grants_ended, _decode_prefix(words))

    def _heard(self, here: Callable[[_Thing], None], thing: _Thing) -> None:
        self.counts["bus_heard"] += 1
        here(thing)

    def _heard_myself(self) -> None:
        self._heard_at = self._clock()
        if self.state != OK:
            log.info("news travels through Redis")
            self.state = OK
            self.counts["bus_resumed"] += 1
            self._resumed()

    def _disconnect(self, only: Link | None = None) -> None:
        link = self._link
        if link is None or (only is not None and link is not only):
            return
        self._link = None
        self._subscriptions.end()
        link.close()
