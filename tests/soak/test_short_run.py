"""A short run with the real stack: `make soak`, with the faults that are quick."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..support import ROOT

FAULTS = ("kill-worker", "kill-redis", "kill-pubsub", "lost-publishes", "cutting-clients")


@pytest.mark.timeout(300)
def test_all_that_was_promised_holds_while_parts_are_killed(tmp_path: Path) -> None:
    """Another plan each time; its seed is printed where it fails."""
    log = tmp_path / "soak.jsonl"
    run = ["--minutes=0.4", f"--faults={','.join(FAULTS)}", "--readers=18", "--writers=6", "--rate=15", f"--log={log}"]
    done = subprocess.run([sys.executable, "-m", "soak", *run], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    said = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["fault"] for line in said if line["what"] == "healed" and line["effect"]} == set(FAULTS)
