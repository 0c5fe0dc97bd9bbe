"""The browser client's modules by themselves, on Node."""

from __future__ import annotations

import subprocess

from ..support import ROOT


def test_the_modules_pass_their_own_tests() -> None:
    done = subprocess.run(
        ["node", "--test", "tests/js/"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "# pass 0\n" not in done.stdout, "no test was found"
