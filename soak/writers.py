"""Writers: each sends messages with keys, the same key until it is acknowledged, and marks read now and then."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .asking import Asker, Backoff, Gone
from .checker import Broken
from .ledger import Ack, Ledger, Sent
from .record import Record
from .wire import Answer

#: What share of sends is cut before its answer, what share is sent once more after its answer, what share marks read.
CUT, AGAIN, READ = 0.04, 0.02, 0.05
#: Seconds for which one message is tried: parts come back long before.
PATIENCE = 120.0
WORDS = ("hello", "über", "消息", "🙂", '"quoted"', "<b>", "line\nbreak", "\\", "&amp;", "x" * 60)


class Writer(threading.Thread):
    """One who writes to `others`, about `rate` messages a second, until `finish`."""

    def __init__(
        self, name: str, others: Sequence[str], asker: Asker, ledger: Ledger, record: Record, *, rate: float, seed: int
    ) -> None:
        super().__init__(name=f"writer {name}", daemon=True)
        self.user = name
        self.lots = random.Random(seed)
        #: acknowledged, sent once more, cut, marked read
        self.did: Counter[str] = Counter()
        self._others = others
        self._asker = asker
        self._ledger = ledger
        self._record = record
        self._rate = rate
        self._backoff = Backoff(self.lots)
        self._finish = threading.Event()

    def finish(self) -> None:
        """End when the message that is under way is acknowledged."""
        self._finish.set()

    def run(self) -> None:
        number = 0
        try:
            while not self._finish.wait(self.lots.expovariate(self._rate)):
                number += 1
                self._send(self._new(number))
                if self.lots.random() < READ:
                    self._mark_read()
        except (Broken, AssertionError) as broken:
            self._record.breach(f"{self.name}: {broken}")
        except Exception as error:  # safety net: what a writer cannot understand was not promised
            self._record.breach(f"{self.name} failed: {error!r}")
        finally:
            self._asker.close()

    def _new(self, number: int) -> Sent:
        """Its body begins with its key, so that whoever sees it knows what was sent."""
        key = f"{self.user}-{number}"
        words = self.lots.choices(WORDS, k=self.lots.choice((1, 3, 10, 10, 60)))
        sent = Sent(key, self.user, self.lots.choice(self._others), f"{key} {' '.join(words)}")
        self._ledger.send(sent)
        return sent

    def _send(self, sent: Sent) -> None:
        """Until it is acknowledged. Raises Broken when it is refused."""
        epochs = self._ledger.settled
        deadline = time.monotonic() + PATIENCE
        while sent.ack is None:
            try:
                self._try(sent)
            except Gone as gone:
                self._record.failed(f"send: {gone.kind}")
                if time.monotonic() > deadline:
                    raise Broken(f"{sent.key} was not acknowledged within {PATIENCE:g} s: {gone.kind}") from gone
                time.sleep(self._backoff.failed(gone.retry))
        self._backoff.succeeded()
        if self.lots.random() < AGAIN:
            self._send_again(sent, epochs)

    def _try(self, sent: Sent) -> None:
        data = {"to": sent.to, "body": sent.body, "key": sent.key}
        if self.lots.random() < CUT:
            self._cut(self._asker.request("POST", "/messages", data))
            return
        began = self._record.now
        answer = self._asker.ask("POST", "/messages", data)
        said = self._stored(sent, answer)
        sent.ack = Ack(said["id"], began, self._record.now)
        self.did["acknowledged"] += 1

    def _cut(self, request: bytes) -> None:
        """Half of the request, or all of it, and no answer: the next try has the same key."""
        is_whole = self.lots.random() < 0.5
        with contextlib.suppress(OSError):  # it is cut already
            self._asker.wire().send(request if is_whole else request[: len(request) // 2])
        if is_whole:
            time.sleep(self.lots.choice((0.0, 0.002, 0.02)))
        self._asker.cut()
        self.did["cut before the answer" if is_whole else "cut in the middle"] += 1

    @staticmethod
    def _stored(sent: Sent, answer: Answer) -> dict[str, Any]:
        """The message that was acknowledged. Raises Broken when it is not this one."""
        if answer.status not in (200, 201):
            raise Broken(f"{sent.key} was refused with {answer.status}: {answer.body[:300]!r}")
        said: dict[str, Any] = answer.json()
        if (said["from"], said["to"], said["body"]) != (sent.sender, sent.to, sent.body):
            raise Broken(f"{sent.key} was acknowledged as {said}")
        return said

    def _send_again(self, sent: Sent, epochs: int) -> None:
        """The same key once more is the same message, unless the database was put back since the first try."""
        try:
            answer = self._asker.ask("POST", "/messages", {"to": sent.to, "body": sent.body, "key": sent.key})
        except Gone as gone:
            self._record.failed(f"send: {gone.kind}")
            return
        said = self._stored(sent, answer)
        assert sent.ack is not None
        self.did["sent again"] += 1
        if (answer.status, said["id"]) != (200, sent.ack.id) and self._ledger.settled == epochs > 0:
            raise Broken(f"{sent.key} was sent again: {answer.status} with {said}, before it was {sent.ack}")

    def _mark_read(self) -> None:
        """What some reader of one's own was given."""
        other, epoch = self.lots.choice(self._others), self._ledger.epoch
        upto = self._ledger.given.get((epoch, self.user, other))
        if upto is None:
            return
        try:
            answer = self._asker.ask("POST", "/messages/read", {"with": other, "upto": upto})
        except Gone as gone:
            self._record.failed(f"read: {gone.kind}")
            return
        if answer.status == 200:
            self.did["marked read"] += 1
        elif self._ledger.epoch == epoch:
            raise Broken(f"reading up to {upto} was refused with {answer.status}: {answer.body[:300]!r}")
