"""The suite itself: one list of tests for both kinds of server, and none of them skipped."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ..support import ROOT
from .conftest import KINDS, fail_if_skipped


@pytest.fixture(scope="module")
def names() -> list[str]:
    """The id of every test in this folder, however this run was narrowed."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/servers"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


def of_kind(names: list[str], kind: str) -> set[str]:
    """The tests that run on this server, without its name."""
    pattern = re.compile(rf"(?<=[\[-]){kind}(?=[\]-])")
    return {pattern.sub("", name) for name in names if pattern.search(name)}


def test_both_servers_run_the_same_tests(names: list[str]) -> None:
    pywsgi, uwsgi = (of_kind(names, kind) for kind in KINDS)
    assert pywsgi == uwsgi
    assert len(pywsgi) > 150


def test_only_these_modules_have_tests_that_run_on_neither(names: list[str]) -> None:
    """Elsewhere a test that forgot to take the server would go unnoticed."""
    neither = {name for name in names if not re.search(r"[\[-](pywsgi|uwsgi)[\]-]", name)}
    assert {name.partition("::")[0].rpartition("/")[2] for name in neither} == {
        "test_suite.py",
        "test_other_servers.py",
        "test_promise.py",  # the checker's own
        "test_described.py",  # what is answered is the same behind either
    }
    assert all("test_the_checker_knows" in name for name in neither if "test_promise.py" in name)


@pytest.mark.parametrize(
    "report",
    [
        SimpleNamespace(nodeid="skipped", skipped=True, outcome="skipped"),
        SimpleNamespace(nodeid="xfailed", skipped=True, outcome="skipped", wasxfail="reason"),
        SimpleNamespace(nodeid="xpassed", skipped=False, outcome="passed", wasxfail="reason"),
    ],
    ids=lambda report: report.nodeid,
)
def test_what_is_skipped_or_expected_to_fail_fails_the_run(report: Any) -> None:
    fail_if_skipped(report)
    assert report.outcome == "failed"


def test_what_passes_is_left_alone() -> None:
    report = SimpleNamespace(nodeid="passed", skipped=False, outcome="passed")
    fail_if_skipped(report)
    assert report.outcome == "passed"
