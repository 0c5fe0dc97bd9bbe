"""The table: a row for each figure, a column for each server; the median of all runs, and the lowest and highest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median

from .figures import RATE
from .measuring import Counts, Figure, Figures


@dataclass(frozen=True, slots=True)
class Line:
    """One row. `name` is the figure's; `of` says which of its numbers; an empty name begins a group.

    `text` may name counts: "{parked:,} clients".
    """

    name: str
    text: str
    goal: str = ""
    of: Callable[[Figure], float | None] = lambda figure: figure.value


def p50(figure: Figure) -> float | None:
    return figure.p50


def p99(figure: Figure) -> float | None:
    return figure.p99


LINES = (
    Line("", "memory of a parked client, KB"),
    Line("memory", "WebSocket", "1.2"),
    Line("memory, offered", "  compression offered", "1.2"),
    Line("memory, after", "  and after one message", "1.2"),
    Line("memory, long poll", "long poll", "1.5"),
    Line("", "CPU, microseconds"),
    Line("delivery", "a frame, to each of {parked:,}", "7"),
    Line("delivery, offered", "  compression offered"),
    Line("delivery, crowd", "  {crowd:,} more parked"),
    Line("delivery, ratio", "  ratio of with and without", "1.3"),
    Line("", "CPU, ms"),
    Line("message", "message: request, 2 frames", "1.0"),
    Line("handshake", "handshake, as a browser", "0.45, aim 0.25"),
    Line("poll", "empty short poll, bearer", "0.45, aim 0.3"),
    Line("poll, cookie", "empty short poll, cookie"),
    Line("empty", "empty view of a bare Flask"),
    Line("wake", "waking a long poll"),
    Line("", "latency, ms"),
    Line("message, paced", f"message, {RATE:g} a second, p50", "", p50),
    Line("message, paced", "  p99", "", p99),
    Line("message", "message, 8 at once, p50", "", p50),
    Line("message", "  p99", "", p99),
    Line("delivery, one by one", "last of {parked:,} frames, p50", "", p50),
    Line("delivery, one by one", "  p99", "", p99),
    Line("", "{burst:,} clients connect at once"),
    Line("burst", "seconds until all are there", "5"),
    Line("burst, refused", "refused or reset", "0"),
    Line("", "50 people sign in at once, ms"),
    Line("turn", "longest turn of the loop", "20"),
    Line("turn CPU", "CPU of the busiest turn"),
    Line("login", "CPU of one login"),
)
#: Figures that say how far to trust them.
TRUSTED = {
    "message": "message, 8 at once",
    "message, paced": f"message, {RATE:g} a second",
    "handshake": "handshake",
    "poll": "empty short poll, bearer",
    "empty": "empty view of a bare Flask",
    "wake": "waking a long poll",
    "delivery": "a frame, to each of {parked:,}",
    "delivery, one by one": "  each when the last is there",
    "delivery, crowd": "  {crowd:,} more parked",
    "burst": "{burst:,} connect at once",
}
COLUMNS = {
    "uwsgi-socket": "uWSGI, socket",
    "uwsgi": "uWSGI, router",
    "pywsgi": "pywsgi",
    "flask-sock": "flask-sock",
    "flask-socketio": "Flask-SocketIO",
    "bare": "bare sockets",
}
Runs = dict[str, list[Figures]]
Rows = list[tuple[str, ...]]


def table(runs: Runs, counts: Counts) -> Rows:
    """Heading and rows; groups without a figure are left out."""
    kinds = [kind for kind in COLUMNS if runs.get(kind)]
    rows: Rows = [("median lowest-highest", *(COLUMNS[kind] for kind in kinds), "goal, at most")]
    heading: tuple[str, ...] = ()
    for line in LINES:
        if not line.name:
            heading = (_named(line.text, counts), *("" for _ in kinds), "")
            continue
        cells = [_cell(line, runs[kind]) for kind in kinds]
        if any(cells):
            rows += [heading] if heading else []
            rows.append((f"  {_named(line.text, counts)}", *cells, line.goal))
            heading = ()
    return rows


def _named(text: str, counts: Counts) -> str:
    return text.format(**asdict(counts))


def _cell(line: Line, runs: list[Figures]) -> str:
    found = [number for run in runs if line.name in run and (number := line.of(run[line.name])) is not None]
    if not found:
        return ""
    middle, low, high = (_number(number) for number in (median(found), min(found), max(found)))
    return middle if low == high else f"{middle} {low}-{high}"


def _number(number: float) -> str:
    """To two or three figures."""
    digits = 0 if number >= 100 or number == 0 else 1 if number >= 10 else 2 if number >= 0.1 else 3
    return f"{number:.{digits}f}"


def trust(runs: Runs, counts: Counts) -> Rows:
    """For each figure the generator's idle share; the worker's busy share and that in which it waited for a core; and
    the router's CPU."""
    kinds = [kind for kind in COLUMNS if runs.get(kind)]
    rows: Rows = [("generator idle, worker busy+waiting", *(COLUMNS[kind] for kind in kinds))]
    for name, text in TRUSTED.items():
        cells = [_shares([run[name] for run in runs[kind] if name in run]) for kind in kinds]
        if any(cells):
            rows.append((f"  {_named(text, counts)}", *cells))
    return rows


def _shares(found: list[Figure]) -> str:
    if not found:
        return ""
    idle, busy, waiting = (
        median(number or 0 for number in numbers)
        for numbers in zip(*((figure.idle, figure.busy, figure.waiting) for figure in found), strict=True)
    )
    router = [figure.router for figure in found if figure.router is not None]
    beside = f", {_number(median(router))}" if router else ""
    return f"{idle:.0%}, {busy:.0%}+{waiting:.0%}{beside}"


def plain(rows: Rows) -> str:
    """Columns under each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def markdown(rows: Rows) -> str:
    """A table to be pasted into docs/performance.md; a group's heading is bold, what belongs to the row above begins
    with a dash."""
    lines = []
    for first, *others in rows:
        name = first.replace("    ", "- ").strip() if first.startswith(" ") or any(others) else f"**{first}**"
        lines.append("|".join(["", *(f" {text} " if text else " " for text in (name, *others)), ""]))
    return "\n".join((lines[0], "|" + "---|" * len(rows[0]), *lines[1:]))
