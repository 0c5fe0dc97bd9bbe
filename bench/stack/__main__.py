"""`python -m bench.stack`: the figures of the whole stack, printed. `--quick` shows within minutes that it works."""

from __future__ import annotations

import argparse
import resource
import sys
import time
import traceback
from collections.abc import Callable

from .. import report as tables
from ..process import machine
from . import memory, report, returning, sending
from .running import KINDS

#: What is measured, in this order.
PARTS = ("sending", "returning", "outage", "churn", "crowd")

NOTES = """
All of it on this machine's cores, the generator too: a process of its own on plain sockets, or several. CPU is of all
processes of each part, in the time in which the messages came, with all that goes on beside them (heartbeats, the
sweep); not the kernel's own threads, which write to the disk. PostgreSQL has fsync and synchronous_commit on.

A message to the application: bearer, key, one message, two conversations, two events in two inboxes, two frames. One to
Flask-SocketIO (two processes of gevent's pywsgi, a worker for each address, Redis as its message queue): bearer, one
message, two frames; its statements are on the driver itself, and nothing is kept for those who are not there. The
clients of both are WebSockets, each of another user, through nginx."""


def main() -> int:
    asked = _arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    show = tables.markdown if asked.markdown else tables.plain
    began = time.monotonic()
    print(machine(), flush=True)
    failed = False
    for part in asked.only:
        try:
            for rows in MEASURED[part](asked):
                print("", show(rows), sep="\n", flush=True)
        except Exception:  # safety net: what the others find took minutes
            print(f"{part} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            failed = True
    print(NOTES, f"{time.monotonic() - began:.0f} s", sep="\n\n")
    return 1 if failed else 0


def _sending(asked: argparse.Namespace) -> list[tables.Rows]:
    found = {kind: sending.sending(kind, asked.clients, asked.rate, asked.seconds) for kind in asked.stack}
    head, *rows = report.sending_rows(found)
    return [[(f"{asked.clients:,} clients, {asked.rate} messages a second", *head[1:]), *rows]]


def _outage(asked: argparse.Namespace) -> list[tables.Rows]:
    return [report.outage_rows(sending.outage(asked.clients, asked.rate, asked.seconds))]


def _returning(asked: argparse.Namespace) -> list[tables.Rows]:
    return [report.returning_rows(returning.returning(asked.returning, asked.behind))]


def _churn(asked: argparse.Namespace) -> list[tables.Rows]:
    return [report.churn_rows(memory.churn(asked.cycles, asked.steps))]


def _crowd(asked: argparse.Namespace) -> list[tables.Rows]:
    return [report.crowd_rows([memory.crowd(asked.crowd * workers, workers) for workers in (1, 2)])]


MEASURED: dict[str, Callable[[argparse.Namespace], list[tables.Rows]]] = {
    "sending": _sending,
    "returning": _returning,
    "outage": _outage,
    "churn": _churn,
    "crowd": _crowd,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.stack", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts: shows that it works")
    parser.add_argument("--markdown", action="store_true", help="print tables for docs/performance.md")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="leave the other figures out")
    parser.add_argument("--stack", choices=KINDS, nargs="+", default=KINDS, help="of the messages a second")
    numbers = (
        ("clients", 100, 1000, "who wait while messages are sent"),
        ("rate", 100, 200, "messages a second"),
        ("seconds", 5, 30, "of messages, and of those while Redis is away"),
        ("returning", 300, 5000, "clients that come back at once"),
        ("behind", 20, 20, "events that each of them has missed"),
        ("cycles", 6, 250, "in which 400 clients come and go"),
        ("steps", 6, 25, "at which memory is printed"),
        ("crowd", 500, 19000, "clients in one worker, and twice as many in two"),
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
