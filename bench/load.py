"""The load: a process of its own that talks to the server over plain non-blocking sockets and epoll.

It builds no request and parses no JSON while it measures, so one of its cores' share is small; each result says how
long it was busy. A server that is asked by 8 connections in turn is never without work, and never has a queue.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections import Counter
from dataclasses import dataclass, field

PATIENCE = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
#: Between these two stands what a message is recognized by.
_MARK = re.compile(rb'"body":"(m\d+)"')


@dataclass(slots=True)
class Result:
    """What came of some requests. Times in seconds; `latencies` are sorted; `frames` is filled by `messages`."""

    wall: float
    busy: float
    latencies: list[float]
    statuses: Counter[int] = field(default_factory=Counter)
    frames: int = 0

    @property
    def idle(self) -> float:
        """The share of the time in which the generator had nothing to do."""
        return max(0.0, 1 - self.busy / self.wall)

    def latency(self, share: float) -> float:
        """In ms, such that this share of all was faster."""
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class _Exchange:
    """Requests under way on kept-alive connections, and the messages that they made and that have not arrived."""

    def __init__(self, requests: list[bytes], missing: dict[bytes, int]) -> None:
        self.asking: dict[int, socket.socket] = {}
        self.idle: list[socket.socket] = []
        self.result = Result(0.0, 0.0, [])
        self._todo = iter(enumerate(requests))
        self._missing = missing
        self._counts_messages = bool(missing)
        self._asked: dict[int, float] = {}
        self._buffers: dict[int, bytes] = {}
        self._sent: dict[bytes, float] = {}

    def add(self, sock: socket.socket) -> None:
        self.asking[sock.fileno()] = sock

    def begin(self) -> None:
        for fd in list(self.asking):
            self._ask(fd)

    def _ask(self, fd: int) -> None:
        number, request = next(self._todo, (-1, b""))
        if number < 0:
            self.idle.append(self.asking.pop(fd))
            return
        self._buffers[fd] = b""
        self._asked[fd] = time.perf_counter()
        if self._counts_messages:
            self._sent[b"m%d" % number] = self._asked[fd]
        self.asking[fd].send(request)

    def answered(self, fd: int) -> None:
        """An answer, or a part of it."""
        data = self.asking[fd].recv(65536)
        if not data:
            raise RuntimeError("the server closed a kept-alive connection")
        self._buffers[fd] += data
        status = _answer(self._buffers[fd])
        if status:
            self.result.statuses[status] += 1
            if not self._counts_messages:
                self.result.latencies.append(time.perf_counter() - self._asked[fd])
            self._ask(fd)

    def arrived(self, data: bytes) -> None:
        """Frames, on a parked socket."""
        for mark in _MARK.findall(data):
            self.result.frames += 1
            self._missing[mark] -= 1
            if not self._missing[mark]:
                del self._missing[mark]
                self.result.latencies.append(time.perf_counter() - self._sent.pop(mark))


class Load:
    """Runs in the generator's process. Parked sockets stay open until `drop`."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._poll = select.epoll()
        self._parked: dict[int, socket.socket] = {}
        self._opened = 0

    def exchange(self, requests: list[bytes], connections: int) -> Result:
        """Ask all of them over kept-alive connections, each asking its next when it has its answer."""
        return self._run(requests, connections, {})

    def messages(self, requests: list[bytes], connections: int, copies: int) -> Result:
        """Send messages whose bodies are m0, m1, ...; over when the parked sockets got each of them `copies` times.

        The latencies are from the request to the last of its frames.
        """
        return self._run(requests, connections, {b"m%d" % number: copies for number in range(len(requests))})

    def _run(self, requests: list[bytes], connections: int, missing: dict[bytes, int]) -> Result:
        exchange = _Exchange(requests, missing)
        for _ in range(min(connections, len(requests))):
            exchange.add(self._open())
        began, busy = time.perf_counter(), time.process_time()
        exchange.begin()
        while exchange.asking or missing:
            ready = self._poll.poll(PATIENCE)
            if not ready:
                left = f"{len(exchange.asking)} answers, {len(missing)} messages"
                raise RuntimeError(f"nothing came for {PATIENCE:g} s: {left} are missing")
            for fd, _event in ready:
                if fd in exchange.asking:
                    exchange.answered(fd)
                else:
                    exchange.arrived(self._parked_bytes(fd))
        result = exchange.result
        result.wall, result.busy = time.perf_counter() - began, time.process_time() - busy
        result.latencies.sort()
        for sock in exchange.idle:
            self._close(sock)
        return result

    def park(self, requests: list[bytes], at_once: int, until: bytes) -> Result:
        """Open a connection for each request and keep it; it is parked when `until` came (b"": at once)."""
        waiting: dict[int, tuple[float, bytes]] = {}
        latencies: list[float] = []
        unsent = iter(requests)

        def ask() -> None:
            request = next(unsent, None)
            if request is not None:
                now = time.perf_counter()
                sock = self._open()
                sock.send(request)
                self._parked[sock.fileno()] = sock
                if until:
                    waiting[sock.fileno()] = now, b""

        began, busy = time.perf_counter(), time.process_time()
        for _ in range(at_once if until else len(requests)):
            ask()
        while waiting:
            ready = self._poll.poll(PATIENCE)
            if not ready:
                raise RuntimeError(f"nothing came for {PATIENCE:g} s: {len(waiting)} clients are not parked")
            for fd, _event in ready:
                data = self._parked_bytes(fd)
                if fd not in waiting:
                    continue
                asked, before = waiting[fd]
                if until in before + data:
                    del waiting[fd]
                    latencies.append(time.perf_counter() - asked)
                    ask()
                else:
                    waiting[fd] = asked, before + data
        return Result(time.perf_counter() - began, time.process_time() - busy, sorted(latencies))

    def wake(self, request: bytes) -> Result:
        """Ask for something that has all parked requests answered; over when it and they are."""
        sock = self._open()
        self._parked[sock.fileno()] = sock
        missing = set(self._parked)
        statuses: Counter[int] = Counter()
        began, busy = time.perf_counter(), time.process_time()
        sock.send(request)
        while missing:
            ready = self._poll.poll(PATIENCE)
            if not ready:
                raise RuntimeError(f"nothing came for {PATIENCE:g} s: {len(missing)} answers are missing")
            for fd, _event in ready:
                data = self._parked_bytes(fd)
                if data and fd in missing:  # pywsgi writes head and body apart
                    missing.discard(fd)
                    statuses[int(data[9:12])] += 1
        return Result(time.perf_counter() - began, time.process_time() - busy, [], statuses)

    def _parked_bytes(self, fd: int) -> bytes:
        sock = self._parked[fd]
        data = sock.recv(262144)
        if not data:
            self._close(self._parked.pop(fd))
        return data

    def drop(self) -> int:
        """Close all parked sockets and say how many there were."""
        count = len(self._parked)
        while self._parked:
            self._close(self._parked.popitem()[1])
        return count

    def _open(self) -> socket.socket:
        """One more connection, from one of many loopback addresses: none runs out of ports."""
        self._opened += 1
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((f"127.0.1.{1 + self._opened % 200}", 0))
        sock.connect(self._address)
        self._poll.register(sock, select.EPOLLIN)
        return sock

    def _close(self, sock: socket.socket) -> None:
        self._poll.unregister(sock)
        sock.close()


def _answer(data: bytes) -> int:
    """The status of an answer once it is complete, else 0."""
    head, found, body = data.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if not found or (length is not None and len(body) < int(length[1])):
        return 0
    return int(head[9:12])
