"""Tasks over HTTP: started, looked at, cancelled, tried again, and what they give; they run in threads here."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from myapp.tasks import TaskFailed, kinds, owner, progress, result, service, start, task
from myapp.tasks.stored import STATES

from ..support import wait_for
from .conftest import Program, Site, is_problem, open_site

DONE = {"done", "failed", "cancelled"}


class Gate:
    """What the tasks of the kind `waits` wait for, and how many are there."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.inside: list[str] = []

    def wait(self) -> None:
        self.inside.append(owner().name)
        while not self.is_open.wait(0.005):
            progress(10)
        self.inside.remove(owner().name)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Kinds of tasks, while there are any to run."""
    gate = Gate()

    @task("report", title="Monthly report")
    def report(month: str = "2026-11", broken: bool = False) -> None:
        if broken and not gate.is_open.is_set():
            raise TaskFailed("There is no paper.")
        with result("Bericht für März.csv") as file:
            file.write(f"{owner().name},{month}\n".encode())

    task("waits", again=True)(gate.wait)
    task("for-administrators", who="administrators")(lambda: None)
    task("for-code", who="code")(lambda: None)
    yield gate
    gate.is_open.set()
    for name in ("report", "waits", "for-administrators", "for-code"):
        kinds.remove(name)


@pytest.fixture
def site(tmp_path: Path, empty_database: Path, gate: Gate) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, TASKS_AT_ONCE="3", TASKS_PER_USER="2")


@pytest.fixture
def alice(site: Site) -> Program:
    return site.programs("alice")[0]


@pytest.fixture
def bob(site: Site, alice: Program) -> Program:
    return site.programs("bob")[0]


def begun(program: Program, kind: str = "report", **asked: Any) -> TestResponse:
    answer = program.post("/tasks", {"kind": kind, **asked})
    assert answer.status_code in (200, 202), answer.text
    return answer


def look(program: Program, at: TestResponse) -> dict[str, Any]:
    answer = program.get(at.headers["Location"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def ended(program: Program, at: TestResponse) -> dict[str, Any]:
    return wait_for(lambda: found if (found := look(program, at))["state"] in DONE else None, "the task's end")


def download(program: Program, url: str, method: str = "GET", **headers: str) -> TestResponse:
    """Buffered: as a server does, the client closes what it has read."""
    return program.open(
        url, method, headers={name.replace("_", "-"): value for name, value in headers.items()}, buffered=True
    )


def states(program: Program, number: int) -> list[str]:
    """What one was told of the task."""
    return [one["data"]["state"] for one in program.events() if one["kind"] == "task" and one["data"]["id"] == number]


def test_task_is_started_run_told_of_and_gives_a_file(alice: Program) -> None:
    answer = begun(alice, params={"month": "2026-03"})
    asked = answer.get_json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/tasks/{asked['id']}")
    assert (asked["state"], asked["title"], asked["can_cancel"]) == ("queued", "Monthly report", True)
    done = ended(alice, answer)
    assert (done["state"], done["progress"], done["error"], done["can_retry"]) == ("done", 100, None, False)
    assert states(alice, asked["id"]) == ["queued", "running", "done"]
    assert alice.badges()["tasks"] == 1
    file = download(alice, done["result_url"])
    assert file.data == b"alice,2026-03\n"
    assert file.content_length == done["result_size"] == len(file.data)
    assert "filename*=UTF-8''Bericht%20f%C3%BCr%20M%C3%A4rz.csv" in file.headers["Content-Disposition"]
    assert file.headers["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in file.headers["Content-Security-Policy"]
    assert file.headers["X-Content-Type-Options"] == "nosniff"


def test_ranges_and_what_one_has_already_are_answered(alice: Program) -> None:
    url = ended(alice, begun(alice))["result_url"]
    part = download(alice, url, Range="bytes=2-4")
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, b"ice", "bytes 2-4/14")
    is_problem(download(alice, url, Range="bytes=99-"), 416)
    assert download(alice, url, If_None_Match=part.headers["ETag"]).status_code == 304
    head = download(alice, url, "HEAD")
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", "14")


def test_result_that_is_gone_is_not_found(alice: Program, site: Site) -> None:
    url = ended(alice, begun(alice))["result_url"]
    for file in site.app.extensions["myapp"].tasks.folder.path.iterdir():
        file.unlink()
    is_problem(alice.get(url), 404)


def test_same_key_is_the_same_task(alice: Program, bob: Program) -> None:
    first = begun(alice, key="k", params={"month": "2026-03"})
    again = begun(alice, key="k", params={"month": "2026-03"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.headers["Location"] == first.headers["Location"]
    is_problem(alice.post("/tasks", {"kind": "report", "key": "k"}), 409, "key")
    assert begun(bob, key="k").status_code == 202
    assert ended(alice, first)["state"] == "done"
    assert states(alice, first.get_json()["id"]) == ["queued", "running", "done"]
    assert len(alice.get("/tasks").get_json()["tasks"]) == 1


def test_list_is_of_ones_own_tasks_newest_first(alice: Program, bob: Program) -> None:
    numbers = [begun(alice).get_json()["id"] for _ in range(3)]
    begun(bob)
    page = alice.get("/tasks?limit=2").get_json()
    assert [one["id"] for one in page["tasks"]] == numbers[:0:-1]
    assert page["more"]
    rest = alice.get(f"/tasks?before={numbers[1]}").get_json()
    assert ([one["id"] for one in rest["tasks"]], rest["more"]) == (numbers[:1], False)
    assert rest["seq"] > 0


def test_others_tasks_are_as_those_that_do_not_exist(alice: Program, bob: Program) -> None:
    answer = begun(alice)
    number = ended(alice, answer)["id"]
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/result")):
        theirs, none = (bob.open(f"/tasks/{one}{path}", method) for one in (number, 9999))
        is_problem(theirs, 404)
        is_problem(none, 404)
        assert theirs.get_json()["detail"].replace(str(number), "9999") == none.get_json()["detail"]


@pytest.mark.parametrize("kind", ["for-administrators", "for-code"])
def test_kind_that_is_not_for_everyone_is_refused(kind: str, alice: Program, site: Site) -> None:
    is_problem(alice.post("/tasks", {"kind": kind}), 403)
    administrator = site.administrator()
    administrator.page("/account")
    answer = administrator.post("/tasks", {"kind": kind})
    assert answer.status_code == (202 if kind == "for-administrators" else 403)
    assert alice.get("/tasks").get_json()["tasks"] == []


def test_neither_a_ticket_nor_a_system_may_have_tasks(alice: Program, site: Site) -> None:
    number = ended(alice, begun(alice))["id"]
    ticket = Program(site.app, alice.post("/auth/ticket").get_json()["ticket"])
    for program in (ticket, site.system("shop")):
        for method, path in (
            *(("POST", "/tasks"), ("GET", "/tasks"), ("GET", f"/tasks/{number}"), ("GET", f"/tasks/{number}/result")),
            *(("POST", f"/tasks/{number}/cancel"), ("POST", f"/tasks/{number}/retry")),
        ):
            body = {"kind": "report"} if path == "/tasks" and method == "POST" else None
            assert program.open(path, method, json=body).status_code in (401, 403), path
    assert len(site.rows("tasks")) == 1


def test_task_is_cancelled_once_and_can_be_tried_again(alice: Program, gate: Gate, site: Site) -> None:
    answer = begun(alice, "waits")
    number = answer.get_json()["id"]
    wait_for(lambda: gate.inside, "the task to run")
    is_problem(alice.get(f"/tasks/{number}/result"), 404)
    is_problem(alice.post(f"/tasks/{number}/cancel", {"why": "x"}), 422, "why")
    for _ in range(2):
        cancelled = alice.post(f"/tasks/{number}/cancel")
        assert (cancelled.status_code, cancelled.get_json()["state"]) == (200, "cancelled")
    assert cancelled.get_json()["can_retry"]
    again = alice.post(f"/tasks/{number}/retry", {})
    assert (again.status_code, again.get_json()["state"]) == (202, "queued")
    assert alice.post(f"/tasks/{number}/retry").status_code == 202
    gate.is_open.set()
    assert ended(alice, answer)["state"] == "done"
    is_problem(alice.post(f"/tasks/{number}/cancel"), 409)
    is_problem(alice.post(f"/tasks/{number}/retry"), 409)
    assert states(alice, number) == ["queued", "running", "cancelled", "queued", "running", "done"]
    assert alice.badges()["tasks"] == 1, "a task that its user cancelled is no news"
    assert site.app.extensions["myapp"].tasks.workers.counts["failed"] == 0


def test_failed_task_says_why_and_is_seen_when_it_is_tried_again(alice: Program, gate: Gate) -> None:
    answer = begun(alice, params={"broken": True})
    failed = ended(alice, answer)
    assert (failed["state"], failed["error"], failed["can_retry"]) == ("failed", "There is no paper.", True)
    assert alice.badges()["tasks"] == 1
    gate.is_open.set()
    assert alice.post(f"/tasks/{failed['id']}/retry").status_code == 202
    done = ended(alice, answer)
    assert (done["state"], done["error"]) == ("done", None)
    assert alice.badges()["tasks"] == 1


def test_so_many_of_one_user_run_at_once_and_others_do_not_wait_for_them(
    alice: Program, bob: Program, gate: Gate
) -> None:
    of_alice = [begun(alice, "waits") for _ in range(5)]
    wait_for(lambda: gate.inside.count("alice") == 2, "two of hers to run")
    of_bob = begun(bob, "waits")
    wait_for(lambda: gate.inside.count("bob") == 1, "his to run")
    found = [look(alice, one)["state"] for one in of_alice]
    assert (found.count("running"), found.count("queued")) == (2, 3)
    gate.is_open.set()
    assert {ended(alice, one)["state"] for one in of_alice} == {"done"}
    assert ended(bob, of_bob)["state"] == "done"


def test_too_many_that_wait_are_refused_for_now(alice: Program, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_UNFINISHED", 3)
    cancelled = begun(alice, "waits").get_json()["id"]
    alice.post(f"/tasks/{cancelled}/cancel")
    for _ in range(3):
        begun(alice, "waits")
    is_problem(alice.post("/tasks", {"kind": "report"}), 429)
    is_problem(alice.post(f"/tasks/{cancelled}/retry"), 429)
    gate.is_open.set()


def test_starts_are_limited(tmp_path: Path, empty_database: Path, gate: Gate) -> None:
    for site in open_site(tmp_path, empty_database, RATE_LIMITS="on"):
        (alice,) = site.programs("alice")
        found = [alice.post("/tasks", {"kind": "nothing"}).status_code for _ in range(121)]
        assert set(found[:120]) == {422}
        is_problem(alice.post("/tasks", {"kind": "report"}), 429)


def test_command_leaves_what_it_starts_to_the_server(alice: Program, site: Site) -> None:
    """A process that ends at once would break it off."""
    tasks = site.app.extensions["myapp"].tasks

    @site.app.cli.command("nightly")
    def nightly() -> None:
        start("alice", "report", month="2026-03")

    done = site.app.test_cli_runner().invoke(args=["nightly"])
    assert done.exit_code == 0, done.output
    assert not tasks.queue.is_empty()
    [row] = alice.get("/tasks").get_json()["tasks"]
    assert row["state"] == "queued"
    tasks.start()  # as the server does
    wait_for(lambda: alice.get("/tasks").get_json()["tasks"][0]["state"] == "done", "the task's end")


def test_queue_whose_file_cannot_be_opened_keeps_nobody_from_being_told(
    alice: Program, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = site.app.extensions["myapp"].tasks
    place = tasks.queue._file
    place.mkdir(parents=True)
    answer = begun(alice)
    assert "tasks cannot be run" in caplog.text
    assert "publishing failed" not in caplog.text
    place.rmdir()
    tasks.put(answer.get_json()["id"])
    assert ended(alice, answer)["state"] == "done"


def test_server_starts_where_the_queues_file_cannot_be_opened_and_runs_tasks_as_soon_as_it_can(
    alice: Program, site: Site
) -> None:
    tasks = site.app.extensions["myapp"].tasks
    place = tasks.queue._file
    place.mkdir(parents=True)
    tasks.start()
    answer = begun(alice)
    place.rmdir()
    tasks.queue.put(answer.get_json()["id"])  # the file is there; nobody was told to begin
    tasks.recover()
    assert ended(alice, answer)["state"] == "done"


#: What the example in the description of kinds.py leaves out.
AROUND = """
from flask import Flask

