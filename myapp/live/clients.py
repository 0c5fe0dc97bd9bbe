"""Parked clients: a socket that waits, watched by the event loop, without greenlet or thread.

A client owns all writing to its socket and never waits for it. What does not fit at once is at most one frame and the
control frames behind it; until that is out the client is *behind* and gets nothing more, then it catches up from the
database. So its memory is bounded without a queue.

States: CURRENT (stands where its inbox does, as far as this worker knows), CATCHING_UP (waits for a read), BEHIND (its
socket is full), CLOSING (a Close frame went out), CLOSED (its descriptor is closed).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from . import frames, takeover
from .frames import Batch, CloseCode, Page
from .reader import FrameReader, ProtocolViolation

if TYPE_CHECKING:
    from .dispatcher import Dispatcher, Place

log = logging.getLogger(__name__)

CURRENT, CATCHING_UP, BEHIND, CLOSING, CLOSED = range(5)
READ, WRITE = 1, 2

#: Bytes read in one turn of the loop.
CHUNK = 4 * 1024
#: Control frames are kept behind a half-written frame up to this many bytes in all, then left out.
MOST_REST = frames.LONGEST_MESSAGE + 80 * 1024
#: Seconds that a client has for its answer to a Close frame.
CLOSING_PATIENCE = 5.0
#: Seconds without a frame after which the server pings, and after which it gives up.
QUIET, SILENT = 25.0, 75.0
#: So many errors within a minute, and the client is sent away.
MOST_ERRORS = 10

#: Texts that count as a ping, beside {"type": "ping"}.
HEARTBEATS = frozenset((b"heartCheck", b"heart_beat", b'"heart_beat"'))


class ParkedClient(ABC):
    """What all parked clients have in common. Made by a request's greenlet, then driven by the loop.

    `place` is the user it belongs to, None for one that is only being closed. `grant` is the session or token by which
    it is here. `cursor` is the seq of the last event handed to the socket, `epoch` where that seq counts.
    """

    __slots__ = ("cursor", "dispatcher", "epoch", "fd", "grant", "place", "rest", "state", "watcher")

    transport = ""
    #: whether it is given events; otherwise it is only told how far the inbox is
    wants_events = True

    def __init__(self, dispatcher: Dispatcher, place: Place | None, fd: int, grant: str, cursor: int, epoch: str):
        self.dispatcher = dispatcher
        self.place = place
        self.fd = fd
        self.grant = grant
        self.cursor = cursor
        self.epoch = sys.intern(epoch)  # one text for all clients
        self.state = CURRENT
        self.rest = b""
        self.watcher: Any = dispatcher.loop.io(fd, READ)
        self.watcher.start(_on_ready, self)

    def take_pending(self, pending: bytes) -> None:
        """Bytes that came right behind the request."""
        if pending:
            _on_ready(self, pending)

    def send(self, data: bytes) -> None:
        """Write what the socket takes now and keep the rest of it. Never waits; a broken connection ends."""
        if self.state == CLOSED:
            return
        if self.rest:
            if len(self.rest) + len(data) <= MOST_REST:
                self.rest += data
            return
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.drop()
            return
        if sent < len(data):
            self.rest = data[sent:]
            if self.state != CLOSING:
                self.state = BEHIND
            self._watch(READ | WRITE)

    def ready(self) -> None:
        """The loop says that the socket has bytes for us, or room, or an end."""
        if self.rest and not self._write_rest():
            return
        try:
            data = os.read(self.fd, CHUNK)
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
        self.rest = self.rest[sent:]
        if not self.rest:
            self._watch(READ)
            self.written()
        return self.state != CLOSED

    def written(self) -> None:
        """All that was kept is out: go on from the database."""
        if self.state == BEHIND:
            self.state = CATCHING_UP
            self.dispatcher.caught_up_or_enqueue(self)

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Bytes from the client."""

    @abstractmethod
    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        """Hand over events that follow the cursor. `encoded` is shared by all clients that get the same batch."""

    @abstractmethod
    def give_reset(self, page: Page) -> None:
        """The cursor means nothing any more: tell it, and stand at the inbox's latest."""

    @abstractmethod
    def check(self, now: float) -> float | None:
        """A deadline has come: do what it asks for and say when to check again, or None."""

    def drop(self) -> None:
        """Close the connection without a word. Afterwards nothing is watched, open or known of it. May be repeated."""
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.rest = b""
        # the watcher goes before its descriptor: the number can be somebody else's at once
        self.watcher.stop()
        self.watcher.close()
        self.watcher = None
        fd, self.fd = self.fd, -1
        takeover.end(fd)
        self.dispatcher.forget(self)

    def _watch(self, what: int) -> None:
        self.watcher.stop()
        self.watcher.events = what
        self.watcher.start(_on_ready, self)


