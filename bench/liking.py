"""`python -m bench.liking`: a thousand likes a second, offered on one post that a thousand people look at.

Each server is given one post. People open it over WebSocket, event stream and long poll; its author has a tab open.
Then likes, dislikes and take-backs are offered by the clock, each person's over a kept connection of their own; and at
the end it is looked whether anything was lost: what stands, the counts in the post's row and on every screen, and every
event in the author's inbox and tab. With --alone it is done again with a transaction for each, for comparison.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from .hot_post import KINDS, MOST_FRAMES, Plan, Run, most_in, run, world_of
from .process import machine, pace
from .report import Rows, markdown, plain
from .servers import World

#: What a row's goal is.
GOALS = {"  longest, ms": "50", "  on average of who got most": str(MOST_FRAMES), "lost": "0"}


def main() -> int:
    asked = _arguments()
    plan = Plan(asked.rate, asked.seconds, asked.people, asked.viewers, asked.streams, asked.polls, asked.cold)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * (plan.screens + plan.people) + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, needed)), hard))
    print(f"{machine()}; a loop of 1,000,000 steps takes {pace():.1f} ms", flush=True)
    columns: dict[str, Run] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o711)
        shared = World(Path(folder), plan.users, "on")
        for kind in asked.server:
            with world_of(shared, kind, plan.users) as (world, parts):
                columns[kind] = run(world, kind, plan, parts, 0)
                if asked.alone:
                    columns[f"{kind}, one by one"] = run(world, kind, plan, parts, 1)
    print("", (markdown if asked.markdown else plain)(_rows(columns, plan)), sep="\n")
    for kind, found in columns.items():
        for text in found.wrong:
            print(f"LOST: {kind}: {text}")
    return 1 if any(found.wrong for found in columns.values()) else 0


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rate", type=float, default=1000, help="reactions offered in a second")
    asked.add_argument("--seconds", type=float, default=8)
    asked.add_argument("--people", type=int, default=1000, help="who react")
    asked.add_argument("--viewers", type=int, default=1000, help="over WebSocket, those who react first")
    asked.add_argument("--streams", type=int, default=50, help="more viewers, over server-sent events")
    asked.add_argument("--polls", type=int, default=50, help="and over long poll")
    asked.add_argument("--cold", action="store_true", help="people of whom nothing was heard for ten minutes")
    asked.add_argument("--alone", action="store_true", help="compare with a transaction for each")
    asked.add_argument("--server", nargs="+", choices=KINDS, default=KINDS)
    asked.add_argument("--markdown", action="store_true", help="print the table for docs/performance.md")
    return asked.parse_args()


def _rows(columns: dict[str, Run], plan: Plan) -> Rows:
    cells = {kind: _cells(found) for kind, found in columns.items()}
    rows: Rows = [(f"{plan.rate:,.0f} likes a second, {plan.screens:,} viewers", *columns, "goal")]
    names = list(next(iter(cells.values())))
    return rows + [(name, *(found[name] for found in cells.values()), GOALS.get(name, "")) for name in names]


def _cells(found: Run) -> dict[str, str]:
    offered, count = found.offered, len(found.offered.answers)
    seconds = offered.answered_at - offered.began
    sizes = [wishes for wishes, _ in found.groups]
    took = [1000 * seconds for _, seconds in found.groups]
    viewers = {view.transport for view in found.views}
    most = {way: max(most_in(view.times, 1.0) for view in found.views if view.transport == way) for way in viewers}
    often = [_often([at for at in view.times if at > offered.began]) for view in found.views]
    shown = offered.shown_at - offered.answered_at
    told = found.views[-1].last_event_at - offered.answered_at
    before, after = (memory / 2**20 for memory in found.memory)
    return {
        "offered, answered with 200": f"{count:,}, {offered.statuses[200]:,}",
        "answered a second": f"{count / seconds:,.0f}",
        "answer, ms: p50": f"{offered.latency(0.5):.1f}",
        "  p99": f"{offered.latency(0.99):.1f}",
        "  slowest": f"{offered.latency(1.0):.0f}",
        "CPU of the worker, ms a like": f"{1000 * found.cpu / count:.3f}",
        "  of router or database": "" if found.beside is None else f"{1000 * found.beside / count:.3f}",
        "  of the generator": f"{1000 * offered.cpu / count:.3f}",
        "worker busy + waiting for a core": f"{found.cpu / offered.wall:.0%} + {found.waited / offered.wall:.0%}",
        "transactions": f"{len(sizes):,}",
        "  likes in one: mean, most": f"{sum(sizes) / len(sizes):.1f}, {max(sizes)}",
        "  median, ms": f"{median(took):.1f}",
        "  longest, ms": f"{max(took):.0f}",
        "frames to a viewer in 1 s, at most": str(max(most.values())),
        "  " + ", ".join(sorted(most)): ", ".join(str(most[way]) for way in sorted(most)),
        "  on average of who got most": f"{max(often):.2f}",
        "last answer to last screen, s": f"{max(0.0, shown):.2f}" if offered.shown_at else "never",
        "  to the author's tab": f"{max(0.0, told):.2f}",
        "memory, MB: before, after": f"{before:.0f}, {after:.0f}",
        "lost": str(len(found.wrong)),
    }


def _often(times: Sequence[float]) -> float:
    """How many a second, from the first to the last."""
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


if __name__ == "__main__":
    sys.exit(main())
