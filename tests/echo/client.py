"""The parked client that echoes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import gevent

from myapp.live import frames
from myapp.live.clients import CLOSED, on_ready
from myapp.live.dispatcher import Dispatcher
from myapp.live.frames import Batch, Page
from myapp.live.places import Place
from myapp.live.poller import READ, WRITE
from myapp.live.reader import FrameReader
from myapp.live.topic import Snapshot
from myapp.live.websocket import WebSocketConnection

#: The longest message, in bytes.
LONGEST = 16 * 1024 * 1024
#: With more than so many bytes waiting to be written nothing is read, as long as some are written.
MANY_WAITING = 2 * LONGEST
#: With more than so many nothing is read at all.
MOST_WAITING = 3 * LONGEST
#: Seconds without a byte written after which some are read nevertheless. uWSGI's router passes nothing in either
#: direction while it waits for room in one: if both sides stopped reading, nothing would ever go on.
STUCK = 0.01
#: What a frame that waits costs besides its bytes.
OVERHEAD = 64


class EchoClient(WebSocketConnection):
    """Answers text with text and binary with binary, in order and without loss.

    What its socket does not take waits in a queue that only exists here: the project's clients need none. The queue
    ends at MOST_WAITING and what one read completed.
    """

    __slots__ = ("_queue", "_queued", "_timer")

    transport = "echo"
    chunk = 64 * 1024

    def __init__(self, dispatcher: Dispatcher, place: Place | None, fd: int, grant: str, cursor: int, epoch: str):
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._timer: Any = None
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

    @property
    def _waiting(self) -> int:
        return self._queued + len(self.rest)

    def _pause_or_go_on(self) -> None:
        """While something waits the poller watches for room; the base class has it watch for bytes too."""
        if self.state != CLOSED and self._waiting > MANY_WAITING:
            self.dispatcher.poller.change(self.fd, WRITE)
            if self._timer is None:
                self._timer = gevent.get_hub().loop.timer(STUCK, STUCK)
                self._timer.start(self._look_whether_stuck, [0])

    def _look_whether_stuck(self, before: list[int]) -> None:
        """Read some if nothing was written since it looked last."""
        if self.state == CLOSED or self._waiting <= MANY_WAITING:
            self._timer.close()
            self._timer = None
        elif self._waiting == before[0] <= MOST_WAITING:
            on_ready(self, READ)
        before[0] = self._waiting

    def give(self, batch: Batch, encoded: dict[Any, bytes]) -> None:
        raise NotImplementedError("nothing happens in an inbox here")

    def give_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        raise NotImplementedError("nothing is watched here")

    def give_change(self, snapshot: Snapshot, encoded: dict[Any, bytes]) -> None:
        raise NotImplementedError("nothing is watched here")

    def give_reset(self, page: Page) -> None:
        raise NotImplementedError("nothing happens in an inbox here")
