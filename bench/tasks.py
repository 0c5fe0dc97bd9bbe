"""`python -m bench.tasks`: a thousand tasks at once, what a change of state costs, and how soon pages are answered.

In the embedded server, and beside the stack (nginx, two uWSGI workers, Redis, PostgreSQL) with one and with two
processes of `python -m myapp.worker`. A thousand tasks are asked for over HTTP, and started by code; it is checked that
each ran, ran once, and was told as queued, running and done. Then pages and polls are asked for while tasks wait and
compute, beside the same without tasks; and it is looked what a call of `progress` costs, and what tasks that wait keep
in memory.
"""

from __future__ import annotations

import argparse
import sys

from .exchange import Result
from .process import machine, pace
from .report import Rows, markdown, plain
from .task_answers import RATE, TASKS, answers
from .task_memory import memory
from .task_places import EMBEDDED, place
from .task_progress import Told, progress
from .task_runs import CHANGES, Ran, posted, started

PLACES = {EMBEDDED: "embedded", "1": "stack, one worker", "2": "stack, two workers"}
PARTS = ("runs", "progress", "answers", "memory")
#: Processes, as they are called in the table, by what they are called where they run.
NAMES = {"server": "the server", "uwsgi": "uWSGI", "worker": "the workers", "postgres": "PostgreSQL", "redis": "Redis"}
#: Those of which a change of state is the work of Python.
OURS = ("server", "uwsgi", "worker")


def main() -> int:
    asked = _arguments()
    show = markdown if asked.markdown else plain
    print(f"{machine()}; a loop of 1,000,000 steps takes {pace():.1f} ms", flush=True)
    lost: list[str] = []
    for part in asked.only:
        rows = {"runs": _runs, "progress": _progress, "answers": _answers, "memory": _memory}[part](asked, lost)
        print("", show(rows), sep="\n", flush=True)
    for text in lost:
        print(f"LOST: {text}")
    return 1 if lost else 0


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--tasks", type=int, default=1000, help="at once")
    asked.add_argument("--users", type=int, default=10, help="whose tasks they are, by turns")
    asked.add_argument("--seconds", type=float, default=20, help="of requests while tasks run, each time")
    asked.add_argument("--place", nargs="+", choices=PLACES, default=list(PLACES), help="the stack by its workers")
    asked.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="leave the other figures out")
    asked.add_argument("--markdown", action="store_true", help="print tables for docs/performance.md")
    return asked.parse_args()


def _runs(asked: argparse.Namespace, lost: list[str]) -> Rows:
    columns: dict[str, list[str]] = {}
    for name in asked.place:
        with place(name, max(asked.users, 1)) as it:
            posted(it, min(50, asked.tasks), asked.users)  # warms it up
            found = posted(it, asked.tasks, asked.users), started(it, "bench-empty", asked.tasks, asked.users)
        lost += [f"{PLACES[name]}: {text}" for ran in found for text in ran.wrong]
        columns[PLACES[name]] = [*_ran(found[0]), "", *_ran(found[1]), _change(found[1])]
    names = [f"{asked.tasks:,} tasks by POST, of {asked.users} users: all answered after, s", *_NAMES, ""]
    names += ["the same started by code: all started after, s", *_NAMES, "CPU of a change of state, ms"]
    return [
        ("", *columns),
        *((name, *cells) for name, *cells in zip(names, *columns.values(), strict=True)),
    ]


_NAMES = ("  all done after, s", *(f"  CPU, ms a task: {name}" for name in NAMES.values()), "  lost or run twice")


def _ran(ran: Ran) -> list[str]:
    cpu = [f"{ran.cpu[part]:.2f}" if part in ran.cpu else "" for part in NAMES]
    return [f"{ran.asked:.2f}", f"{ran.seconds:.2f}", *cpu, str(len(ran.wrong))]


def _change(ran: Ran) -> str:
    """By ourselves: the database's part is its own."""
    return f"{sum(ran.cpu.get(part, 0.0) for part in OURS) / len(CHANGES):.2f}"


def _progress(asked: argparse.Namespace, lost: list[str]) -> Rows:
    calls, seconds = 1000, 5.0
    told: Told = progress(calls, seconds)
    return [
        (f"{calls:,} calls of progress in {seconds:g} s, SQLite", ""),
        ("  stored", str(told.writes)),
        ("  a second", f"{told.writes / told.seconds:.1f}"),
        ("  CPU of one that is stored, ms", f"{1000 * told.storing / max(1, told.writes):.2f}"),
        ("  CPU of a call, microseconds", f"{1e6 * told.calling / told.calls:.1f}"),
    ]


def _answers(asked: argparse.Namespace, lost: list[str]) -> Rows:
    rows: Rows = [(f"{RATE:g} requests a second beside {TASKS} tasks, ms", "p50", "p99", "longest")]
    for name in asked.place:
        if name == "2":
            continue  # as with one
        with place(name, TASKS) as it:
            found = answers(it, asked.seconds)
        rows += [(f"  {PLACES[name]}: {what}", *_latencies(result)) for what, result in found.items()]
    return rows


def _latencies(result: Result) -> tuple[str, ...]:
    return tuple(f"{result.latency(share):.1f}" for share in (0.5, 0.99, 1.0))


def _memory(asked: argparse.Namespace, lost: list[str]) -> Rows:
    places = [name for name in asked.place if name != "2"]
    columns = {PLACES[name]: memory(name, asked.tasks) for name in places}
    names = list(next(iter(columns.values())))
    rows: Rows = [("memory of the process that runs tasks, MB", *columns)]
    rows += [(f"  {name}", *(f"{found[name]:.0f}" for found in columns.values())) for name in names]
    first, waiting, places_there, running = names
    for text, less, more in (
        ("KB a task that waits for a place", first, waiting),
        ("KB a place", first, places_there),
        ("KB a task that runs and waits, besides", places_there, running),
    ):
        per = [f"{1024 * (found[more] - found[less]) / asked.tasks:.1f}" for found in columns.values()]
        rows.append((f"  {text}", *per))
    return rows


if __name__ == "__main__":
    sys.exit(main())
