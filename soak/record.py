"""What happened in a run: a log of JSON lines, counts, breaches, and which fault was active when."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Seconds after a fault was healed that still count as its time: clients come back with backoff.
AFTERMATH = 6.0
QUIET = "quiet"


@dataclass
class Window:
    """When a fault was active, in seconds since the start; `end` is infinite while it is."""

    kind: str
    begin: float
    end: float = float("inf")


class Record:
    """Shared by all threads of a run. Times are seconds since it was made; without a file nothing is written."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.windows: list[Window] = []
        self.breaches: list[str] = []
        self.statuses: Counter[str] = Counter()
        #: failures by kind and the fault that was active
        self.failures: Counter[tuple[str, str]] = Counter()
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._log = file.open("w") if file is not None else None

    @property
    def now(self) -> float:
        return time.monotonic() - self._began

    def say(self, what: str, **fields: Any) -> None:
        """One line of the log."""
        line = json.dumps({"t": round(self.now, 3), "what": what, **fields}, ensure_ascii=False, default=str)
        with self._lock:
            if self._log is not None:
                self._log.write(line + "\n")
                self._log.flush()

    def answered(self, status: int) -> None:
        """A request was answered."""
        with self._lock:
            self.statuses[str(status)] += 1

    def failed(self, kind: str) -> None:
        """A request or a connection failed, in a way that clients live with."""
        with self._lock:
            self.failures[kind, self.period()] += 1

    def count(self, kind: str, period: str) -> int:
        """Failures of this kind while that fault was active."""
        return self.failures[kind, period]

    def breach(self, text: str) -> None:
        """The promise is broken: the run has failed."""
        with self._lock:
            self.breaches.append(text)
        self.say("breach", text=text, during=self.period())

    def begin(self, kind: str) -> Window:
        window = Window(kind, self.now)
        self.windows.append(window)
        return window

    def end(self, window: Window) -> None:
        window.end = self.now + AFTERMATH

    def period(self) -> str:
        """The fault that is active now, or QUIET."""
        now = self.now
        return next((window.kind for window in reversed(self.windows) if window.begin <= now <= window.end), QUIET)

    def period_of(self, begin: float, end: float) -> str:
        """The fault that was active at any moment between these, the latest one; or QUIET."""
        windows = reversed(self.windows)
        return next((window.kind for window in windows if window.begin <= end and begin <= window.end), QUIET)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
