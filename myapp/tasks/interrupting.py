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
        with self._lock:
            self._is_within = False
            if self._greenlet is None:
                _raise_in(self._thread, None)  # what was fired and has not arrived yet

    def fire(self, reason: str) -> None:
        """Have it end."""
        with self._lock:
            if not self._is_within:
                return
            if self._greenlet is not None:
                self._greenlet.kill(Ended(reason), block=False)
            else:
                _raise_in(self._thread, Ended)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Have the thread raise it at its next instruction of Python's; None: or not, if it has not yet."""
    raised = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def _greenlet() -> Any:
    """The greenlet at hand, where gevent has made threads greenlets."""
    from gevent import getcurrent, monkey

    return getcurrent() if monkey.is_module_patched("threading") else None