def _on_ready(client: ParkedClient, pending: bytes = b"") -> None:
    """A watcher's callback, in the hub: whatever goes wrong here closes this one client, and is counted.

    `pending` is what the server had read behind the request, once.
    """
    try:
        client.received(pending) if pending else client.ready()
    except Exception:  # safety net: gevent stops a watcher whose callback raises, and the client would never end
        log.exception("a parked client failed and is closed")
        client.dispatcher.counts["callback_failures"] += 1
        client.drop()


class WebSocketClient(ParkedClient):
    """A WebSocket that follows an inbox."""

    __slots__ = ("heard", "offences", "reader")

    transport = "websocket"

    def __init__(self, dispatcher: Dispatcher, place: Place | None, fd: int, grant: str, cursor: int, epoch: str):
        self.heard = dispatcher.now
        self.reader: FrameReader | None = None
        self.offences: list[float] | None = None
        super().__init__(dispatcher, place, fd, grant, cursor, epoch)

    def received(self, data: bytes) -> None:
        self.heard = self.dispatcher.now
        reader = self.reader or FrameReader()
        try:
            for message in reader.feed(data):
                self._message(message.opcode, message.payload, message.code)
                if self.state == CLOSED:
                    return
        except ProtocolViolation as broken:
            self.close(broken.code, broken.reason)
            return
        self.reader = None if reader.is_between else reader

    def _message(self, opcode: int, payload: bytes, code: int) -> None:
        if opcode == frames.CLOSE:
            if self.state != CLOSING:
                self.send(frames.close_frame(code))
                self.dispatcher.counts[f"closes_{code}"] += 1
            self.drop()  # both Close frames are through: TCP ends at once (RFC 6455 section 7.1.1)
        elif self.state == CLOSING:
            return
        elif opcode == frames.PING:
            self.send(frames.frame(frames.PONG, payload))
        elif opcode == frames.TEXT:
            self._text(payload)
        elif opcode == frames.BINARY:
            self.close(CloseCode.UNSUPPORTED_DATA, "text frames only")

    def _text(self, payload: bytes) -> None:
        if payload in HEARTBEATS:
            self._pong()
            return
        try:
            command = json.loads(payload)
        except (ValueError, RecursionError):
            command = None
        kind = command.get("type") if isinstance(command, dict) else None
        if kind == "ping":
            self._pong()
        elif kind == "watch":
            self._watch_topics(command.get("topics"))
        elif kind in ("send", "message"):
            self._refuse("Messages are sent with POST /messages; a WebSocket only carries what happens.")
        else:
            self._refuse('Send {"type": "ping"} or {"type": "watch", "topics": [...]}; nothing else is understood.')

    def _pong(self) -> None:
        latest = self.place.wanted if self.place is not None else self.cursor
        self.send(frames.pong(latest))

    def _watch_topics(self, topics: Any) -> None:
        if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics) or len(topics) > 50:
            self._refuse('"topics" is a list of at most 50 names of topics.')
            return
        for topic in topics:  # no offence: the frame was understood
            self.send(frames.error(f"There is no topic {topic[:80]!r} that you may watch."))

    def _refuse(self, detail: str) -> None:
        now = self.dispatcher.now
        self.offences = [at for at in self.offences or [] if now - at < 60] + [now]
        self.send(frames.error(detail))
        if len(self.offences) >= MOST_ERRORS:
            self.close(CloseCode.BROKE_PROTOCOL, "too many errors")

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        frame = encoded.get(frames.events)
        if frame is None:
            frame = encoded[frames.events] = frames.events(batch)
        # first, so that a frame of which a part is out counts as given: its rest is kept
        self.cursor = batch.seq
        self.send(frame)
        self.dispatcher.counts["delivered"] += len(batch.texts)

    def give_reset(self, page: Page) -> None:
        self.cursor, self.epoch = page.latest, sys.intern(page.epoch)
        self.send(frames.hello(page, page.latest) + frames.reset(page.epoch, page.latest))

    def check(self, now: float) -> float | None:
        if self.state == CLOSING:
            self.drop()
            return None
        self.dispatcher.doubt(self)
        silent = now - self.heard
        if silent >= SILENT:
            self.close(CloseCode.NO_HEARTBEAT, "no heartbeat")
            return now + CLOSING_PATIENCE
        if silent >= QUIET:
            if not self.rest:
                self.send(frames.frame(frames.PING, b""))
            return min(now + QUIET, self.heard + SILENT)
        return self.heard + QUIET

    def close(self, code: int, reason: str = "") -> None:
        """Say why, and give the client CLOSING_PATIENCE seconds to answer before its connection ends."""
        if self.state in (CLOSING, CLOSED):
            return
        self.state = CLOSING
        self.reader = None
        self.dispatcher.counts[f"closes_{code}"] += 1
        self.send(frames.close_frame(code, reason))
        if self.state == CLOSING:
            self.dispatcher.leave(self)
            self.dispatcher.check_at(self, self.dispatcher.now + CLOSING_PATIENCE)


