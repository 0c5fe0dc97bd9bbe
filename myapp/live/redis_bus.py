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
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import gevent
import msgspec
from gevent.event import Event

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

log = logging.getLogger(__name__)

#: Seconds between two words to oneself; from 15 s on without hearing them the worker is deaf.
BEAT_EVERY = 5.0
DEAF_AFTER = 15.0
#: Seconds that `subscribe` waits for Redis at most. The sweep sees to what is said before that is settled.
CONFIRM_PATIENCE = 1.0
#: Seconds for which a user who has left stays subscribed: a long poll comes back at once.
LINGER = 10.0
#: Channels in one command.
MOST_CHANNELS = 1000

#: What the names of topics' channels begin with; those of users are their ids.
TOPIC = "topic:"

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
        self._beat_every, self._deaf_after, self._linger = beat_every, deaf_after, linger
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
        #: who is subscribed, and who is about to be; those who wait for it, wait for the event
        self._subscribed: set[Channel] = set()
        self._asked: dict[Channel, Event | None] = {}
        #: who is no longer wanted, and since when; the earliest first
        self._leaving: dict[Channel, float] = {}
        #: what the connection was not told yet: who is wanted, and who no longer
        self._unsaid: dict[Channel, bool] = {}
        self._is_needed = Event()
        self._link: Link | None = None
        self._heard_at = 0.0
        #: whether the connection has not confirmed what it should have: nobody waits for it then
        self._is_suspect = True
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
        self._greenlets = [gevent.spawn(loop) for loop in (self._listen, self._subscribe, self._beat)]

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
        for waiter in self._asked.values():
            if waiter is not None:
                waiter.set()

    # -- saying

    def publish(self, news: News) -> None:
        told: _Told = (news.batch, news.ended, news.at, news.epoch)
        self._say(self._deliver, news, f"{self._prefix}{news.user}", told)

    def put(self, news: TopicNews) -> None:
        self._say(self._learn, news, self._name(news.key), (news.version, news.data))

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
            self._leave_some()
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

    # -- subscribing

    def subscribe(self, *channels: Channel) -> None:
        waiters: dict[Channel, Event] = {}
        for channel in channels:
            self._leaving.pop(channel, None)
            if channel in self._subscribed or not self._is_started:
                continue
            waiter = self._asked.get(channel)
            if waiter is None:
                if channel not in self._asked:
                    self._unsaid[channel] = True
                    self._is_needed.set()
                waiter = self._asked[channel] = Event()
            waiters[channel] = waiter
        if waiters and not self._is_suspect:
            self._await(waiters)

    def _await(self, waiters: dict[Channel, Event]) -> None:
        """Until all are confirmed, CONFIRM_PATIENCE seconds at most."""
        until = time.monotonic() + CONFIRM_PATIENCE
        for channel, waiter in waiters.items():
            if not waiter.wait(max(0.0, until - time.monotonic())) and channel in self._asked:
                self._is_suspect = True
                return

    def unsubscribe(self, *channels: Channel) -> None:
        for channel in channels:
            if channel in self._subscribed or channel in self._asked:
                self._leaving.pop(channel, None)
                self._leaving[channel] = self._clock()

    def _leave_some(self) -> None:
        """Give up those who have not come back."""
        until = self._clock() - self._linger
        gone: list[Channel] = []
        for channel, since in self._leaving.items():
            if since > until:
                break
            gone.append(channel)
        for channel in gone:
            del self._leaving[channel]
            self._asked.pop(channel, None)
            self._subscribed.discard(channel)
        if gone:
            self._unsaid.update(dict.fromkeys(gone, False))
            self._is_needed.set()

    def _subscribe(self) -> None:
        """Tell the connection whom this worker wants to hear of: all that was asked for meanwhile, in few commands."""
        while True:
            self._is_needed.wait()
            self._is_needed.clear()
            link = self._link
            if link is None:
                continue  # a new one is told of everybody, and then of those who came meanwhile
            unsaid, self._unsaid = self._unsaid, {}
            try:
                self._send(link, "UNSUBSCRIBE", [channel for channel, is_wanted in unsaid.items() if not is_wanted])
                self._send(link, "SUBSCRIBE", [channel for channel, is_wanted in unsaid.items() if is_wanted])
            except Exception as error:  # safety net: whatever it is, a new connection is told of everybody
                if not isinstance(error, Broken):
                    log.exception("telling Redis whom to listen for failed")
                self._disconnect(link)

    def _send(self, link: Link, command: str, channels: Iterable[Channel], *more: str) -> None:
        """At most MOST_CHANNELS in each command."""
        names = [*map(self._name, channels), *more]
        for start in range(0, len(names), MOST_CHANNELS):
            link.send((command, *names[start : start + MOST_CHANNELS]))

    def _name(self, channel: Channel) -> str:
        """What it is called in Redis."""
        return f"{self._prefix}{channel}" if isinstance(channel, int) else f"{self._prefix}{TOPIC}{channel}"

    # -- hearing

    def _listen(self) -> None:
        backoff = Backoff()
        while not self._is_closed:
            link: Link | None = None
            try:
                link = Link(self._url, f"myapp-{os.getpid()}-listen")
                self._subscribe_all(link)
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

    def _subscribe_all(self, link: Link) -> None:
        """A new connection knows nobody: tell it of all. Its own channel comes last, so that one confirms all."""
        for channel in self._subscribed:
            self._asked.setdefault(channel, None)
        self._subscribed.clear()
        self._unsaid.clear()
        self._send(link, "SUBSCRIBE", list(self._asked), self._all, self._many, self._ended, self._own)
        self._heard_at = self._clock()  # so long it has now to be heard
        self._link = link  # from here on `_subscribe` writes to it
        self._is_needed.set()

    def _hear(self, said: Any) -> None:
        """One message of the subscription."""
        kind, channel, words = said
        self._is_suspect = False
        name = channel.decode()[len(self._prefix) :]
        if kind == b"message":
            if not words.startswith(self._me):
                self._take(name, words[:NAME_BYTES], words[NAME_BYTES:])
            elif channel == self._own.encode():
                self._heard_myself()
        elif kind == b"subscribe":
            if name.isdecimal():
                self._confirmed(int(name))
            elif name.startswith(TOPIC):
                self._confirmed(name.removeprefix(TOPIC))
            elif channel == self._own.encode():
                self._publisher.say(self._own, self._me)  # not only heard of, but heard

    def _take(self, name: str, sender: bytes, words: bytes) -> None:
        try:
            if name == "all":
                self._overhear(sender.hex(), words)
            elif name == "many":
                news = _decode_many(words)
                self.counts["bus_heard"] += 1
                self._deliver_all(news)
            elif name == "ended":
                prefix = _decode_prefix(words)
                self.counts["bus_heard"] += 1
                self._grants_ended(prefix)
            elif name.isdecimal():
                told = _decode(words)
                self.counts["bus_heard"] += 1
                self._deliver(News(int(name), *told))
            elif name.startswith(TOPIC):
                version, data = _decode_topic(words)
                self.counts["bus_heard"] += 1
                self._learn(TopicNews(name.removeprefix(TOPIC), version, data))
        except msgspec.MsgspecError as error:  # of another version of the application
            self.counts["bus_garbled"] += 1
            log.warning("what came through Redis cannot be read, the sweep finds it: %s", error)
        except Exception:  # safety net: whatever is wrong with one message, the others must be heard
            self.counts["bus_garbled"] += 1
            log.exception("what came through Redis could not be handed on")

    def _confirmed(self, channel: Channel) -> None:
        if channel not in self._asked:  # it has left before it was confirmed
            return
        waiter = self._asked.pop(channel)
        self._subscribed.add(channel)
        if waiter is not None:
            waiter.set()

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
        self._is_suspect = True
        link.close()
