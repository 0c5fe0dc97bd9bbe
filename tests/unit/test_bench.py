"""The benchmark runs and prints its table; what it measures is not looked at here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_benchmark_prints_a_line_for_what_it_was_asked() -> None:
    counts = ["--parked", "20", "--frames", "2", "--crowd", "0"]
    asked = ["--quick", "--server", "pywsgi", "bare", "--only", "delivery", *counts]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *asked],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line, *_others) = [line for line in done.stdout.splitlines() if "a frame, to each of 20" in line]
    assert sum(word.replace(".", "", 1).isdigit() for word in line.split()) >= 2
