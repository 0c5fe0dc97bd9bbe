"""Work that takes a core for long, done beside the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Beside:
    """Threads of gevent's, at most `most` at once, while other greenlets go on; made on first use, after the fork.

    Each kind of work has its own: one kind that many wait for does not keep another waiting.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places = threading.BoundedSemaphore(most)
        self._threads: Any = None

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """What the function returns or raises; run directly where gevent has not patched this process."""
        from gevent import monkey

        if not monkey.is_module_patched("threading"):
            with self._places:
                return function(*args)
        if self._threads is None:
            from gevent.threadpool import ThreadPool

            self._threads = ThreadPool(self._most)
        outcome, error = self._threads.apply(_attempt, (function, args))
        if error is not None:
            raise error
        result: T = outcome
        return result


def _attempt(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    """gevent prints what a thread raises, although it is handled."""
    try:
        return function(*args), None
    except Exception as error:
        return None, error
