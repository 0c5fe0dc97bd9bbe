"""What a worker listens to through Redis: its users and topics, told to one connection in few commands."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from gevent.event import Event

from .bus import Channel
from .redis_link import Broken, Link

log = logging.getLogger(__name__)

#: Seconds that `subscribe` waits for Redis at most. The sweep sees to what is said before that is settled.
CONFIRM_PATIENCE = 1.0
#: Channels in one command.
MOST_CHANNELS = 1000

#: What the names of topics' channels begin with; those of users are their ids.
TOPIC = "topic:"


class Subscriptions:
    """Owned by the bus, whose greenlet `run`s it. `prefix` begins all names in Redis, `linger` is for how many seconds
    what was left stays subscribed. `give_up(link)` is called for a connection that could not be told.
    """

    def __init__(self, prefix: str, linger: float, clock: Callable[[], float], give_up: Callable[[Link], None]) -> None:
        self._prefix = prefix
        self._linger = linger
        self._clock = clock
        self._give_up = give_up
        #: whether the connection has not confirmed what it should have: nobody waits for it then
        self.is_suspect = True
        self._link: Link | None = None
        #: who is subscribed, and who is about to be; those who wait for it, wait for the event
        self._subscribed: set[Channel] = set()
        self._asked: dict[Channel, Event | None] = {}
        #: who is no longer wanted, and since when; the earliest first
        self._leaving: dict[Channel, float] = {}
        #: what the connection was not told yet: who is wanted, and who no longer
        self._unsaid: dict[Channel, bool] = {}
        self._is_needed = Event()

    def name(self, channel: Channel) -> str:
        """What it is called in Redis."""
        return f"{self._prefix}{channel}" if isinstance(channel, int) else f"{self._prefix}{TOPIC}{channel}"

    # -- wanting

    def subscribe(self, *channels: Channel) -> None:
        """Wait until all of these are confirmed, a second at most."""
        waiters: dict[Channel, Event] = {}
        for channel in channels:
            self._leaving.pop(channel, None)
            if channel in self._subscribed:
                continue
            waiter = self._asked.get(channel)
            if waiter is None:
                if channel not in self._asked:
                    self._unsaid[channel] = True
                    self._is_needed.set()
                waiter = self._asked[channel] = Event()
            waiters[channel] = waiter
        if waiters and not self.is_suspect:
            self._await(waiters)

    def _await(self, waiters: dict[Channel, Event]) -> None:
        """Until all are confirmed, CONFIRM_PATIENCE seconds at most."""
        until = time.monotonic() + CONFIRM_PATIENCE
        for channel, waiter in waiters.items():
            if not waiter.wait(max(0.0, until - time.monotonic())) and channel in self._asked:
                self.is_suspect = True
                return

    def unsubscribe(self, *channels: Channel) -> None:
        """These are given up a while later: a long poll comes back at once."""
        for channel in channels:
            if channel in self._subscribed or channel in self._asked:
                self._leaving.pop(channel, None)
                self._leaving[channel] = self._clock()

    def leave_some(self) -> None:
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

    def close(self) -> None:
        """Nobody waits any more."""
        for waiter in self._asked.values():
            if waiter is not None:
                waiter.set()

    # -- telling

    def begin(self, link: Link, *more: str) -> None:
        """A new connection knows nobody: tell it of all. `more` are names of channels that come last, so that the last
        one confirms all. Raises Broken.
        """
        for channel in self._subscribed:
            self._asked.setdefault(channel, None)
        self._subscribed.clear()
        self._unsaid.clear()
        self._send(link, "SUBSCRIBE", list(self._asked), *more)
        self._link = link  # from here on `run` writes to it
        self._is_needed.set()

    def end(self) -> None:
        """The connection is gone."""
        self._link = None
        self.is_suspect = True

    def run(self) -> None:
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
                self._give_up(link)

    def _send(self, link: Link, command: str, channels: Iterable[Channel], *more: str) -> None:
        """At most MOST_CHANNELS in each command."""
        names = [*map(self.name, channels), *more]
        for start in range(0, len(names), MOST_CHANNELS):
            link.send((command, *names[start : start + MOST_CHANNELS]))

    def confirmed(self, name: str) -> None:
        """Redis says that it listens to the channel of this name (without the prefix)."""
        channel: Channel = int(name) if name.isdecimal() else name.removeprefix(TOPIC)
        if channel not in self._asked:  # it has left before it was confirmed
            return
        waiter = self._asked.pop(channel)
        self._subscribed.add(channel)
        if waiter is not None:
            waiter.set()
