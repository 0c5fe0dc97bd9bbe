"""Whether and when a request is made once more. No I/O.

Every request of this client may be repeated: it reads, or is idempotent, or carries a key by which it counts once.
"""

from __future__ import annotations

import random

from .errors import ClientError, TooMany, Unavailable
from .pace import Pace, backoff


class Patience:
    """The patience for one request: `total` seconds from its first attempt at `now`."""

    def __init__(self, total: float, pace: Pace, lots: random.Random, now: float) -> None:
        self._deadline = now + total
        self._pace = pace
        self._lots = lots
        self._failures = 0

    def after(self, error: ClientError, now: float) -> float | None:
        """Seconds to wait before the next attempt, at least what the server asks for; None: it is time to give up."""
        if not isinstance(error, TooMany | Unavailable):
            return None
        self._failures += 1
        wait = max(backoff(self._failures, self._pace, self._lots), error.retry_after or 0.0)
        return wait if now + wait < self._deadline else None

    def timeout(self, usual: float, now: float) -> float:
        """Seconds for each of the next attempt's steps: as usual, or what is left, but never too few to succeed."""
        return min(usual, max(1.0, self._deadline - now))
