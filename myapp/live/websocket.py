"""WebSockets that are parked: RFC 6455's server side on a parked socket, and the client that follows an inbox by it."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import frames
from .clients import CATCHING_UP, CLOSED, CLOSING, CURRENT, ParkedClient, encode_once
from .frames import Batch, CloseCode, Page
from .reader import FrameReader, ProtocolViolation
from .topic import Snapshot
from .topics import MOST_TOPICS

if TYPE_CHECKING:
    from .dispatcher import Dispatcher
    from .places import Place

#: Seconds without a frame after which the server pings, and after which it gives up.
QUIET, SILENT = 25.0, 75.0
#: So many errors within a minute, and the client is sent away.
MOST_ERRORS = 10

#: Texts that count as a ping, beside {"type": "ping"}.
HEARTBEATS = frozenset((b"heartCheck", b"heart_beat", b'"heart_beat"'))

KNOWN_CODES = frozenset(CloseCode)
#: Why a client is sent away, where the reason is not `retry=`.
REASONS = {
    CloseCode.NOT_SIGNED_IN: "signed out",
    CloseCode.NO_HEARTBEAT: "no heartbeat",
    CloseCode.TOO_SLOW: "too slow",
}


class WebSocketConnection(ParkedClient):
    """RFC 6455's server side: frames in, control frames answered, heartbeats, the closing handshake.

    A subclass says by `message` what text and binary messages mean.
    """

    __slots__ = ("heard", "reader")

    transport = "websocket"

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
        self.heard = dispatcher.now
        self.reader: FrameReader | None = None
        super().__init__(dispatcher, place, fd, grant, cursor, epoch, address)

    def make_reader(self) -> FrameReader:
        """A reader lives while a message is half received."""
        return FrameReader()

    @abstractmethod
    def message(self, opcode: int, payload: bytes) -> None:
        """A whole message: TEXT, which is valid UTF-8, or BINARY."""

    def received(self, data: bytes) -> None:
        self.heard = self.dispatcher.now
        reader = self.reader = self.reader or self.make_reader()
        try:
            for message in reader.feed(data):
                self._handle(message.opcode, message.payload, message.code)
                if self.state == CLOSED:
                    return
        except ProtocolViolation as broken:
            # where the client's next frame begins nobody knows, so its Close is not waited for: TCP ends after ours
            # (RFC 6455 section 7.1.7), and what still comes is thrown away, by a reader that reads no further
            self.close(broken.code, broken.reason)
            self.hang_up()
        if reader.is_between:
            self.reader = None

    def _handle(self, opcode: int, payload: bytes, code: int) -> None:
        if opcode == frames.CLOSE:
            if self.state != CLOSING:
                # of an application's own codes (RFC 6455 section 7.4.2) clients can send thousands
                known = code if code < 3000 or code in KNOWN_CODES else 3000
                self.dispatcher.counts[f"closes_{known}"] += 1
                self.say_last(frames.close_frame(code))
            if not self.rest:  # both Close frames are through: TCP ends at once (RFC 6455 section 7.1.1)
                self.drop()
        elif self.state == CLOSING:
            return
        elif opcode == frames.PING:
            self.send(frames.frame(frames.PONG, payload))
        elif opcode != frames.PONG:
            self.message(opcode, payload)

    def written(self) -> None:
        super().written()
        if self.reader is not None and self.reader.is_over:
            self.hang_up()

    def check(self, now: float) -> float | None:
        if self.state == CLOSING:
            self.end_if_due(now)
            return None
        self.dispatcher.grants.doubt(self)
        silent = now - self.heard
        if silent >= SILENT:
            self.dismiss(CloseCode.NO_HEARTBEAT)
            return None
        if silent >= QUIET:
            ping = frames.frame(frames.PING, b"")
            if self.rest:
                self._keep(ping)  # who is always behind would never be asked, and be taken for silent
            else:
                self.send(ping)
            return min(now + QUIET, self.heard + SILENT)
        return self.heard + QUIET

    def dismiss(self, code: CloseCode, retry: float | None = None) -> None:
        self.close(code, REASONS.get(code, "") if retry is None else f"retry={retry:.1f}")

    def close(self, code: int, reason: str = "") -> None:
        """Say why, and give the client CLOSING_PATIENCE seconds to answer before its connection ends."""
        if self.state in (CLOSING, CLOSED):
            return
        self.dispatcher.counts[f"closes_{code}"] += 1
        self.say_last(frames.close_frame(code, reason))


class WebSocketClient(WebSocketConnection):
    """A WebSocket that follows an inbox."""

    __slots__ = ("offences",)

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
        self.offences: list[float] | None = None
        super().__init__(dispatcher, place, fd, grant, cursor, epoch, address)

    def message(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.BINARY:
            self.close(CloseCode.UNSUPPORTED_DATA, "text frames only")
            return
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
        is_list = isinstance(topics, list) and all(isinstance(topic, str) for topic in topics)
        if not is_list or len(topics) > MOST_TOPICS:
            self._refuse(f'"topics" is a list of at most {MOST_TOPICS} names of topics.')
            return
        self.dispatcher.topics.watch_later(self, topics)

    def give_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        self.send(b"".join(frames.snapshot(*snapshot) for snapshot in snapshots))

    def give_change(self, snapshot: Snapshot, encoded: dict[Any, bytes]) -> None:
        self.send(encode_once(snapshot, encoded, frames.snapshot))

    def refuse_topics(self, topics: Sequence[str]) -> None:
        """No offence: the frame was understood."""
        self.send(b"".join(frames.error(frames.refused_topic(topic)) for topic in topics))

    def _refuse(self, detail: str) -> None:
        now = self.dispatcher.now
        self.offences = [at for at in self.offences or [] if now - at < 60] + [now]
        self.send(frames.error(detail))
        if len(self.offences) >= MOST_ERRORS:
            self.close(CloseCode.BROKE_PROTOCOL, "too many errors")

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        self.give_encoded(batch, encoded, frames.events)

    def give_reset(self, page: Page) -> None:
        self.cursor, self.epoch = page.latest, sys.intern(page.epoch)
        self.send(frames.hello(page, page.latest) + frames.reset(page.epoch, page.latest))


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
