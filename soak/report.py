"""What a run prints when it is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .latency import spread_of
from .record import QUIET, Record
from .run import Result
from .transports import WAYS
from .world import World


def report(result: Result, world: World, seed: int) -> str:
    """The whole summary, as text."""
    record = world.record
    parts = [
        f"seed {seed}, {result.seconds:.0f} s, {len(world.writers)} writers, {len(world.readers)} readers, "
        f"{result.acknowledged} messages acknowledged, {sum(result.events.values())} events read",
        _transports(result),
        _latencies(result),
        _requests(world, record),
        _faults(result),
        "all that was promised held" if not result.problems else _problems(result.problems),
    ]
    return "\n\n".join(parts)


def _transports(result: Result) -> str:
    rows = [(way, result.events[way], result.connects[way]) for way in WAYS]
    return table(("transport", "events", "connects"), rows)


def _latencies(result: Result) -> str:
    """Ways that push together, since they are given the same; short polls apart, which ask every 2 s."""
    pushed: dict[str, list[float]] = defaultdict(list)
    polled: dict[str, list[float]] = defaultdict(list)
    for (period, way), seconds in result.latencies.items():
        (polled if way == "short-poll" else pushed)[period] += seconds
    periods = [QUIET, *sorted(set(pushed) - {QUIET})]
    rows = [("pushed", period, *_spread(pushed[period])) for period in periods if pushed[period]]
    for way in WAYS:
        if found := result.latencies.get((QUIET, way)):
            rows.append((way, QUIET, *_spread(found)))
    return table(("from answer to delivery", "during", "count", "p50 ms", "p99 ms", "max ms"), rows)


def _spread(seconds: list[float]) -> tuple[object, ...]:
    found = spread_of(seconds)
    return found.size, *(round(1000 * value) for value in found[1:])


def _requests(world: World, record: Record) -> str:
    statuses = table(("status", "answers"), sorted(record.statuses.items()))
    did: dict[str, int] = defaultdict(int)
    for doings in [*(writer.did for writer in world.writers), *(reader.did for reader in world.readers)]:
        for name, count in doings.items():
            did[name] += count
    done = table(("done by clients", "times"), sorted(did.items()))
    failures = table(
        ("failure", "during", "times"),
        [(kind, period, count) for (kind, period), count in sorted(record.failures.items())],
    )
    return f"{statuses}\n\n{done}\n\n{failures}"


def _faults(result: Result) -> str:
    rows = [(f"{done.began:.0f} s", done.planned.kind, done) for done in result.done]
    return table(("at", "fault", "effect"), rows)


def _problems(problems: Sequence[str], most: int = 40) -> str:
    lines = [f"FAILED: {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"... and {len(problems) - most} more, all of them in the log")
    return "\n".join(lines)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    lines = []
    for row in cells:
        fitted = (
            cell.rjust(width) if cell.replace(".", "").isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        )
        lines.append("  ".join(fitted).rstrip())
    return "\n".join(lines)
