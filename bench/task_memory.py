"""What tasks that wait keep in memory."""

from __future__ import annotations

from .process import memory_bytes
from .task_places import Place, place

#: Users whose tasks they are, in equal parts.
USERS = 10


def memory(name: str, count: int) -> dict[str, float]:
    """Resident memory in MB of the process that runs tasks, by what there is."""
    found = {}
    with place(name, USERS) as it:
        _run(it, "bench-empty", 20, 0)
        found["4 places, nothing to do"] = _mb(it)
        # of each user two run at most: four in all
        _begin(it, "bench-sleep", count, 600)
        it.wait_for_running(4)
        found[f"{count:,} tasks wait for a place"] = _mb(it)
    with place(name, USERS, {"MYAPP_TASKS_AT_ONCE": str(count), "MYAPP_TASKS_PER_USER": "0"}) as it:
        _run(it, "bench-empty", 20, 0)
        found[f"{count:,} places, nothing to do"] = _mb(it)
        _begin(it, "bench-sleep", count, 600)
        it.wait_for_running(count)
        found[f"{count:,} tasks run and wait"] = _mb(it)
    return found


def _run(it: Place, kind: str, count: int, seconds: float) -> None:
    _begin(it, kind, count, seconds)
    it.wait_for_all()


def _begin(it: Place, kind: str, count: int, seconds: float) -> None:
    with it.generator() as load:
        result = load.call("exchange", [it.start_many(kind, count, USERS, seconds or None)], 1)
        if result.statuses != {200: 1}:
            raise RuntimeError(f"answered with {dict(result.statuses)}")


def _mb(it: Place) -> float:
    return sum(map(memory_bytes, it.runs)) / 2**20
