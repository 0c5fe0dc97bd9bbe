"""The table: the median of all runs, beside the lowest and the highest."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from .figures import Figure, Figures


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    text: str
    unit: str
    goal: str


LINES = (
    Line("message", "one message, request to the recipient's frame", "ms", "<= 1.2, aim 0.9"),
    Line("poll", "empty short poll, bearer", "ms", "<= 0.55, aim 0.4"),
    Line("poll, cookie", "empty short poll, session cookie", "ms", ""),
    Line("empty", "empty view of a bare Flask", "ms", ""),
    Line("handshake", "WebSocket handshake, signed in by cookie", "ms", "(next: 0.45, aim 0.25)"),
    Line("wake", "waking a parked long poll", "ms", ""),
    Line("login", "one login of fifty at once", "ms", ""),
    Line("turn", "longest turn of the loop meanwhile", "ms", "< 20"),
    Line("turn CPU", "CPU of the busiest turn", "ms", ""),
    Line("memory websocket", "a parked WebSocket, RSS", "KB", "<= 1.5 (next: 1.2)"),
    Line("memory websocket PSS", "a parked WebSocket, PSS", "KB", ""),
    Line("memory long-poll", "a parked long poll, RSS", "KB", "(next: 1.5)"),
    Line("memory long-poll PSS", "a parked long poll, PSS", "KB", ""),
)
HEADINGS = ("", "median", "lowest-highest", "unit", "goal", "router", "latency p50/p99", "generator idle")


def table(runs: list[Figures]) -> str:
    """`runs` have the same names; what was not measured has no line."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for line in LINES:
        found = [run[line.name] for run in runs if line.name in run]
        if found:
            rows.append(_row(line, found))
    ratio = [run["poll"].worker / run["empty"].worker for run in runs if "poll" in run]
    if ratio:
        rows.append(("short poll / empty view", f"{median(ratio):.2f}", _range(ratio), "x", "", "", "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(line: Line, found: list[Figure]) -> tuple[str, ...]:
    worker = [figure.worker for figure in found]
    router = _median([figure.router for figure in found])
    idle = _median([figure.idle for figure in found])
    p50, p99 = _median([figure.p50 for figure in found]), _median([figure.p99 for figure in found])
    return (
        line.text,
        f"{median(worker):.3f}" if line.unit == "ms" else f"{median(worker):.2f}",
        _range(worker),
        line.unit,
        line.goal,
        "" if router is None else f"{router:.2f} ms",
        "" if p50 is None or p99 is None else f"{p50:.1f} / {p99:.1f} ms",
        "" if idle is None else f"{idle:.0%}",
    )


def _range(values: list[float]) -> str:
    return f"{min(values):.3f}-{max(values):.3f}"


def _median(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return median(present) if present else None
