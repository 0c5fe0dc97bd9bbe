"""Clients that stop reading and come back, and clients that cut in mid-frame and go on by another way."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ..readers import Reader
from .fault import Fault, NoEffect, Params


class OfReaders(Fault):
    """Something that a share of the readers does, at least two of them."""

    share = 0.3

    def chosen(self) -> Sequence[Reader]:
        readers = self.world.readers
        count = max(2, round(self.share * len(readers)))
        return random.Random(self.params["who"]).sample(readers, min(count, len(readers)))


class StoppedClients(OfReaders):
    """They read nothing, their connections stay open, and after some seconds they go on where they were."""

    kind = "stopped-clients"

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": round(lots.uniform(5, 25), 1), "who": lots.randrange(10**6)}

    def inject(self) -> None:
        self._before = {reader: (reader.did["stop"], reader.stand) for reader in self.chosen()}
        for reader in self._before:
            reader.stop_for(self.params["seconds"])

    def heal(self) -> None:
        self._missed = sum(self.world.seq_of(reader.user) > stand.cursor for reader, (_, stand) in self._before.items())

    def is_healed(self) -> bool:
        came_back = (reader.did["stop"] > stops for reader, (stops, _) in self._before.items())
        return all(came_back) and super().is_healed()

    def effect(self) -> dict[str, object]:
        moved = sum(reader.stand != stand for reader, (_, stand) in self._before.items())
        if not self._missed or not moved:
            raise NoEffect(f"{len(self._before)} clients stopped, {self._missed} missed something, {moved} came back")
        return {"stopped": len(self._before), "missed something": self._missed, "came back": moved}


class CuttingClients(OfReaders):
    """They read a part of a frame, end the connection without a word, and go on by another way."""

    kind = "cutting-clients"

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": 6.0, "who": lots.randrange(10**6)}

    def inject(self) -> None:
        self._before = {reader: (reader.did["cut"], reader.way) for reader in self.chosen()}
        for reader in self._before:
            reader.cut_and_switch()

    def effect(self) -> dict[str, object]:
        cut = sum(reader.did["cut"] > cuts for reader, (cuts, _) in self._before.items())
        switched = sum(reader.way != way for reader, (_, way) in self._before.items())
        if not cut or not switched:
            raise NoEffect(f"of {len(self._before)} clients {cut} cut in mid-frame, {switched} changed their way")
        return {"asked": len(self._before), "cut in mid-frame": cut, "changed their way": switched}
