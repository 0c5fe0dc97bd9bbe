"""Tasks that run in the server itself, when it is killed."""

from __future__ import annotations

from pathlib import Path

from myapp.extensions import database

from ..jobs import runs
from ..support import wait_for
from .conftest import Servers
from .someone import people_of


def test_server_that_was_killed_goes_on_with_its_tasks_when_it_is_started_again(start: Servers, tmp_path: Path) -> None:
    server = start(MODULES="tests.jobs")
    bob, folders = people_of(server).bob, {kind: tmp_path / kind for kind in ("wait-again", "wait-once")}
    numbers = {}
    for kind, folder in folders.items():
        numbers[kind] = bob.post("/tasks", {"kind": kind, "params": {"folder": str(folder)}}).json()["id"]
        wait_for(lambda folder=folder: runs(folder), "the task to be at work")  # type: ignore[misc]
    numbers["give"] = bob.post("/tasks", {"kind": "give"}).json()["id"]  # the third of bob's: it waits
    server.kill()
    with server.app.app_context(), database().transaction() as transaction:
        transaction.driver.execute("UPDATE tasks SET claimed_until = 0 WHERE state = 'running'")  # 10 s go by
    for folder in folders.values():
        (folder / "go").touch()
    server.start()

    def tasks() -> dict[int, tuple[str, str | None]]:
        return {task["id"]: (task["state"], task["error"]) for task in bob.get("/tasks").json()["tasks"]}

    expected = {
        numbers["wait-again"]: ("done", None),
        numbers["wait-once"]: ("failed", "The worker stopped in the middle of it."),
        numbers["give"]: ("done", None),
    }
    wait_for(lambda: tasks() == expected, "all tasks to come to their end")
    assert len(runs(folders["wait-again"])) == 2 and len(runs(folders["wait-once"])) == 1
