"""The parked client that echoes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from myapp.live import frames
from myapp.live.clients import CLOSED
from myapp.live.dispatcher import Dispatcher, Place
from myapp.live.frames import Batch, Page
from myapp.live.poller import WRITE
from myapp.live.reader import FrameReader
from myapp.live.topics import Snapshot
from myapp.live.websocket import WebSocketConnection

#: The longest message, in bytes.
LONGEST = 16 * 1024 * 1024
#: With more than so many bytes waiting to be written nothing is read.
MOST_WAITING = 2 * LONGEST
#: What a frame that waits costs besides its bytes.
OVERHEAD = 64


class EchoClient(WebSocketConnection):
    """Answers text with text and binary with binary, in order and without loss.

    What its socket does not take waits in a queue that only exists here: the project's clients need none. While more
    than MOST_WAITING bytes wait nothing is read, so the queue ends at that and what one read completed.
    """

    __slots__ = ("_queue", "_queued")

    transport = "echo"
    chunk = 64 * 1024

    def __init__(self, dispatcher: Dispatcher, place: Place | None, fd: int, grant: str, cursor: int, epoch: str):
        self._queue: deque[bytes] = deque()
        self._queued = 0
        super().__init__(dispatcher, place, fd, grant, cursor, epoch)

    def make_reader(self) -> FrameReader:
        return FrameReader(LONGEST, self.chunk)  # as many frames as there are: conformance suites send floods

    def message(self, opcode: int, payload: bytes) -> None:
        self.send(frames.frame(opcode, payload))

    def send(self, data: bytes) -> None:
        if self.rest:
            self._keep(data)
        else:
            super().send(data)
        self._pause_or_go_on()

    def _keep(self, data: bytes) -> None:
        self._queue.append(data)
        self._queued += len(data) + OVERHEAD

    def written(self) -> None:
        while self._queue and not self.rest and self.state != CLOSED:
            data = self._queue.popleft()
            self._queued -= len(data) + OVERHEAD
            super().send(data)
        self._pause_or_go_on()
        if not self.rest:
            super().written()

    def _pause_or_go_on(self) -> None:
        """While something waits the poller watches for room; the base class has it watch for bytes too."""
        if self.state != CLOSED and self._queued + len(self.rest) > MOST_WAITING:
            self.dispatcher.poller.change(self.fd, WRITE)

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        raise NotImplementedError("nothing happens in an inbox here")

    def give_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        raise NotImplementedError("nothing is watched here")

    def give_reset(self, page: Page) -> None:
        raise NotImplementedError("nothing happens in an inbox here")
