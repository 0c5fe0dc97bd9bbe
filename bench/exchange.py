"""Requests under way, their answers, and the messages that they made: a part of the load generator."""

from __future__ import annotations

import os
import re
import socket
import time
from collections import Counter
from dataclasses import dataclass, field

from . import wire
from .process import waiting_seconds
from .sockets import CHUNK, PATIENCE, Sockets

#: Between these two stands what a message is recognized by.
_MARK = re.compile(rb'"body": ?"(m\d+)"')


@dataclass(slots=True)
class Result:
    """What came of some requests. Times in seconds; `latencies` and `delays` are sorted.

    `delays` are of messages: from the answer to the last frame, 0 where the frames were there before it. `statuses`
    counts the answers; 0 is a connection that was refused or reset.
    """

    wall: float = 0.0
    busy: float = 0.0
    latencies: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def idle(self) -> float:
        """The share of the time in which the generator had nothing to do: it neither ran nor waited for a core."""
        return max(0.0, 1 - self.busy / self.wall)

    def latency(self, share: float) -> float:
        """In ms, such that this share of all was faster."""
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class Stopwatch:
    """Fills in a result's times when its block ends."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def __enter__(self) -> Result:
        self._began, self._used = time.perf_counter(), self._spent()
        return self._result

    def __exit__(self, *error: object) -> None:
        self._result.wall = time.perf_counter() - self._began
        self._result.busy = self._spent() - self._used
        self._result.latencies.sort()
        self._result.delays.sort()

    @staticmethod
    def _spent() -> float:
        return time.process_time() + waiting_seconds(os.getpid())


class Exchange:
    """Requests that are asked by some connections, each its next when it has its answer; or at a rate, by the clock.

    With `copies` they are messages with the bodies m0, m1, ..., each of which arrives so often on parked sockets; the
    latencies are then from the request to the last arrival, else from the request to its answer.
    """

    def __init__(self, sockets: Sockets, requests: list[bytes], connections: int, *, rate: float, copies: int) -> None:
        self.result = Result()
        self.asking: dict[int, socket.socket] = {}
        self._sockets = sockets
        self._requests = requests
        self._next = 0
        self._connections = connections
        self._rate = rate
        self._missing = {b"m%d" % number: copies for number in range(len(requests) if copies else 0)}
        self._counts_messages = copies > 0
        self._idle: dict[int, socket.socket] = {}
        self._asked: dict[int, float] = {}
        self._buffers: dict[int, bytes] = {}
        self._sent: dict[bytes, float] = {}
        #: messages under way by the descriptor that they were sent on; those answered, and when
        self._marks: dict[int, bytes] = {}
        self._answered: dict[bytes, float] = {}
        self._began = 0.0
        #: when something last came that was waited for
        self.progressed = time.perf_counter()

    @property
    def is_over(self) -> bool:
        return self._next == len(self._requests) and not self.asking and not self._missing

    @property
    def missing(self) -> str:
        return f"{len(self.asking)} answers and {len(self._missing)} messages are missing"

    def begin(self) -> None:
        self._began = time.perf_counter()
        if not self._rate:
            for _ in range(self._connections):
                self._ask()

    def ask_due(self) -> float:
        """Ask what the clock asks for, and say after how many seconds to look again."""
        while self._rate and self._next < len(self._requests):
            wait = self._began + self._next / self._rate - time.perf_counter()
            if wait > 0:
                return wait
            self._ask()
        return PATIENCE

    def stop(self) -> None:
        """Ask no more."""
        self._requests = self._requests[: self._next]

    def end(self) -> None:
        for sock in self._idle.values():
            self._sockets.close(sock)

    def _ask(self) -> None:
        if self._next == len(self._requests):
            return
        sock = self._idle.popitem()[1] if self._idle else self._sockets.open()
        fd = sock.fileno()
        self.asking[fd] = sock
        self._buffers[fd] = b""
        self._asked[fd] = time.perf_counter()
        if self._counts_messages:
            self._marks[fd] = b"m%d" % self._next
            self._sent[self._marks[fd]] = self._asked[fd]
        sock.send(self._requests[self._next])
        self._next += 1

    def lost(self, fd: int) -> bool:
        """Whether it is a connection on which nothing is asked, which the server then has ended."""
        sock = self._idle.pop(fd, None)
        if sock is not None:
            self._sockets.close(sock)
        return sock is not None

    def read(self, fd: int) -> None:
        """An answer, or a part of it."""
        data = self.asking[fd].recv(CHUNK)
        if not data:
            raise wire.Ended("the server closed a connection that it had not answered on")
        self._buffers[fd] += data
        status = wire.status(self._buffers[fd])
        if not status:
            return
        self.result.statuses[status] += 1
        self.progressed = time.perf_counter()
        if self._counts_messages:
            self._note_answer(self._marks.pop(fd))
        else:
            self.result.latencies.append(self.progressed - self._asked[fd])
        sock = self.asking.pop(fd)
        is_last = b"connection: close" in self._buffers[fd].partition(b"\r\n\r\n")[0].lower()  # nginx's thousandth
        if self._sockets.is_kept and not is_last:
            self._idle[fd] = sock
        else:
            self._sockets.close(sock)
        if not self._rate:
            self._ask()

    def _note_answer(self, mark: bytes) -> None:
        if mark in self._missing:
            self._answered[mark] = self.progressed
        else:
            self.result.delays.append(0.0)

    def arrived(self, data: bytes) -> None:
        """Frames, on a parked socket."""
        for mark in _MARK.findall(data):
            self.progressed = time.perf_counter()
            self._missing[mark] -= 1
            if not self._missing[mark]:
                del self._missing[mark]
                self.result.latencies.append(self.progressed - self._sent.pop(mark))
                if mark in self._answered:
                    self.result.delays.append(self.progressed - self._answered.pop(mark))
