"""The load: a process of its own that talks to the server over plain sockets and epoll.

It builds no request and parses no JSON while it measures, so one of its cores' share is small; each result says how
long it was busy. A server that is asked by 8 connections in turn is never without work, and never has a queue.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable

from . import wire
from .exchange import Exchange, Result, Stopwatch
from .sockets import CHUNK, Parked, Sockets
from .wire import Greeting

#: Seconds after which it is looked at again whether to go on.
LOOK_EVERY = 0.2


class _Arrival:
    """A WebSocket on its way to be parked."""

    __slots__ = ("began", "buffer", "frames", "request", "sock", "status", "tries", "whole")

    def __init__(self, sock: socket.socket, request: bytes, tries: int) -> None:
        self.sock = sock
        self.request = self.whole = request
        self.tries = tries
        self.began = time.perf_counter()
        self.status = 0
        self.frames = 0
        self.buffer = b""

    def read(self, greeting: Greeting) -> bool:
        """Read what has come; whether it was refused, or its greeting is over: see `status`."""
        try:
            data = self.sock.recv(CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            self.status = 0
            return True
        self.buffer += data
        if not self.status:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return False
            self.status, self.buffer = int(head[9:12]), rest
        if self.status != 101:
            return True
        count, self.buffer, _beats = wire.split(self.buffer)
        if greeting.say and not self.frames and count:
            self.sock.send(greeting.say)
        self.frames += count
        return self.frames >= greeting.frames


class Load:
    """Runs in the generator's process. Parked sockets stay open until `drop`."""

    def __init__(self, port: int, is_kept: bool, is_over: Callable[[], bool]) -> None:
        self._sockets = Sockets(port, is_kept)
        self._parked = Parked(self._sockets)
        self._is_over = is_over

    def exchange(self, requests: list[bytes], connections: int) -> Result:
        """Ask all of them, at most so many at a time."""
        return self._run(Exchange(self._sockets, requests, connections, rate=0, copies=0))

    def messages(self, requests: list[bytes], connections: int, copies: int, rate: float) -> Result:
        """Send messages whose bodies are m0, m1, ...; over when the parked sockets got each of them `copies` times.

        So many at a time; or, with a `rate`, so many in a second. The latencies are from the request to the last of
        its frames.
        """
        return self._run(Exchange(self._sockets, requests, connections, rate=rate, copies=copies))

    def visit(self, requests: list[bytes], rate: float) -> Result:
        """Ask them one after the other, so many in a second, until it is told to end or there are none left."""
        return self._run(Exchange(self._sockets, requests, 1, rate=rate, copies=0), self._is_over)

    def _run(self, exchange: Exchange, is_over: Callable[[], bool] = lambda: False) -> Result:
        with Stopwatch(exchange.result):
            exchange.begin()
            while not exchange.is_over:
                if is_over():
                    exchange.stop()
                wait = min(exchange.ask_due(), LOOK_EVERY)
                for fd, _event in self._sockets.wait(exchange.missing, exchange.progressed, wait):
                    if fd in exchange.asking:
                        exchange.read(fd)
                    elif not exchange.lost(fd):
                        exchange.arrived(self._parked.read(fd)[1])
        exchange.end()
        return exchange.result

    def connect(self, requests: list[bytes], at_once: int, greeting: Greeting, tries: int = 1) -> Result:
        """Open a WebSocket for each request, so many at a time, and park it when it has greeted.

        The latencies are from the beginning of the connection to the end of the greeting; whoever was refused has none,
        and comes again when all others had their turn, up to so many `tries`.
        """
        coming: dict[int, _Arrival] = {}
        unsent = deque((request, tries) for request in requests)

        def begin() -> None:
            if unsent:
                request, left = unsent.popleft()
                sock = self._sockets.begin()
                coming[sock.fileno()] = _Arrival(sock, request, left - 1)

        with Stopwatch(Result()) as result:
            for _ in range(at_once):
                begin()
            progressed = time.perf_counter()
            while coming:
                for fd, _event in self._sockets.wait(f"{len(coming)} clients are not parked", progressed):
                    if fd not in coming:
                        self._parked.read(fd)
                    elif self._came(coming[fd], greeting, result):
                        arrival = coming.pop(fd)
                        if arrival.status != 101 and arrival.tries:
                            unsent.append((arrival.whole, arrival.tries))
                        progressed = time.perf_counter()
                        begin()
        return result

    def _came(self, arrival: _Arrival, greeting: Greeting, result: Result) -> bool:
        """Whether it has arrived, or was refused."""
        if arrival.request:
            request, arrival.request = arrival.request, b""
            if self._sockets.begun(arrival.sock):
                arrival.sock.send(request)
                return False
        elif not arrival.read(greeting):
            return False
        result.statuses[arrival.status] += 1
        if arrival.status == 101:
            result.latencies.append(time.perf_counter() - arrival.began)
            self._parked.add(arrival.sock, arrival.buffer)
        else:
            self._sockets.close(arrival.sock)
        return True

    def leave(self, requests: list[bytes]) -> None:
        """Send each request over a connection of its own and wait for no answer: long polls that will be parked."""
        for request in requests:
            sock = self._sockets.open()
            sock.send(request)
            self._parked.add(sock)

    def wake(self, request: bytes) -> Result:
        """Ask for something that has all parked requests answered; over when it and they are."""
        with Stopwatch(Result()) as result:
            self.leave([request])
            missing, began = set(self._parked.open), time.perf_counter()
            while missing:
                for fd, _event in self._sockets.wait(f"{len(missing)} answers are missing", began):
                    data = self._parked.answer(fd)
                    if data and fd in missing:  # pywsgi writes head and body apart
                        missing.discard(fd)
                        result.statuses[int(data[9:12])] += 1
        self._parked.drop()
        return result

    def deliver(self, request: bytes, times: int, events: int) -> Result:
        """Ask so often for something that makes `events` events come to all parked sockets together.

        Asked again when all have come. The latencies are from the request to the last arrival.
        """
        with Stopwatch(Result()) as result:
            for _ in range(times):
                began = time.perf_counter()
                asking = self._sockets.open()
                asking.send(request)
                result.latencies.append(self._receive(asking, events, result) - began)
                self._sockets.close(asking)
        return result

    def _receive(self, asking: socket.socket, missing: int, result: Result) -> float:
        """Over when so many events have come and the request is answered; says when the last of them came."""
        answer, came = b"", time.perf_counter()
        while missing or not wire.status(answer):
            before = missing
            for fd, _event in self._sockets.wait(f"{missing} events are missing", came):
                if fd == asking.fileno():
                    answer += asking.recv(CHUNK)
                    continue
                count, _data = self._parked.read(fd)
                missing -= count
            if missing != before:
                came = time.perf_counter()
        result.statuses[wire.status(answer)] += 1
        return came

    def drop(self) -> int:
        """Close all parked sockets and say how many there were."""
        return self._parked.drop()