class TellingClient(WebSocketClient):
    """A WebSocket with `push=new`: it is told how far its inbox is, and pulls by itself."""

    __slots__ = ()

    wants_events = False

    def tell(self) -> None:
        """Say the newest seq, once; what came in between is merged into it."""
        if self.place is not None and self.state in (CURRENT, CATCHING_UP) and self.place.wanted > self.cursor:
            self.state = CURRENT
            self.cursor = self.place.wanted
            self.send(frames.new(self.cursor))

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        self.tell()


class LongPollClient(ParkedClient):
    """A long poll: gets one whole HTTP answer, then its connection ends."""

    __slots__ = ("address", "deadline", "head", "started")

    transport = "long-poll"

    def __init__(
        self,
        dispatcher: Dispatcher,
        place: Place,
        fd: int,
        grant: str,
        cursor: int,
        epoch: str,
        *,
        head: bytes,
        deadline: float,
        address: str,
        started: float,
    ) -> None:
        # `head`: the answer's status line and headers, without Date and Content-Length; equal ones are shared
        self.head = head
        self.deadline = deadline
        self.address = sys.intern(address)  # for the access log, with `started`
        self.started = started
        super().__init__(dispatcher, place, fd, grant, cursor, epoch)

    def received(self, data: bytes) -> None:
        """A second request behind this one is not served: the answer says Connection: close."""

    def written(self) -> None:
        self.drop()

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        body = encoded.get(self.epoch)
        if body is None:
            body = encoded[self.epoch] = frames.poll_body(self.epoch, batch, False, 0)
        self.cursor = batch.seq
        self.dispatcher.counts["delivered"] += len(batch.texts)
        self._answer(body)

    def give_reset(self, page: Page) -> None:
        batch = Batch((), page.latest + 1, page.latest, page.latest, page.badges)
        self._answer(frames.poll_body(page.epoch, batch, True, 0))

    def answer_empty(self) -> None:
        """Nothing happened: the deadline, or the server drains."""
        place = self.place
        latest = max(place.wanted, self.cursor) if place is not None else self.cursor
        badges = place.badges if place is not None else "{}"
        batch = Batch((), self.cursor + 1, self.cursor, latest, badges)
        self._answer(frames.poll_body(self.epoch, batch, False, 0))

    def check(self, now: float) -> float | None:
        if self.state == CLOSING:
            self.drop()  # it had its time to read the answer
            return None
        if now < self.deadline:
            return self.deadline
        if self.state != BEHIND:
            self.answer_empty()
        return None

    def _answer(self, body: bytes) -> None:
        if self.state in (CLOSING, CLOSED):
            return
        self.state = CLOSING
        self.dispatcher.leave(self)
        self.dispatcher.log_answer(self.address, self.started)
        head = self.head + b"Content-Length: %d\r\nDate: %s\r\n\r\n" % (len(body), self.dispatcher.http_date().encode())
        self.send(head + body)
        if self.rest:
            self.dispatcher.check_at(self, self.dispatcher.now + CLOSING_PATIENCE)
        else:
            self.drop()
