"""Ending code that runs and was not written to be ended: an exception raised in it from outside."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

from .run import Ended


class Interrupt:
    """Made by the thread or greenlet that is about to run a function, which ends with `Ended` after `fire`.

    A greenlet ends where it waits, at once; one that computes and never waits keeps the whole process waiting, so
    nobody fires. A thread ends when it is back from what it waits for in C. Neither ends once it is out of the `with`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_within = False
        self._greenlet = _greenlet()
        self._thread = threading.get_ident()

    def __enter__(self) -> Interrupt:
        self._is_within = True
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Nothing is raised any more behind this. For the one who made it; calling it again does nothing."""
        self._is_within = False
        if self._greenlet is None:
            with self._lock:  # who is firing has fired: it is raised here, or taken back
                _raise_in(self._thread, None)

    def fire(self, reason: str) -> None:
        """Have it end."""
        if self._greenlet is not None:
            from gevent import get_hub

            get_hub().loop.run_callback(self._throw, Ended(reason))
            return
        with self._lock:
            if self._is_within:
                _raise_in(self._thread, Ended)

    def _throw(self, ended: Ended) -> None:
        """Called by the hub: between `fire` and now the greenlet may have had its turn, and left."""
        if self._is_within:
            self._greenlet.throw(ended)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Have the thread raise it at its next instruction of Python's; None: or not, if it has not yet."""
    raised = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def _greenlet() -> Any:
    """The greenlet at hand, where gevent has made threads greenlets."""
    from gevent import getcurrent, monkey

    return getcurrent() if monkey.is_module_patched("threading") else None
