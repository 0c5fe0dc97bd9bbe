"""Ctrl-C and SIGTERM that never break off a library's code."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self


class Interruptions:
    """Within it the first of them calls `end` in another thread, and raises KeyboardInterrupt only in `allowed`.

    An exception in the middle of a connection's code can leave its locks held, and closing it would wait for ever; in
    what Python calls between two lines it is lost. A second one is raised wherever it comes. For the main thread.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._is_allowed = False
        #: whether one has come
        self.came = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        # the thread is there beforehand: starting one takes locks too, which a signal can find held
        reading, self._writing = socket.socketpair()
        threading.Thread(target=self._wait, args=(reading,), name="myapp-client-interruptions", daemon=True).start()
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup wants it
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._writing.close()

    def _wait(self, reading: socket.socket) -> None:
        with reading:
            if reading.recv(1):
                self._end()

    def _note(self, number: int, frame: object) -> None:
        is_first, self.came = not self.came, True
        if is_first:
            self._writing.send(b"\0")
        if self._is_allowed or not is_first:
            raise KeyboardInterrupt

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Raises KeyboardInterrupt if one has come or comes within: for what may wait for long, and holds no locks."""
        self._is_allowed = True
        try:
            if self.came:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_allowed = False
