"""A thousand tasks at once: how long they take, what each costs, and whether each was run, once, and told."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass

from . import requests
from .measuring import CONNECTIONS
from .stack.spending import spent
from .task_places import Place, noted

#: An event for each, and a transaction.
CHANGES = ("queued", "running", "done")


@dataclass(frozen=True, slots=True)
class Ran:
    """`seconds` from the first request to the last end, `asked` to the last answer; `cpu` in ms a task, by part."""

    count: int
    seconds: float
    asked: float
    cpu: dict[str, float]
    wrong: list[str]


def posted(it: Place, count: int, users: int) -> Ran:
    """Asked for over HTTP by several people, by turns."""
    body = json.dumps({"kind": "bench-noted"})
    made = [
        it.dialect.wrap(requests.post(it.port, "/tasks", body, it.dialect.bearer(1 + number % users)))
        for number in range(count)
    ]
    return _ran(it, made, 202, count)


def started(it: Place, kind: str, count: int, users: int) -> Ran:
    """Started by code, in one process, by turns for several people."""
    return _ran(it, [it.start_many(kind, count, users)], 200, count)


def _ran(it: Place, made: list[bytes], status: int, count: int) -> Ran:
    ((first,),) = it.rows("SELECT coalesce(max(id), 0) + 1 FROM tasks")
    with it.generator() as load:
        load.call("exchange", [it.dialect.get("/healthz")] * CONNECTIONS, CONNECTIONS)
        before, began = spent(it.parts), time.time()
        result = load.call("exchange", made, CONNECTIONS)
        it.wait_for_all()
        after = spent(it.parts)
    cpu = {name: 1000 * (part.cpu - before[name].cpu) / count for name, part in after.items()}
    ((last,),) = it.rows(f"SELECT max(finished_at) FROM tasks WHERE id >= {first}")
    wrong = [f"answered with {dict(result.statuses)}"] if result.statuses != {status: len(made)} else []
    return Ran(count, last / 1000 - began, result.wall, cpu, wrong + _wrong(it, first, count))


def _wrong(it: Place, first: int, count: int) -> list[str]:
    """What is not as it must be, in words."""
    rows = it.rows(f"SELECT id, kind, state, attempt, deaths FROM tasks WHERE id >= {first}")
    wrong = [f"there are {len(rows)} tasks, not {count}"] if len(rows) != count else []
    wrong += [f"task {row[0]} is {row[2]} at attempt {row[3]}" for row in rows if row[2:] != ("done", 1, 0)][:5]
    told: dict[int, list[str]] = defaultdict(list)
    for (text,) in it.rows("SELECT data FROM events WHERE kind = 'task' ORDER BY user_id, seq"):
        data = json.loads(text)
        told[data["id"]].append(data["state"])
    wrong += [f"of task {row[0]} was told {told[row[0]]}" for row in rows if told[row[0]] != list(CHANGES)][:5]
    ran = [number for number in noted(it.notes) if number >= first]
    if rows and rows[0][1] == "bench-noted" and sorted(ran) != sorted(row[0] for row in rows):
        wrong.append(f"{len(set(ran))} ran, {len(ran)} times")
    return wrong
