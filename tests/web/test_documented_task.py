"""The kind of tasks in docs/tasks.md, as it stands there: asked for as the page says, run, and downloaded."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from myapp.tasks import kinds, start
from tests.support import ROOT, wait_for

from .conftest import Program, Site, is_problem, open_site

SECTION = (ROOT / "docs" / "tasks.md").read_text().split("\n## A kind of your own\n")[1].split("\n## ")[0]


@pytest.fixture
def office(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The application with the page's module in it."""
    blocks = re.findall(r"(?:^(?:    .*)?\n)+", SECTION, re.M)
    (module,) = [textwrap.dedent(block) for block in blocks if "@task" in block]
    (tmp_path / "reports.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    for site in open_site(tmp_path, empty_database, MODULES="reports"):
        site.people.add("bob")
        yield site
    kinds.remove("report")
    sys.modules.pop("reports", None)


def ended(program: Program, number: int) -> Any:
    """The task, once it is over."""
    return wait_for(
        lambda: (found := program.get(f"/tasks/{number}").json)["finished_at"] and found, f"task {number} to end"
    )


def test_kind_of_the_docs_gives_its_owner_a_file(office: Site) -> None:
    bob = office.program("bob")
    (asked,) = re.findall(r"-d '(\{.*\})'", SECTION)
    answer = bob.post("/tasks", json.loads(asked))
    assert answer.status_code == 202
    task = ended(bob, answer.json["id"])
    assert (task["state"], task["progress"], task["title"]) == ("done", 100, "Monthly report")
    with bob.get(task["result_url"]) as file:
        lines = file.text.splitlines()
    assert (task["result_name"], len(lines), lines[-1]) == ("report-2026-11.csv", 30, "2026-11-30,bob")


def test_parameter_of_another_type_is_named(office: Site) -> None:
    is_problem(office.program("bob").post("/tasks", {"kind": "report", "params": {"year": "now"}}), 422, "params.year")


def test_what_the_kind_of_the_docs_cannot_do_fails_with_its_reason(office: Site) -> None:
    bob = office.program("bob")
    with office.app.app_context():
        number = start("bob", "report", year=2026, month=13)
    assert ended(bob, number)["error"] == "There is no month 13."
