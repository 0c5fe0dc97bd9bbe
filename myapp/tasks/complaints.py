"""Saying what goes wrong again and again, without filling the log."""

from __future__ import annotations

import logging
import time

#: Seconds between two lines about the same trouble while it lasts.
EVERY = 60.0


class Complaint:
    """About one kind of trouble: said when it comes, then now and then, and when it is over."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._said_at: float | None = None

    def say(self, text: str, *values: object) -> None:
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= EVERY:
            self._said_at = now
            self._log.warning(text, *values)

    def is_over(self, text: str) -> None:
        """Nothing is wrong (any more); told where it was."""
        if self._said_at is not None:
            self._said_at = None
            self._log.warning(text)
