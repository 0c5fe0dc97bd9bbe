"""The benchmark runs and prints its table; what it measures is not looked at here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def printed(module: str, *asked: str) -> list[str]:
    """The lines that the benchmark prints."""
    command = [sys.executable, "-m", module, *asked]
    done = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_benchmark_prints_a_line_for_what_it_was_asked() -> None:
    counts = ["--parked", "20", "--frames", "2", "--crowd", "0"]
    lines = printed("bench", "--quick", "--server", "pywsgi", "bare", "--only", "delivery", *counts)
    (line, *_others) = [line for line in lines if "a frame, to each of 20" in line]
    assert sum(word.replace(".", "", 1).isdigit() for word in line.split()) >= 2


def test_the_benchmark_weighs_each_page() -> None:
    lines = printed("bench", "--only", "weight")
    (visit,) = [line.split() for line in lines if line.startswith("  first visit")]
    assert [int(count) > 5 for count in visit[2:]] == [True] * 4
    assert not any("CPU" in line for line in lines), "nothing else is measured"


def test_the_benchmark_of_the_whole_stack_prints_what_each_part_spends() -> None:
    lines = printed("bench.stack", "--quick", "--only", "sending", "--stack", "uwsgi_pass", "--seconds", "1")
    for part in ("the whole stack", "nginx", "Redis", "PostgreSQL"):
        (line,) = [line.strip() for line in lines if line.strip().startswith(f"{part}  ")]
        assert float(line.removeprefix(part).split()[0]) > 0


def test_the_benchmark_of_announcements_prints_what_they_cost() -> None:
    lines = printed("bench.announcing", "--server", "pywsgi", "--connected", "20", "--users", "500", "--times", "1")
    for what, column in (("pywsgi", 0), ("SQLite", 4), ("PostgreSQL", 4)):
        (line,) = [line.strip() for line in lines if line.strip().startswith(f"{what}  ")]
        assert float(line.removeprefix(what).split()[column]) > 0


def test_the_benchmark_of_likes_prints_what_one_costs_and_loses_none() -> None:
    people = ("--people", "20", "--viewers", "10", "--streams", "2", "--polls", "2")
    lines = printed("bench.liking", "--server", "pywsgi", *people, "--rate", "100", "--seconds", "0.5")
    (line,) = [line for line in lines if line.startswith("CPU of the worker, ms a like")]
    assert float(line.split()[-1]) > 0
    (line,) = [line for line in lines if line.startswith("lost")]
    assert line.split()[1:] == ["0", "0"]


def test_the_benchmark_of_watching_prints_what_watchers_and_changes_cost() -> None:
    lines = printed("bench.watching", "--clients", "20", "--changes", "100", "--seconds", "0.1")
    for what in ("one topic, the same for all", "31 topics of its own", "CPU of a frame, microseconds"):
        (line,) = [line for line in lines if line.startswith(what)]
        assert float(line.removeprefix(what).replace(",", "")) > 0
    (all_have_it,) = [line for line in lines if line.startswith("watchers that have the last state")]
    assert all_have_it.split()[-1] == "20"


def test_the_benchmark_of_tasks_prints_what_they_cost_and_loses_none() -> None:
    lines = printed("bench.tasks", "--only", "runs", "--place", "embedded", "--tasks", "20", "--users", "2")
    (line,) = [line for line in lines if line.startswith("CPU of a change of state, ms")]
    assert float(line.split()[-1]) > 0
    assert [line.split()[-1] for line in lines if line.strip().startswith("lost or run twice")] == ["0", "0"]
