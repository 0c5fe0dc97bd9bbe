"""What the parts of a stack spend: the CPU of all their processes, those included that have ended meanwhile (Linux)."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..process import cpu_seconds, waiting_seconds

_TICK = 1 / os.sysconf("SC_CLK_TCK")


class _Processes:
    """All processes of this machine at one moment: whose children they are, and what their ended children used."""

    def __init__(self) -> None:
        self.children: defaultdict[int, list[int]] = defaultdict(list)
        self.ended: dict[int, float] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has just ended
                fields = stat.read_text().rpartition(")")[2].split()  # the third of proc(5) comes first
                pid = int(stat.parent.name)
                self.children[int(fields[1])].append(pid)
                self.ended[pid] = _TICK * (int(fields[13]) + int(fields[14]))

    def tree(self, pid: int) -> list[int]:
        return [pid, *(below for child in self.children[pid] for below in self.tree(child))]


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of CPU, and seconds in which it would have run but others had the cores."""

    cpu: float
    waited: float

    def since(self, before: Spent) -> Spent:
        return Spent(self.cpu - before.cpu, self.waited - before.waited)


def spent(parts: Mapping[str, Iterable[int]]) -> dict[str, Spent]:
    """What each part has used so far, by its name; a part is the process ids of its main processes.

    Of living processes to the nanosecond, with all their threads; of those that have ended, which the kernel adds to
    whoever started them, to a hundredth of a second.
    """
    while True:
        processes = _Processes()
        with contextlib.suppress(OSError):  # one ended in between: it is in its parent's sum next time
            return {
                name: _of([pid for main in mains for pid in processes.tree(main)], processes)
                for name, mains in parts.items()
            }


def _of(pids: list[int], processes: _Processes) -> Spent:
    cpu = sum(cpu_seconds(pid) + processes.ended[pid] for pid in pids)
    return Spent(cpu, sum(map(waiting_seconds, pids)))
