"""Telling Redis: what is published leaves in one write with all that was published meanwhile; nobody waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque

import gevent
from gevent.event import Event

from .redis_link import Backoff, Broken, Link

log = logging.getLogger(__name__)

#: What waits to be told, at most; beyond that the oldest is dropped. It is late by then, and the sweep has found it.
MOST_WAITING = 10_000
#: Commands in one write.
MOST_AT_ONCE = 200
#: Seconds that closing waits for what was said last.
FLUSH_PATIENCE = 1.0
#: Seconds for which a process without a loop of its own does not try again after Redis did not answer.
REST = 5.0

#: A channel and what is said there.
Said = tuple[str, bytes]


class RedisPublisher:
    """One connection that only says PUBLISH.

    Started, it has a greenlet of its own, and `say` only puts into its queue. Not started (a command, a server without
    gevent), `say` tells it at once, in the caller's time. Either way what cannot be told is dropped and counted.
    """

    def __init__(self, url: str, name: str, counts: Counter[str]) -> None:
        self._url = url
        self._name = name
        self._counts = counts
        self._link: Link | None = None
        self._waiting: deque[Said] = deque()
        self._is_needed = Event()
        self._greenlet: gevent.Greenlet | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._tell)

    def say(self, channel: str, words: bytes) -> None:
        """Tell it soon. Never raises, and does not wait once started."""
        if self._is_closed:
            return
        if self._greenlet is None:
            self._say_now(channel, words)
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._counts["bus_dropped"] += 1
        self._waiting.append((channel, words))
        self._is_needed.set()

    def reconnect(self) -> None:
        """Let the connection go: it may be one that swallows everything."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def close(self) -> None:
        """What was said is still told, if Redis takes it within FLUSH_PATIENCE. Calling it again does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._greenlet is not None:
            self._is_needed.set()
            self._greenlet.join(FLUSH_PATIENCE)
            self._greenlet.kill()
        self.reconnect()

    def _tell(self) -> None:
        backoff = Backoff()
        while self._waiting or not self._is_closed:
            if not self._waiting:
                self._is_needed.clear()
                self._is_needed.wait()
                continue
            some = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            try:
                self._publish(some)
                backoff.succeeded()
            except Exception as error:  # safety net: without this loop nothing would ever be told again
                if isinstance(error, Broken):
                    log.debug("publishing over Redis failed: %s", error)  # the listener says so, once
                else:
                    log.exception("publishing over Redis failed")
                # what could not be told is late by the time that Redis is back
                self._counts["bus_dropped"] += len(some) + len(self._waiting)
                self._waiting.clear()
                self.reconnect()
                if not self._is_closed:
                    gevent.sleep(backoff.next())

    def _say_now(self, channel: str, words: bytes) -> None:
        with self._lock:
            try:
                if time.monotonic() < self._rests_until:
                    self._counts["bus_dropped"] += 1
                else:
                    self._publish([(channel, words)])
            except Broken as error:
                log.warning("publishing over Redis failed, clients learn of it from the sweep: %s", error)
                self._counts["bus_dropped"] += 1
                self._rests_until = time.monotonic() + REST
                self.reconnect()

    def _publish(self, some: list[Said]) -> None:
        """Raises one of Broken; then it is not known what was told."""
        link = self._link
        if link is None:
            link = self._link = Link(self._url, f"{self._name}-publish")
        link.send(*(("PUBLISH", channel, words) for channel, words in some))
        for _ in some:
            link.read()
        self._counts["bus_published"] += len(some)
