"""What was found, as rows of a table: the figure, what it is in each stack, and the goal."""

from __future__ import annotations

from ..exchange import Result
from ..report import Rows
from .memory import Churn, Crowd
from .returning import Returning
from .sending import Outage, Sending

#: Parts by the names of their processes. Of the peer's, "uwsgi" are its two processes.
PARTS = {"nginx": "nginx", "uwsgi": "the workers, and uWSGI's master", "redis": "Redis", "postgres": "PostgreSQL"}


def sending_rows(found: dict[str, Sending]) -> Rows:
    each = list(found.values())
    rows: Rows = [("messages a second, clients wait", *found, "goal, at most")]
    rows.append(("answered request to frame, ms", *("" for _ in each), ""))
    rows += _late([[*sending.result.delays] for sending in each], "")
    rows.append(("request to frame, ms", *("" for _ in each), ""))
    rows += _late([[*sending.result.latencies] for sending in each], "")
    rows.append(("CPU, ms a message", *("" for _ in each), ""))
    rows.append(("  the whole stack", *(f"{sending.cpu():.2f}" for sending in each), "2.5, aim 1.5"))
    for name, text in PARTS.items():
        rows.append((f"    {text}", *(f"{sending.cpu(name):.2f}" for sending in each), ""))
    rows.append(("  waited for a core", *(f"{sending.waited:.2f}" for sending in each), ""))
    rows.append(("generator idle", *(f"{sending.result.idle:.0%}" for sending in each), ""))
    rows.append(("a loop of 1,000,000 steps then, ms", *(f"{sending.pace:.1f}" for sending in each), ""))
    return rows


def outage_rows(found: Outage) -> Rows:
    both = found.away, found.back
    rows: Rows = [("while Redis is away", "away", "after its return", "goal, at most")]
    rows.append(("answered request to frame, ms", "", "", ""))
    rows += _late([[*sending.result.delays] for sending in both], "3,000")
    rows.append(("messages, all of which came", *(f"{sending.count:,}" for sending in both), ""))
    rows.append(("generator idle", *(f"{sending.result.idle:.0%}" for sending in both), ""))
    return rows


def returning_rows(found: Returning) -> Rows:
    coming, pages = found.coming, found.pages
    rows: Rows = [(f"{found.clients:,} clients come back at once", "", "goal, at most")]
    rows.append(("seconds until all are current", f"{coming.wall:.1f}", "10"))
    rows.append(("  half of them", f"{coming.latency(0.5) / 1000:.1f}", ""))
    refused = ", ".join(f"{count} with {status}" for status, count in found.refused.items()) or "0"
    rows.append(("refused, and came again", refused, ""))
    rows.append((f"{sum(pages.statuses.values())} pages meanwhile, ms", "", ""))
    rows += _late([pages.latencies], "1,000")
    rows.append(("connections to PostgreSQL", str(found.connections), str(found.allowed)))
    rows.append(("generator idle", f"{coming.idle:.0%}", ""))
    return rows


def churn_rows(found: Churn) -> Rows:
    last = found.steps[-1]
    each = range(len(last.workers))
    rows: Rows = [("clients that come and go", "seconds", *(f"worker {n + 1}, KB" for n in each))]
    rows += [
        (f"  {step.connections:,}", f"{step.seconds:.0f}", *(f"{kb:,.0f}" for kb in step.workers))
        for step in found.steps
    ]
    rows.append(("KB for 1,000, in the second half", "", *(f"{slope:.1f}" for slope in found.slopes)))
    rows.append(("left in the workers", "", str(found.left), *("" for _ in each[1:])))
    return rows


def crowd_rows(found: list[Crowd]) -> Rows:
    rows: Rows = [("clients on the workers' own socket", *(f"{sum(crowd.clients):,}" for crowd in found))]
    rows.append(("  in each worker", *(", ".join(f"{n:,}" for n in crowd.clients) for crowd in found)))
    rows.append(("KB of a client", *(", ".join(f"{kb:.2f}" for kb in crowd.each) for crowd in found)))
    rows.append(("seconds until all are parked", *(f"{crowd.seconds:.0f}" for crowd in found)))
    rows.append(("refused, and came again", *(str(crowd.refused) for crowd in found)))
    rows.append(("messages to some, all of which came", *(str(crowd.asked) for crowd in found)))
    rows.append(("  request to frame, p99, ms", *(f"{crowd.message.latency(0.99):.1f}" for crowd in found)))
    rows.append(("generator idle, the busiest", *(f"{crowd.idle:.0%}" for crowd in found)))
    return rows


def _late(columns: list[list[float]], goal: str) -> Rows:
    """Half, 99 of 100, and all, of sorted seconds."""
    results = [Result(latencies=column) for column in columns]
    rows: Rows = []
    for text, share in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)):
        cells = [f"{result.latency(share):.1f}" if result.latencies else "" for result in results]
        rows.append((f"  {text}", *cells, goal if share == 1.0 else ""))
    return rows
