"""Readers: each follows an inbox, checks on the fly what it is given, and behaves as badly as clients do."""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import NamedTuple

from .asking import Asker, Backoff, Gone
from .audit import Heard, Segment
from .checker import Broken, Checker
from .ledger import Ledger
from .record import Record
from .transports import WAYS, Batch, Reset, Said, Stand, Way

#: Seconds after which a reader looks whether something else is wanted of it.
TICK = 0.25


class Delivery(NamedTuple):
    """A message that was given to a reader: when, over what, and since when the reader wanted to hear of anything."""

    key: str
    at: float
    way: str
    since: float


class Reader(threading.Thread):
    """One reader of `user`'s inbox. A steady one keeps to its way, a restless one changes it, stops, and cuts.

    `stop_for` and `cut_and_switch` have any of them do so. It ends when it has been given all up to `finish`'s seq.
    """

    def __init__(
        self, number: int, user: str, asker: Asker, ledger: Ledger, record: Record, *, way: str | None, seed: int
    ) -> None:
        super().__init__(name=f"reader {number}", daemon=True)
        self.number = number
        self.user = user
        self.is_restless = way is None
        self.lots = random.Random(seed)
        self.deliveries: list[Delivery] = []
        self.events: Counter[str] = Counter()
        #: connections to listen on by way, requests in their place for polls
        self.connects: Counter[str] = Counter()
        #: how often it has stopped, cut in mid-frame, and gone on by another way
        self.did: Counter[str] = Counter()
        self.is_broken = False
        self._segments = [Segment(ledger.epoch, Checker())]
        self._badges: dict[str, int] = {}
        self._ledger = ledger
        self._record = record
        self._asker = asker
        self._backoff = Backoff(self.lots)
        self._way: Way = WAYS[way or self.lots.choice(list(WAYS))](asker, self.lots)
        self._is_open = False
        self._since = 0.0
        self._change_at = 0.0
        self._stop_for = 0.0
        self._is_to_cut = False
        self._upto: int | None = None
        self._over = threading.Event()

    @property
    def way(self) -> str:
        return self._way.name

    @property
    def stand(self) -> Stand:
        return Stand(self._segments[-1].checker.cursor, self._segments[-1].epoch)

    @property
    def heard(self) -> Heard:
        return Heard(self.name, self.user, self._segments, self._badges)

    def stop_for(self, seconds: float) -> None:
        """Read nothing for so long, with the connection open."""
        self._stop_for = seconds

    def cut_and_switch(self) -> None:
        """Cut in the middle of the next frame and go on by another way."""
        self._is_to_cut = True

    def finish(self, upto: int) -> None:
        """End when all up to this seq was given."""
        self._upto = upto

    def end(self) -> None:
        """End now."""
        self._over.set()

    @property
    def is_done(self) -> bool:
        """At the end, with the badges there; `finish` names an end only after everything is quiet."""
        return self._upto is not None and self.stand.cursor >= self._upto

    def run(self) -> None:
        self._since = self._record.now
        self._plan_change()
        try:
            while not self._over.is_set() and not self.is_done:
                try:
                    self._turn()
                except Gone as gone:
                    self._is_open = False
                    self._way.leave()
                    self._record.failed(f"{self.way}: {gone.kind}")
                    self._over.wait(self._backoff.failed(gone.retry))
        except (Broken, AssertionError) as broken:
            self._fail(f"{self.name} of {self.user} by {self.way} at {self.stand}: {broken}")
        except Exception as error:  # safety net: what a reader cannot understand was not promised
            self._fail(f"{self.name} of {self.user} by {self.way} at {self.stand} failed: {error!r}")
        finally:
            self._way.leave()
            self._asker.close()

    def _fail(self, text: str) -> None:
        self.is_broken = True
        self._record.breach(text)

    def _turn(self) -> None:
        if not self._is_open:
            self._way.open(self.stand)
            self._is_open = True
        if self._stop_for:
            self._stand_still()
        elif self._is_to_cut:
            self._cut()
        elif self.is_restless and self._record.now > self._change_at:
            self._change()
        else:
            for said in self._way.hear(self.stand, TICK):
                self.take(said)
        self.connects[self.way] += self._way.connects
        self._way.connects = 0

    def take(self, said: Said) -> None:
        """Check it. Raises Broken."""
        if isinstance(said, Reset):
            self._start_anew(said)
        elif isinstance(said, Batch):
            self._take_batch(said)

    def _take_batch(self, batch: Batch) -> None:
        self._backoff.succeeded()
        now = self._record.now
        epoch, checker = self._segments[-1]
        events = [self._ledger.same_event(epoch, self.user, event) for event in batch.events]
        latest = batch.seq if batch.latest is None else batch.latest
        checker.take({"events": events, "seq": batch.seq, "latest": latest})
        if batch.latest is not None:
            self._ledger.same_badges(epoch, self.user, batch.latest, batch.badges)
        if batch.badges:
            self._badges = batch.badges
        self.events[self.way] += len(events)
        for event in events:
            if event["kind"] == "message":
                key = event["data"]["body"].partition(" ")[0]
                self.deliveries.append(Delivery(key, now, self.way, self._since))

    def _start_anew(self, reset: Reset) -> None:
        """Once for each epoch that was really begun; a second connection may say what the first has said already."""
        epochs = self._ledger.epochs
        here = self.stand.epoch
        if reset.epoch == reset.before:
            raise Broken(f"told to start anew at {reset.latest} in the epoch {here}, though nothing was put back")
        if reset.epoch == here:
            return
        if reset.epoch not in epochs or epochs.index(reset.epoch) < epochs.index(here):
            raise Broken(f"told of the epoch {reset.epoch}; there were {epochs}, and it stood in {here}")
        self.did["reset"] += 1
        self._segments.append(Segment(reset.epoch, Checker(reset.latest)))
        self._badges = {}  # of a database that is no more

    # -- bad behaviour

    def _plan_change(self) -> None:
        self._change_at = self._record.now + self.lots.uniform(2, 12)

    def _change(self) -> None:
        self._plan_change()
        match self.lots.choice(("cut", "cut", "leave", "stop")):
            case "cut":
                self._is_to_cut = True
            case "stop":
                self._stop_for = self.lots.uniform(0.5, 6)
            case "leave":
                self._way.leave()
                self._switch()

    def _stand_still(self) -> None:
        """What comes meanwhile is read afterwards, or once more from the cursor if the server has given up."""
        self._over.wait(self._stop_for)
        self._stop_for = 0.0
        self.did["stop"] += 1
        self._since = self._record.now

    def _cut(self) -> None:
        was_in_the_middle = self._way.cut_in_the_middle(self.stand, TICK)
        if was_in_the_middle is None:
            return  # nothing came that could be cut: at the next turn
        if was_in_the_middle:
            self.did["cut"] += 1
        self._is_to_cut = False
        self._switch()

    def _switch(self) -> None:
        others = [name for name in WAYS if name != self.way]
        self._way.leave()
        self._way = WAYS[self.lots.choice(others)](self._asker, self.lots)
        self._is_open = False
        self._since = self._record.now
        self.did["switch"] += 1
