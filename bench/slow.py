"""`python -m bench.slow`: how long ten who talk wait for each other, without slow peers and beside two of them.

The slow ones, a WebSocket and a stream, have missed 8 MB each and read nothing. The story is that of the tests
(tests/servers/slow_story.py), which look at the CPU only.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.servers.conftest import Servers
from tests.servers.slow_story import Story, cpu, p50, p99, start_impatient
from tests.servers.wire import Wire

from .process import machine
from .report import Rows, plain

KINDS = ("pywsgi", "uwsgi")
FIGURES = {"p50": p50, "p99": p99, "CPU": cpu}


def main() -> int:
    argparse.ArgumentParser(prog="python -m bench.slow", description=__doc__).parse_args()
    print(machine(), flush=True)
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            servers = Servers(kind, Path(folder))
            try:
                story = Story(start_impatient(servers, comments=0.2))
                print("", plain(_rows(story, kind)), sep="\n", flush=True)
            finally:
                Wire.close_all()
                servers.end()
    return 0


def _rows(story: Story, kind: str) -> Rows:
    rows: Rows = [(f"{kind}, ms a message, medians of {len(story.alone)} rounds", "without", "beside slow ones")]
    for name, figure in FIGURES.items():
        both = (statistics.median(map(figure, rounds)) for rounds in (story.alone, story.beside))
        rows.append((name, *(f"{1000 * value:.2f}" for value in both)))
    return rows


if __name__ == "__main__":
    sys.exit(main())
