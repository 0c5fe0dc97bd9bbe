"""Parked clients: a socket that waits, watched by the event loop, without greenlet or thread.

A client owns all writing to its socket and never waits for it. What does not fit at once is at most one frame and the
control frames behind it; until that is out the client is *behind* and gets nothing more, then it catches up from the
database. So its memory is bounded without a queue. Who is behind for too long is sent away.

States: CURRENT (stands where its inbox does, as far as this worker knows), CATCHING_UP (waits for a read), BEHIND (its
socket is full), CLOSING (the last thing was said), CLOSED (its descriptor is closed).
"""

from __future__ import annotations

import logging
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import frames, takeover
from .frames import Batch, CloseCode, Page
from .poller import READ, WRITE

if TYPE_CHECKING:
    from .dispatcher import Dispatcher
    from .places import Place
    from .topic import Snapshot

log = logging.getLogger(__name__)

CURRENT, CATCHING_UP, BEHIND, CLOSING, CLOSED = range(5)

#: Bytes read in one turn of the loop.
CHUNK = 4 * 1024
#: What is said behind a half-written frame is kept up to this many bytes in all, then left out.
MOST_REST = frames.LONGEST_MESSAGE + 80 * 1024
#: Seconds that a client has for its answer to a Close frame, and for taking the last bytes.
CLOSING_PATIENCE = 5.0
#: Seconds that a client may take for one frame.
SLOW_PATIENCE = 30.0


