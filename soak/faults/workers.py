"""What happens to uWSGI's workers while they live."""

from __future__ import annotations

import contextlib
import os
import random
import resource

from ..wire import Ended, Wire, bearer, upgrade_bytes
from .fault import Fault, NoEffect, Params

#: So many come at a time to a worker without descriptors, several times a second.
STRANGERS = 6
EMFILE = "Too many open files"


class ChainReload(Fault):
    """All workers are replaced, one after the other."""

    kind = "chain-reload"
    takes = 20.0

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": 5.0}

    def inject(self) -> None:
        self._before, self._loaded = self.world.stack.uwsgi.worker_pids(), self.world.loaded
        self.world.stack.uwsgi.reload()

    def is_healed(self) -> bool:
        pids = self.world.stack.uwsgi.worker_pids()
        are_replaced = not set(pids) & set(self._before) and len(pids) == len(self._before)
        return are_replaced and self.world.loaded >= self._loaded + len(pids) and super().is_healed()

    def effect(self) -> dict[str, object]:
        now = self.world.stack.uwsgi.worker_pids()
        if set(now) & set(self._before):
            raise NoEffect(f"the workers were {self._before} and are {now}")
        return {"before": self._before, "after": now}


class NoDescriptors(Fault):
    """A worker may have no more files open than it has, and strangers come who want more: it has none left.

    A worker at its limit accepts nobody, and the other one does. When somebody leaves, it accepts one with its last
    descriptor, cannot park them, and turns them away; so some of the strangers leave again.
    """

    kind = "no-descriptors"

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": round(lots.uniform(8, 14), 1), "worker": lots.randrange(100)}

    def inject(self) -> None:
        pids = self.world.stack.uwsgi.worker_pids()
        self._pid = pids[int(self.params["worker"]) % len(pids)]
        self._seen = 0
        self._strangers: list[Wire] = []
        user, token = next(iter(self.world.tokens.items()))
        self._request = upgrade_bytes(f"/ws?seq={self.world.seq_of(user)}", bearer(token))
        self._errors, self._refused = self._count_errors(), self._count_refused()
        self._before = resource.prlimit(self._pid, resource.RLIMIT_NOFILE)
        self._limit = max(self._open_files()) + 1
        resource.prlimit(self._pid, resource.RLIMIT_NOFILE, (self._limit, self._before[1]))

    def watch(self) -> None:
        with contextlib.suppress(OSError, Ended):
            is_full = len(self._open_files()) >= self._limit
            self._seen += is_full
            for wire in self._strangers[: STRANGERS // 2 if is_full else 0]:
                self._strangers.remove(wire)
                wire.close()
            for _ in range(STRANGERS):
                self._come()

    def _come(self) -> None:
        """One more stranger, who waits where there is room."""
        wire = Wire(self.world.port)
        self._strangers.append(wire)
        wire.sock.settimeout(2)
        wire.send(self._request)
        wire.read_answer()

    def heal(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(self._pid, resource.RLIMIT_NOFILE, self._before)
        for wire in self._strangers:
            wire.close()

    def effect(self) -> dict[str, object]:
        errors, refused = self._count_errors() - self._errors, self._count_refused() - self._refused
        if not errors and not refused:
            raise NoEffect(f"seen with all of its {self._limit} files {self._seen} times, it lacked none")
        return {
            "pid": self._pid,
            "limit": self._limit,
            "seen at it": self._seen,
            "turned away for it": refused,
            "EMFILE": errors,
        }

    def _open_files(self) -> set[int]:
        return {int(name) for name in os.listdir(f"/proc/{self._pid}/fd")}

    def _count_errors(self) -> int:
        return self.world.stack.uwsgi.log().count(EMFILE)

    def _count_refused(self) -> int:
        """How many had to be turned away for want of a descriptor, by the application's own count."""
        return int(self.world.metric('myapp_refused_total{reason="descriptors"}'))
