"""The load of a hot post, in the generator's process: those who have it on screen, and those who like it, by the clock.

Offered means: what is due is sent at its time, whether what was sent before is answered or not. But each person has one
connection and asks one thing at a time, as a browser does; what has to wait for that counts from when it was due.
"""

from __future__ import annotations

import re
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from . import wire
from .exchange import Result, Stopwatch
from .screens import Screen, View, Viewer
from .sockets import CHUNK, Sockets

#: Seconds that the last answers and frames may take.
PATIENCE = 60.0

_ANSWERED_VERSION = re.compile(rb'"version": ?(\d+)')


@dataclass(slots=True)
class Offered(Result):
    """Beside a Result: status and body of each answer by the number of its request, when the first was due, when the
    last answer came, and when all viewers had what that said; 0: never. `cpu` is the generator's own, in seconds.
    """

    answers: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    began: float = 0.0
    answered_at: float = 0.0
    shown_at: float = 0.0
    cpu: float = 0.0


class _Person:
    """Somebody who likes: one connection, one request at a time."""

    __slots__ = ("buffer", "due", "number", "sock", "waiting")

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self.buffer = b""
        #: the request under way and when it was due; and those that wait for it
        self.number = -1
        self.due = 0.0
        self.waiting: deque[tuple[int, float]] = deque()


class Crowd:
    """Runs in the generator's process. Viewers stay until `leave`."""

    def __init__(self, port: int, is_kept: bool, is_over: Callable[[], bool]) -> None:
        self._sockets = Sockets(port, is_kept)
        self._screens: dict[int, Screen] = {}
        self._people: dict[int, _Person] = {}
        #: people by the descriptors of their connections
        self._asking: dict[int, _Person] = {}
        self._requests: Sequence[tuple[int, bytes]] = ()
        self._result = Offered()

    def arrive(self, viewers: Sequence[Viewer]) -> None:
        """One after the other they open the post."""
        for viewer in viewers:
            screen = Screen(self._sockets, viewer)
            if viewer.transport != "long-poll":
                screen.greeted()
            self._screens[screen.sock.fileno()] = screen

    def watch(self, seconds: float) -> None:
        """Nobody does anything: what was on its way comes."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self._turn(left)

    def offer(self, requests: Sequence[tuple[int, bytes]], rate: float) -> Offered:
        """So many a second: each a person's number, and the request. Over when all are answered, and all viewers have
        the version of the newest answer, or PATIENCE is at an end.

        The latencies are from when a request was due to its answer.
        """
        self._requests, self._result = requests, Offered()
        with Stopwatch(self._result) as result:
            used, result.began = time.process_time(), time.perf_counter()
            sent, last = 0, result.began + len(requests) / rate
            while len(result.answers) < len(requests):
                now = time.perf_counter()
                while sent < len(requests) and (due := result.began + sent / rate) <= now:
                    self._ask(requests[sent][0], sent, due)
                    sent += 1
                if now > last + PATIENCE:
                    break
                wait = result.began + sent / rate - now if sent < len(requests) else 0.1
                self._turn(max(0.0, wait))
            result.answered_at = time.perf_counter()
            self._wait_until_shown(result)
            result.cpu = time.process_time() - used
        self._requests = ()
        return result

    def _wait_until_shown(self, result: Offered) -> None:
        found = (_ANSWERED_VERSION.search(body) for _status, body in result.answers.values())
        newest = max((int(match[1]) for match in found if match), default=0)
        if not any(screen.view.times for screen in self._screens.values()):
            return
        while time.perf_counter() < result.answered_at + PATIENCE / 4:
            if all(screen.view.version >= newest for screen in self._screens.values()):
                result.shown_at = max((screen.view.newest_at for screen in self._screens.values()), default=0.0)
                return
            self._turn(0.05)

    def leave(self) -> list[View]:
        """All viewers and people go; what each viewer was given."""
        for person in self._people.values():
            if person.sock is not None:
                self._sockets.close(person.sock)
        self._people.clear()
        views = [screen.close() for screen in self._screens.values()]
        self._screens.clear()
        return views

    def _turn(self, timeout: float) -> None:
        for fd, _event in self._sockets.wait("", time.perf_counter(), timeout):
            if fd in self._asking:
                self._read(self._asking[fd])
            elif fd in self._screens:
                screen = self._screens[fd]
                screen.came()
                if screen.sock.fileno() != fd:  # a long poll that has asked again
                    del self._screens[fd]
                    self._screens[screen.sock.fileno()] = screen
            else:
                self._lost(fd)

    def _ask(self, name: int, number: int, due: float) -> None:
        person = self._people.setdefault(name, _Person())
        if person.number >= 0:
            person.waiting.append((number, due))
            return
        if person.sock is None:
            person.sock = self._sockets.open()
        person.number, person.due, person.buffer = number, due, b""
        self._asking[person.sock.fileno()] = person
        person.sock.send(self._requests[number][1])

    def _read(self, person: _Person) -> None:
        assert person.sock is not None
        try:
            data = person.sock.recv(CHUNK)
        except ConnectionError:
            data = b""
        person.buffer += data
        status = wire.status(person.buffer)
        if data and not status:
            return
        del self._asking[person.sock.fileno()]
        head, _, body = person.buffer.partition(b"\r\n\r\n")
        self._result.answers[person.number] = status, body
        self._result.statuses[status] += 1
        self._result.latencies.append(time.perf_counter() - person.due)
        if not self._sockets.is_kept or not data or b"connection: close" in head.lower():
            self._sockets.close(person.sock)
            person.sock = None
        person.number = -1
        if person.waiting:
            name = self._requests[person.waiting[0][0]][0]
            self._ask(name, *person.waiting.popleft())

    def _lost(self, fd: int) -> None:
        """A connection on which nothing is asked was closed by the server."""
        for person in self._people.values():
            if person.sock is not None and person.sock.fileno() == fd:
                self._sockets.close(person.sock)
                person.sock = None
                return
