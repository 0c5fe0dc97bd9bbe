"""Requests through nginx over a kept connection, as a browser makes them; and what a client lives with."""

from __future__ import annotations

import json
import random
from typing import Any

from .checker import Broken
from .record import Record
from .wire import Answer, Ended, Wire, request_bytes

#: Seconds for one answer: longer than the application waits for a connection to its database.
PATIENCE = 20.0
#: Statuses that say "later": the way is not there at the moment.
LATER = (429, 502, 503, 504)
#: The longest that a run's client waits because it was asked to: the run is short.
LONGEST_REST = 3.0


class Gone(Exception):
    """The server or the way to it is away: come back after `retry` seconds, or with backoff where it is None."""

    def __init__(self, kind: str, retry: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.retry = retry


class Backoff:
    """How long to wait after failures in a row, with jitter."""

    def __init__(self, lots: random.Random) -> None:
        self._lots = lots
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, retry: float | None = None) -> float:
        """Seconds to wait now."""
        self._failures += 1
        if retry is not None:
            return min(retry, LONGEST_REST)
        longest = min(0.1 * float(2 ** min(self._failures, 10)), 2.0)
        return longest * self._lots.uniform(0.5, 1.0)


def kind_of(error: BaseException) -> str:
    """A word or two for a failed connection."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, Ended | ConnectionError):
        return "cut off"
    return type(error).__name__


class Asker:
    """One client's kept connection to `port`, opened anew where it has ended."""

    def __init__(self, port: int, token: str, record: Record) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}"}
        self._record = record
        self._wire: Wire | None = None

    def ask(self, method: str, path: str, data: Any = None) -> Answer:
        """The answer. Raises Gone, also where it says "later"; Broken where it is no answer of ours at all."""
        request = self.request(method, path, data)
        is_kept = self._wire is not None
        try:
            answer = self._exchange(request)
        except Gone:
            if not is_kept or data is not None:
                raise
            answer = self._exchange(request)  # a kept connection may end at any time: a GET is asked once more
        return self.judged(answer)

    def request(self, method: str, path: str, data: Any = None) -> bytes:
        body = None if data is None else json.dumps(data, ensure_ascii=False).encode()
        headers = self.headers if body is None else {**self.headers, "Content-Type": "application/json"}
        return request_bytes(method, path, headers, body)

    def judged(self, answer: Answer) -> Answer:
        """Count it. Raises Gone where it says "later"; Broken for a 500, which nothing may cause."""
        self._record.answered(answer.status)
        if answer.status in LATER:
            retry = answer.header("retry-after")
            raise Gone(str(answer.status), float(retry) if retry else None)
        if answer.status >= 500:
            raise Broken(f"answered with {answer.status}: {answer.body[:300]!r}")
        return answer

    def wire(self) -> Wire:
        """The connection. Raises Gone."""
        if self._wire is None:
            try:
                self._wire = Wire(self.port)
                self._wire.sock.settimeout(PATIENCE)
            except OSError as error:
                raise Gone(kind_of(error)) from error
        return self._wire

    def _exchange(self, request: bytes) -> Answer:
        wire = self.wire()
        try:
            wire.send(request)
            answer = wire.read_answer()
        except (Ended, OSError) as error:
            self.close()
            raise Gone(kind_of(error)) from error
        if (answer.header("connection") or "").lower() == "close":
            self.close()
        return answer

    def cut(self) -> None:
        """End the connection in the middle of whatever it does."""
        if self._wire is not None:
            self._wire.cut()
            self._wire = None

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
