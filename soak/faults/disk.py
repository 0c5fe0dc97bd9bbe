"""A full disk under PostgreSQL."""

from __future__ import annotations

import random

from .fault import Fault, NoEffect, Params

ENOSPC = "No space left on device"


class DiskFull(Fault):
    """PostgreSQL's files are on a file system of its own, which has no room any more."""

    kind = "disk-full"

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": round(lots.uniform(8, 15), 1)}

    def inject(self) -> None:
        self._errors = self._count_errors()
        self._unavailable = self.world.record.statuses["503"]
        self.world.disk.fill()

    def heal(self) -> None:
        self.world.disk.free()
        postgres = self.world.stack.postgres
        if not postgres.is_running:  # it could not write its log of changes, and ended rather than lose one
            postgres.kill()
            postgres.start()

    def effect(self) -> dict[str, object]:
        errors = self._count_errors() - self._errors
        unavailable = self.world.record.statuses["503"] - self._unavailable
        if not errors or not unavailable:
            raise NoEffect(f"PostgreSQL lacked room {errors} times, {unavailable} requests were answered with 503")
        return {"ENOSPC": errors, "503": unavailable}

    def _count_errors(self) -> int:
        return self.world.stack.postgres.log().count(ENOSPC)
