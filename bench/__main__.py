"""`python -m bench`: the figures of docs/performance.md, printed. `--quick` shows in half a minute that it works."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from . import figures, report
from .figures import Counts, Figures
from .process import machine
from .servers import KINDS, World

NOTES = """
CPU is what the worker process used, of all its threads, by its own clock, for each request; "router" is uWSGI's HTTP
router beside it. Memory is by how much the worker grew, for each client; each is of another user. Messages: bearer,
key, synchronous FULL; both sides are parked, so two events and two frames. The generator is another process; where it
is idle most of the time, it was not what held things up. Latencies are from its side, at full load."""


def main() -> int:
    asked = _arguments()
    counts = Counts(asked.parked, asked.messages, asked.polls, asked.handshakes, asked.memory)
    users = max(asked.parked + 100, asked.memory + max(200, asked.memory // 10))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        world = World(Path(folder), users, asked.rate_limits)
        print(machine())
        print(f"{counts.parked} parked, {counts.messages} messages, {counts.polls} polls, {counts.memory} for memory;")
        print(f"{asked.runs} runs, rate limits {asked.rate_limits}", flush=True)
        for kind in asked.server:
            runs = []
            for number in range(asked.runs):
                _progress(f"{kind}, run {number + 1} of {asked.runs}")
                runs.append(_run(world, kind, counts, asked.only))
            _progress("")
            print(f"\n{kind}\n\n{report.table(runs)}", flush=True)
        print(NOTES)
    return 0


def _run(world: World, kind: str, counts: Counts, only: list[str]) -> Figures:
    found: Figures = {}
    if "cpu" in only:
        found |= figures.requests_and_news(world, kind, counts)
    if "logins" in only:
        found |= figures.logins(world, kind, counts)
    if "memory" in only:
        found |= figures.memory(world, kind, counts, "websocket")
        found |= figures.memory(world, kind, counts, "long-poll")
    return found


def _progress(text: str) -> None:
    """On a terminal's last line; nowhere else."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run with small counts: shows that it works")
    parser.add_argument("--server", choices=KINDS, nargs="+", default=list(KINDS))
    parts = ["cpu", "logins", "memory"]
    parser.add_argument("--only", choices=parts, nargs="+", default=parts, help="leave the other figures out")
    parser.add_argument("--rate-limits", choices=("on", "off"), default="on", help="as MYAPP_RATE_LIMITS")
    for name, few, many, text in (
        ("runs", 1, 3, "the median of so many is printed"),
        ("parked", 200, 1000, "clients that wait while CPU is measured"),
        ("messages", 500, 4000, "messages sent"),
        ("polls", 500, 4000, "short polls, and empty views"),
        ("handshakes", 300, 1000, "WebSockets opened by cookie"),
        ("memory", 1000, 6000, "clients of which the memory is measured"),
    ):
        parser.add_argument(f"--{name}", type=int, help=f"{text} (default {many}, quick {few})")
        parser.set_defaults(**{f"{name}_default": (many, few)})
    asked = parser.parse_args()
    for name in ("runs", "parked", "messages", "polls", "handshakes", "memory"):
        if getattr(asked, name) is None:
            setattr(asked, name, getattr(asked, f"{name}_default")[asked.quick])
    return asked


if __name__ == "__main__":
    sys.exit(main())