class ParkedClient(ABC):
    """What all parked clients have in common. Made by a request's greenlet, then driven by the loop.

    `place` is the user it belongs to, None for one that is only being closed. `grant` is the session or token by which
    it is here, `address` where it comes from. `cursor` is the seq of the last event handed to the socket, `epoch` where
    that seq counts. `rest` is what the socket has not taken yet. `deadline` is when the connection of a client that is
    CLOSING ends.
    """

    __slots__ = ("address", "cursor", "deadline", "dispatcher", "epoch", "fd", "grant", "place", "rest", "state")

    transport = ""
    #: whether it is given events; otherwise it is only told how far the inbox is
    wants_events = True
    #: bytes read in one turn of the loop
    chunk = CHUNK

    def __init__(
        self,
        dispatcher: Dispatcher,
        place: Place | None,
        fd: int,
        grant: str,
        cursor: int,
        epoch: str,
        address: str = "",
    ) -> None:
        self.dispatcher = dispatcher
        self.place = place
        self.fd = fd
        self.grant = grant
        self.cursor = cursor
        self.epoch = sys.intern(epoch)  # one text for all clients
        self.address = sys.intern(address)
        self.state = CURRENT
        self.rest: bytes | memoryview = b""
        try:
            dispatcher.poller.add(fd, self)
        except OSError:  # the kernel watches no more of them: nobody else would close it
            os.close(fd)
            raise

    def take_pending(self, pending: bytes) -> None:
        """Bytes that came right behind the request."""
        if pending and self.state != CLOSED:
            try:
                self.received(pending)
            except Exception as error:  # safety net, as in `on_ready`
                failed(self, error)

    def send(self, data: bytes) -> None:
        """Write what the socket takes now and keep the rest of it. Never waits; a broken connection ends."""
        if self.state == CLOSED:
            return
        if self.rest:
            if len(self.rest) + len(data) <= MOST_REST:
                self._keep(data)
            return
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.drop()
            return
        if sent < len(data):
            self.rest = memoryview(data)[sent:] if sent else data
            self.dispatcher.poller.change(self.fd, READ | WRITE)
            if self.state != CLOSING:
                self.state = BEHIND
                self.dispatcher.slow.add(self, self.dispatcher.now)

    @property
    def is_behind(self) -> bool:
        """Whether its socket is full."""
        return bool(self.rest)

    def _keep(self, data: bytes) -> None:
        """To be written behind the rest."""
        self.rest = bytes(self.rest) + data

    def say_last(self, data: bytes) -> None:
        """The last thing that is written, behind whatever is half written; it gets nothing more.

        The connection ends by `drop`: now, when the client answers, or CLOSING_PATIENCE seconds from now.
        """
        self.state = CLOSING
        if self.rest:
            self._keep(data)
        else:
            self.send(data)
        if self.state == CLOSING:
            self.dispatcher.leave(self)
            self.end_in(CLOSING_PATIENCE)

    def end_in(self, seconds: float) -> None:
        """Nothing is waited for any longer than that."""
        self.deadline = self.dispatcher.now + seconds
        self.dispatcher.check_at(self, self.deadline)

    def end_if_due(self, now: float) -> None:
        """What `check` has to do when CLOSING. It also comes for deadlines from before, of heartbeats and the like."""
        if now >= self.deadline:
            self.drop()

    def hang_up(self) -> None:
        """After the last thing was said and is out: have the client see at once that nothing follows."""
        if self.state == CLOSING and not self.rest:
            takeover.shut(self.fd)

    def ready(self, events: int) -> None:
        """The loop says that the socket has room (WRITE), or bytes for us, or an end (READ)."""
        if events & WRITE and self.rest and not self._write_rest():
            return
        if not events & READ:
            return
        try:
            data = os.read(self.fd, self.chunk)
        except BlockingIOError:
            return
        except OSError:
            self.drop()
            return
        if data:
            self.received(data)
        else:
            self.drop()

    def _write_rest(self) -> bool:
        """Write what was kept. False when the client is no more."""
        try:
            sent = os.write(self.fd, self.rest)
        except BlockingIOError:
            return True
        except OSError:
            self.drop()
            return False
        if sent < len(self.rest):
            self.rest = memoryview(self.rest)[sent:]
            return True
        self.rest = b""
        self.dispatcher.poller.change(self.fd, READ)
        self.dispatcher.slow.discard(self)
        self.written()
        return self.state != CLOSED

    def written(self) -> None:
        """All that was kept is out: go on from the database."""
        if self.state == BEHIND:
            self.state = CATCHING_UP
            self.dispatcher.topics.give_missed(self)
            self.dispatcher.delivery.caught_up_or_enqueue(self)

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Bytes from the client."""

    @abstractmethod
    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        """Hand over events that follow the cursor. `encoded` is shared by all clients that get the same batch."""

    @abstractmethod
    def give_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Hand over what is current of topics that it watches."""

    @abstractmethod
    def give_change(self, snapshot: Snapshot, encoded: dict[Any, bytes]) -> None:
        """Hand over what has changed of one of them. `encoded` is shared by all clients that get the same."""

    def tell(self) -> None:
        """The inbox went on. Only for those that want no events."""
        raise NotImplementedError

    def give_encoded(self, batch: Batch, encoded: dict[Any, bytes], encode: Callable[[Batch], bytes]) -> None:
        """Hand over a batch as `encode` makes it, which is asked once for all."""
        data = encoded.get(encode)
        if data is None:
            data = encoded[encode] = encode(batch)
        # first, so that what is half out counts as given: its rest is kept
        self.cursor = batch.seq
        self.send(data)
        self.dispatcher.counts["delivered"] += len(batch.texts)

    @abstractmethod
    def give_reset(self, page: Page) -> None:
        """The cursor means nothing any more: tell it, and stand at the inbox's latest."""

    @abstractmethod
    def check(self, now: float) -> float | None:
        """A deadline has come: do what it asks for and say when to check again, or None."""

    @abstractmethod
    def dismiss(self, code: CloseCode, retry: float | None = None) -> None:
        """Send it away, in the words of its transport: why, and after how many seconds it may come back."""

    def drop(self) -> None:
        """Close the connection without a word. Afterwards nothing is watched, open or known of it. May be repeated."""
        if self.state == CLOSED:
            return
        self.state = CLOSED
        is_cut, self.rest = bool(self.rest), b""
        fd, self.fd = self.fd, -1
        # no longer watched before it is closed: the number can be somebody else's at once
        self.dispatcher.poller.remove(fd)
        takeover.end(fd, at_once=is_cut)
        self.dispatcher.forget(self)


def encode_once(snapshot: Snapshot, encoded: dict[Any, bytes], encode: Callable[[str, int, str], bytes]) -> bytes:
    """The snapshot as `encode` makes it, which is asked once for all."""
    data = encoded.get(encode)
    if data is None:
        data = encoded[encode] = encode(*snapshot)
    return data


def on_ready(client: ParkedClient, events: int) -> None:
    """What the poller calls, in the hub."""
    try:
        client.ready(events)
    except Exception as error:  # safety net: it would end the loop's watcher, and no client would be heard again
        failed(client, error)


def failed(client: ParkedClient, error: Exception) -> None:
    """Whatever goes wrong in a client closes this one client, and is counted."""
    log.error("a parked client failed and is closed", exc_info=error)
    client.dispatcher.counts["callback_failures"] += 1
    client.drop()
