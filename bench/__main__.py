"""`python -m bench`: the figures of docs/performance.md, printed. `--quick` shows within two minutes that it works."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from . import figures, report, weight
from .measuring import APP_KINDS, PEER_KINDS, Counts, Figures
from .process import machine
from .servers import World

KINDS = (*APP_KINDS, *PEER_KINDS)
#: What is measured of which servers.
PARTS: dict[str, tuple[Callable[[World, str, Counts], Figures], tuple[str, ...]]] = {
    "cpu": (figures.cpu, KINDS),
    "logins": (figures.logins, APP_KINDS),
    # uWSGI's router needs two descriptors a client, so it holds fewer; and the worker behind it is the same
    "memory": (figures.memory, ("uwsgi-socket", "pywsgi", "flask-sock", "flask-socketio")),
    "delivery": (figures.delivery, KINDS),
    "burst": (figures.burst, KINDS),
}
#: What pages weigh: bytes, not time. No server is put under load for it.
WEIGHT = "weight"
#: Descriptors that a process needs beside its clients'.
SPARE = 300

NOTES = """
CPU is what the worker process used, of all its threads, by its own clock, for each request; the router's own is behind
the shares, in the unit of the figure. Memory is by how much the worker grew, for each client, each of another user.
"uWSGI, socket" is the worker's own, which the router, or nginx with uwsgi_pass, asks: a connection for each request.
A message to the application: bearer, key, synchronous FULL, two events. flask-sock and Flask-SocketIO run on gevent's
pywsgi with a long backlog and without Nagle; they store nothing and check nobody. Compression (permessage-deflate) is
offered in the rows that say so, though browsers always do: the application refuses it, these two take it.

The generator is another process. It did not hold things up where it was mostly idle while the worker was always busy
or waiting for a core (for the disk, with messages). What it can do is seen at the bare sockets, a loop that parses and
checks nothing: their frames, bursts and requests are what kernel and generator need. A worker that waited much shared
its cores with other programs: its latencies are theirs too."""


def main() -> int:
    asked = _arguments()
    counts = Counts(*(getattr(asked, name) for name in Counts.__slots__))
    loads = [part for part in asked.only if part in PARTS]
    users = max(counts.parked, counts.memory + figures.WARM, counts.crowd + 2, counts.burst) + 100
    if loads:
        _raise_limit(users + counts.parked + SPARE)
    else:
        users = weight.USERS
    show = report.markdown if asked.markdown else report.plain
    failed: set[str] = set()
    began = time.monotonic()
    parts: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        world = World(Path(folder), users, asked.rate_limits)
        print(machine())
        if loads:
            runs = _runs(world, asked, counts, loads, failed)
            parts += [show(report.table(runs, counts)), show(report.trust(runs, counts)), NOTES.strip()]
        if WEIGHT in asked.only:
            parts.append(show(weight.table(world)))
    print("", *parts, f"{time.monotonic() - began:.0f} s", sep="\n\n")
    return 1 if failed else 0


def _runs(world: World, asked: argparse.Namespace, counts: Counts, loads: list[str], failed: set[str]) -> report.Runs:
    """All runs of all servers; one of which a part has failed is left out from then on, and put into `failed`."""
    print(", ".join(f"{name} {getattr(counts, name)}" for name in Counts.__slots__), end="; ")
    print(f"{asked.runs} runs, rate limits {asked.rate_limits}", flush=True)
    runs: report.Runs = defaultdict(list)
    for number in range(asked.runs):
        for kind in asked.server:
            if kind not in failed:
                _progress(f"run {number + 1} of {asked.runs}: {kind}")
                runs[kind].append(_run(world, kind, counts, loads, failed))
    _progress("")
    return runs


def _run(world: World, kind: str, counts: Counts, only: list[str], failed: set[str]) -> Figures:
    """One run of one server; where a part of it fails, that is said, and the others' figures are not lost."""
    found: Figures = {}
    for part in only:
        measure, kinds = PARTS[part]
        if kind not in kinds:
            continue
        try:
            found |= measure(world, kind, counts)
        except Exception:  # safety net: what was measured so far took minutes
            _progress("")
            print(f"{kind}, {part} failed:\n{traceback.format_exc()}", file=sys.stderr)
            failed.add(kind)
    return found


def _raise_limit(needed: int) -> None:
    """Have this process and its children open as many files as they may. Exits where that is too few."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < needed:
        sys.exit(f"{needed} open files are needed, {hard} are allowed: raise `ulimit -Hn`, or give a smaller --memory")


def _progress(text: str) -> None:
    """On a terminal's last line; nowhere else."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run with small counts: shows that it works")
    parser.add_argument("--markdown", action="store_true", help="print tables for docs/performance.md")
    parser.add_argument("--server", choices=KINDS, nargs="+", default=list(KINDS))
    parts = [*PARTS, WEIGHT]
    parser.add_argument("--only", choices=parts, nargs="+", default=parts, help="leave the other figures out")
    parser.add_argument("--rate-limits", choices=("on", "off"), default="on", help="as MYAPP_RATE_LIMITS")
    numbers = (
        ("runs", 1, 3, "the median of so many is printed"),
        ("parked", 200, 1000, "clients that wait while CPU is measured, or get frames"),
        ("messages", 500, 3000, "messages sent"),
        ("polls", 500, 3000, "short polls of each kind, and empty views"),
        ("handshakes", 300, 1000, "WebSockets opened as a browser does"),
        ("memory", 800, 15000, "clients of which the memory is measured"),
        ("peers", 300, 2000, "the same of flask-sock and Flask-SocketIO, which need 50 times as much"),
        ("frames", 20, 100, "frames sent to all parked clients"),
        ("crowd", 1000, 17000, "other clients that are parked meanwhile"),
        ("burst", 500, 5000, "clients that connect at once"),
    )
    for name, few, many, text in numbers:
        parser.add_argument(f"--{name}", type=int, help=f"{text} (default {many}, quick {few})")
    asked = parser.parse_args()
    for name, few, many, _text in numbers:
        if getattr(asked, name) is None:
            setattr(asked, name, few if asked.quick else many)
    return asked


if __name__ == "__main__":
    sys.exit(main())