from myapp import progress, result, task
from myapp.errors import Text
from myapp.tasks import owner


def rows_of(month: str, user: int) -> list[bytes]:
    return [f"{month},{user},{number}\\\\n".encode() for number in range(3)]


def init_app(app: Flask) -> None:
    pass


"""


def test_developer_adds_a_kind_in_ten_lines(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = (kinds.__doc__ or "").split("    @task")[1].split("\n\n")[0]
    lines = [line.removeprefix("    ") for line in f"    @task{example}".splitlines()]
    assert len(lines) <= 10
    (tmp_path / "monthly.py").write_text(AROUND.replace("\\\\", "\\") + "\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        for site in open_site(tmp_path, empty_database, MODULES="monthly"):
            (alice,) = site.programs("alice")
            is_problem(alice.post("/tasks", {"kind": "report", "params": {"month": 3}}), 422, "params.month")
            done = ended(alice, begun(alice, params={"month": "2026-03"}))
            assert (done["title"], done["result_name"]) == ("Monthly report", "report.csv")
            assert download(alice, done["result_url"]).data == b"2026-03,1,0\n2026-03,1,1\n2026-03,1,2\n"
    finally:
        kinds.remove("report")
        sys.modules.pop("monthly", None)


def test_states_are_those_of_the_contract() -> None:
    assert STATES == ("queued", "running", "done", "failed", "cancelled")
