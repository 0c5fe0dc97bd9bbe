"""A database put back from a copy while the application runs."""

from __future__ import annotations

import random
import time

from ..tables import read_tables
from .fault import Fault, NoEffect, Params


class Restore(Fault):
    """A copy is made; some seconds later it takes the database's place, with a new epoch, while everybody goes on.

    The copy is prepared under a name of its own, epoch included, and then the names are changed: the application
    never sees the old data in the old epoch again.
    """

    kind = "restore"
    takes = 22.0

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": 6.0, "later": round(lots.uniform(4, 10), 1)}

    def inject(self) -> None:
        self._resets = self._count_resets()
        backup = self.world.backup
        copied = self.world.record.now
        backup.copy()
        time.sleep(self.params["later"])
        epoch = backup.prepare()
        cut = self.world.record.now
        self.world.ledger.begin(epoch)
        old = backup.put_in_place()
        self.world.ledger.restored(copied, cut, self.world.record.now)
        tables = read_tables(old)
        self.world.ledger.archive.append(tables)
        backup.drop_old()
        sent = list(self.world.ledger.sent.values())
        self._lost = sum(one.ack is not None and copied < one.ack.answered < cut for one in sent)

    def is_healed(self) -> bool:
        everybody = all(
            reader.is_broken or reader.stand.epoch == self.world.ledger.epoch for reader in self.world.readers
        )
        return everybody and super().is_healed()

    def effect(self) -> dict[str, object]:
        resets = self._count_resets() - self._resets
        if not resets or not self._lost:
            raise NoEffect(f"{resets} readers were told to start anew, {self._lost} acknowledged messages were lost")
        return {"epoch": self.world.ledger.epoch, "resets": resets, "acknowledged and lost": self._lost}

    def _count_resets(self) -> int:
        return sum(reader.did["reset"] for reader in self.world.readers)
