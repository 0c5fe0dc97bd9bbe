"""Tasks that another system works on: what it says of them, and what their user is shown."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from myapp.db import now_ms
from myapp.tasks import beat, recovery
from myapp.tasks.running import Tasks

from ..support import wait_for
from .conftest import Program, Site, is_problem, open_site


class Working:
    """A system that works on a task of Bob's."""

    def __init__(self, site: Site) -> None:
        self.site = site
        [self.bob] = site.programs("bob")
        self.shop = site.system("shop")

    def make(self, **more: Any) -> Any:
        answer = self.shop.post("/api/tasks", {"to": "bob", "title": "Nightly report", **more})
        assert answer.status_code == 201, answer.text
        return answer.get_json()

    def say(self, number: int, status: int = 200, **said: Any) -> Any:
        answer = self.shop.open(f"/api/tasks/{number}", "PATCH", json=said)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    def shown(self, number: int) -> Any:
        """The task as Bob sees it."""
        return self.bob.get(f"/tasks/{number}").get_json()

    def states(self) -> list[Any]:
        return [event["data"]["state"] for event in self.bob.events()]

    @property
    def tasks(self) -> Tasks:
        tasks: Tasks = self.site.app.extensions["myapp"].tasks
        return tasks

    def pass_by(self, seconds: int) -> None:
        """Time passes for all tasks, and we have listened meanwhile."""
        self.site.write(f"UPDATE tasks SET claimed_until = claimed_until - {seconds * 1000}")
        self.tasks._listens_since -= seconds

    def was_heard_of(self, number: int, since: int) -> bool:
        return self.until(number) > since

    def until(self, number: int) -> int:
        [row] = [row for row in self.site.rows("tasks") if row[0] == number]
        until: int = row[13]
        return until


@pytest.fixture
def working(site: Site) -> Working:
    return Working(site)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Working]:
    """With one task of Bob's, of which nothing that is wrong is told."""
    for site in open_site(tmp_path_factory.mktemp("refusing"), empty_database):
        working = Working(site)
        working.make()
        yield working
        assert working.states() == ["running"]


@pytest.fixture
def both(both_sites: Site) -> Working:
    return Working(both_sites)


def test_task_of_a_system_is_shown_to_its_user_as_ours_are(both: Working) -> None:
    made = both.make(kind="report", timeout=60)
    assert (made["to"], made["source"], made["kind"], made["state"]) == ("bob", "shop", "report", "running")
    shown = both.shown(made["id"])
    assert shown == {name: value for name, value in made.items() if name != "to"}
    assert shown["can_cancel"] and not shown["can_retry"] and shown["started_at"]
    assert both.shop.get(f"/api/tasks/{made['id']}").get_json() == made
    [event] = both.bob.events()
    said = {"id": made["id"], "title": "Nightly report", "kind": "report", "state": "running"}
    assert (event["kind"], event["data"]) == ("task", {**said, "result_url": None, "error": None})
    assert both.bob.badges()["tasks"] == 0


def test_task_that_is_made_says_where_it_is(working: Working) -> None:
    answer = working.shop.post("/api/tasks", {"to": "BOB", "title": "x"})
    assert answer.headers["Location"] == f"/api/tasks/{answer.get_json()['id']}"
    assert answer.get_json()["kind"] == "external"


def test_same_key_is_the_same_task_whatever_became_of_it(both: Working) -> None:
    first = both.make(key="k")
    both.say(first["id"], state="done")
    again = both.shop.post("/api/tasks", {"to": "bob", "title": "Nightly report", "key": "k"})
    assert (again.status_code, again.get_json()["id"], again.get_json()["state"]) == (200, first["id"], "done")
    assert again.headers["Location"] == f"/api/tasks/{first['id']}"


@pytest.mark.parametrize("other", [{"title": "x"}, {"kind": "x"}, {"timeout": 70}, {"state": "queued"}])
def test_same_key_for_another_task_is_a_conflict(other: dict[str, Any], working: Working) -> None:
    working.make(key="k", timeout=60)
    asked = {"to": "bob", "title": "Nightly report", "key": "k", "timeout": 60, **other}
    is_problem(working.shop.post("/api/tasks", asked), 409, "key")
    assert working.states() == ["running"]


def test_keys_are_of_each_user_and_each_system(working: Working) -> None:
    working.site.people.add("carol")
    made = [working.make(key="k"), working.make(key="k", to="carol")]
    other = working.site.system("bank").post("/api/tasks", {"to": "bob", "title": "x", "key": "k"})
    assert len({*(task["id"] for task in made), other.get_json()["id"]}) == 3


def test_task_that_is_asked_for_by_many_requests_at_once_is_one(both: Working) -> None:
    together = threading.Barrier(6)

    def make(number: int) -> Any:
        together.wait()
        program = Program(both.site.app, both.shop.token)
        answer = program.post("/api/tasks", {"to": "bob", "title": "x", "key": "k"})
        return answer.status_code, answer.get_json()["id"]

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(make, range(6)))
    assert sorted(status for status, _ in made) == [200] * 5 + [201]
    assert len({number for _, number in made}) == 1
    assert both.states() == ["running"]


def test_nobody_of_that_name_is_named(refusing: Working) -> None:
    for name in ("nobody", "", "a b", "x" * 300, "a\x00"):
        is_problem(refusing.shop.post("/api/tasks", {"to": name, "title": "x"}), 404, "to")


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *(("title", text) for text in ("", "  ", "x" * 201, "a\x00")),
        *(("kind", text) for text in ("", "export-messages", "Report", "7up", "a_b", "x" * 33, "a\n", "ü")),
        *(("timeout", number) for number in (9, 0, -1, 604_801, 10**30)),
        *(("state", state) for state in ("done", "failed", "")),
        *(("key", text) for text in ("", "x" * 65)),
    ],
)
def test_what_is_wrong_with_a_new_task_is_named(field: str, wrong: object, refusing: Working) -> None:
    is_problem(refusing.shop.post("/api/tasks", {"to": "bob", "title": "x", field: wrong}), 422, field)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *(("progress", number) for number in (-1, 101, 10**30, 1.5, "5", True)),
        *(("state", state) for state in ("queued", "", "Done")),
        *(("result_url", url) for url in ("//evil.example", "javascript:alert(1)", "x", "/" + "x" * 2000, "/\x00")),
        *(("error", text) for text in ("Why", "", "x" * 4001)),
    ],
)
def test_what_is_wrong_with_a_change_is_named(field: str, wrong: object, refusing: Working) -> None:
    is_problem(refusing.shop.open("/api/tasks/1", "PATCH", json={field: wrong}), 422, field)


@pytest.mark.parametrize("error", ["x" * 4001, "a\x00b"])
def test_reason_that_cannot_be_shown_is_refused(error: str, refusing: Working) -> None:
    said = {"state": "failed", "error": error}
    is_problem(refusing.shop.open("/api/tasks/1", "PATCH", json=said), 422, "error")


def test_progress_is_answered_as_it_was_said_and_shown_soon(both: Working) -> None:
    number = both.make()["id"]
    assert [both.say(number, progress=percent)["progress"] for percent in (10, 20, 40)] == [10, 20, 40]
    wait_for(lambda: both.shown(number)["progress"] == 40, "the last that was said")
    assert both.states() == ["running"], "progress is no event"


def test_progress_that_is_said_often_is_stored_four_times_a_second(
    working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beat, "PROGRESS_EVERY", 3600.0)  # so what follows the first is for the next turn
    number = working.make()["id"]
    working.say(number, progress=1)
    wait_for(lambda: working.shown(number)["progress"] == 1, "the first turn")
    for percent in range(2, 60):
        working.say(number, progress=percent)
    assert working.shown(number)["progress"] == 1
    assert working.tasks.beat.take_back(number) == 59


def test_progress_of_more_tasks_than_go_into_one_transaction_is_stored_in_several(
    working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beat, "MOST_SAID", 1)
    numbers = [working.make()["id"] for _ in range(3)]
    for number in numbers:
        working.say(number, progress=number)
    wait_for(lambda: [working.shown(number)["progress"] for number in numbers] == numbers, "all of them")


def test_progress_is_stored_once_the_database_answers_again(working: Working, monkeypatch: pytest.MonkeyPatch) -> None:
    said, silent = working.make()["id"], working.make()["id"]
    tell, failures = working.tasks.beat._tell, iter([True, False])

    def fail_first(*args: Any) -> None:
        if next(failures, False):
            working.say(said)  # no more than a sign of life: what was said before is still to be told
            raise sqlite3.OperationalError("database is locked")
        tell(*args)

    monkeypatch.setattr(working.tasks.beat, "_tell", fail_first)
    working.say(said, progress=9), working.say(silent)
    wait_for(lambda: working.shown(said)["progress"] == 9, "its progress")


def test_end_has_the_progress_that_is_just_being_stored(working: Working, monkeypatch: pytest.MonkeyPatch) -> None:
    failed, goes_on = working.make()["id"], working.make()["id"]
    tell, answers = working.tasks.beat._tell, iter([{"state": "failed"}, {"progress": 20, "result_url": "/x"}])
    said: list[int] = []

    def tell_late(*args: Any) -> None:
        for number, change in zip((failed, goes_on), answers, strict=False):
            said.append(working.say(number, **change)["progress"])
        tell(*args)

    monkeypatch.setattr(working.tasks.beat, "_tell", tell_late)
    with working.tasks.beat._lock:  # so that one turn tells both
        later = now_ms() + 10
        working.tasks.beat._said = {failed: beat.Said(40, later), goes_on: beat.Said(10, later)}
    working.tasks.beat._wake()
    wait_for(lambda: len(said) == 2, "both to be changed")
    working.tasks.beat.close()
    assert said == [40, 20]
    assert [working.shown(number)["progress"] for number in (failed, goes_on)] == [40, 20]


def test_sign_of_life_keeps_a_task_alive_and_what_was_said_of_it(both: Working) -> None:
    running, queued = both.make(timeout=10)["id"], both.make(timeout=10, state="queued")["id"]
    for number in (running, queued):
        before = both.until(number)
        both.say(running, progress=5)
        assert both.say(number) is not None
        wait_for(lambda: both.was_heard_of(number, before), "the sign of life")  # noqa: B023 - called at once
    wait_for(lambda: both.shown(running)["progress"] == 5, "its progress")
    assert both.shown(queued)["state"] == "queued"


def test_progress_said_before_the_place_of_the_result_is_stored_behind_it_too(
    working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = working.make()["id"]
    version = working.shown(number)["version"]
    working.say(number, result_url="/reports/7")
    monkeypatch.setattr(beat, "now_ms", lambda: version + 1)  # another process was told before, and has yet to store it
    working.tasks.beat.say(number, 40, version)
    wait_for(lambda: working.shown(number)["progress"] == 40, "its progress")


def test_progress_of_a_queued_task_begins_it(both: Working) -> None:
    made = both.make(state="queued")
    assert made["started_at"] is None
    said = both.say(made["id"], progress=3)
    assert (said["state"], said["progress"], said["started_at"] is not None) == ("running", 3, True)
    assert both.states() == ["queued", "running"]


def test_done_is_shown_with_its_result_and_counted(both: Working) -> None:
    number = both.make()["id"]
    said = both.say(number, state="done", result_url="https://shop.example/7", progress=50)
    assert (said["progress"], said["result_url"], said["can_cancel"]) == (100, "https://shop.example/7", False)
    event = both.bob.events()[-1]
    assert (event["data"]["state"], event["data"]["result_url"]) == ("done", "https://shop.example/7")
    assert both.bob.badges()["tasks"] == 1


@pytest.mark.parametrize(("error", "shown"), [("The disk is full.", "The disk is full."), (" ", None), (None, None)])
def test_failed_takes_a_reason_or_none(error: str | None, shown: str | None, working: Working) -> None:
    number = working.make()["id"]
    working.say(number, progress=40)
    said = working.say(number, state="failed", error=error)
    assert (said["error"], said["progress"]) == (shown, 40)
    assert working.bob.events()[-1]["data"]["error"] == shown
    assert working.bob.badges()["tasks"] == 1


def test_result_that_is_there_before_the_end_is_no_event(working: Working) -> None:
    number = working.make()["id"]
    assert working.say(number, result_url="/live", progress=7)["result_url"] == "/live"
    assert (working.shown(number)["result_url"], working.shown(number)["progress"]) == ("/live", 7)
    working.say(number, state="cancelled")
    assert working.states() == ["running", "cancelled"]
    assert working.shown(number)["result_url"] == "/live"


@pytest.mark.parametrize(
    "said",
    [
        {"state": "done", "result_url": "/x", "progress": 90},
        {"state": "failed", "error": "why"},
        {"state": "failed"},
        {"state": "cancelled", "progress": 3},
    ],
)
def test_what_ended_it_may_be_said_again_and_nothing_else(said: dict[str, Any], both: Working) -> None:
    number = both.make()["id"]
    first = both.say(number, **said)
    assert both.say(number, **said) == first
    others: list[dict[str, Any]] = [
        {"state": "running"}, {"progress": 4}, {}, {**said, "result_url": "/other"}, {"state": "failed", "error": "x"},
    ]  # fmt: skip
    for other in others:
        assert said["state"] in both.say(number, 409, **other)["detail"].replace("has failed", "failed")
    assert len(both.states()) == 2


def test_end_that_is_said_by_many_requests_at_once_is_one_event(both: Working) -> None:
    number = both.make()["id"]
    together = threading.Barrier(6)

    def end(state: str) -> int:
        together.wait()
        program = Program(both.site.app, both.shop.token)
        return program.open(f"/api/tasks/{number}", "PATCH", json={"state": state}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(end, ["done", "failed", "cancelled"] * 2)) == [200] * 2 + [409] * 4
    assert len(both.states()) == 2


def test_system_learns_at_its_next_word_that_the_user_cancelled(working: Working) -> None:
    number = working.make()["id"]
    working.say(number, progress=10)
    assert working.bob.post(f"/tasks/{number}/cancel").status_code == 200
    assert "was cancelled: stop" in working.say(number, 409, progress=20)["detail"]
    assert working.say(number, state="cancelled")["state"] == "cancelled"
    is_problem(working.bob.post(f"/tasks/{number}/retry"), 409)


def test_tasks_of_others_are_not_found(working: Working) -> None:
    number = working.make()["id"]
    bank = working.site.system("bank")
    for program, task in ((bank, number), (working.shop, number + 1), (working.shop, 10**15)):
        is_problem(program.get(f"/api/tasks/{task}"), 404)
        is_problem(program.open(f"/api/tasks/{task}", "PATCH", json={"state": "done"}), 404)
    is_problem(working.shop.get("/api/tasks/0"), 404)
    is_problem(working.bob.get(f"/api/tasks/{number}"), 403)


def test_suspended_system_and_ended_token_can_say_nothing(working: Working) -> None:
    number = working.make()["id"]
    few = working.site.system("few", "notify")
    is_problem(few.post("/api/tasks", {"to": "bob", "title": "x"}), 403)
    working.site.write("UPDATE systems SET suspended_at = 1")
    is_problem(working.shop.open(f"/api/tasks/{number}", "PATCH", json={"progress": 1}), 401)


# -- systems that are not heard of any more


def test_task_that_nothing_is_heard_of_fails_also_while_it_waits(both: Working) -> None:
    numbers = [both.make(timeout=600)["id"], both.make(timeout=600, state="queued")["id"]]
    patient = both.make(timeout=6000)["id"]
    both.pass_by(300)
    both.tasks.recover()
    assert [both.shown(number)["state"] for number in numbers] == ["running", "queued"]
    both.pass_by(301)
    both.tasks.recover()
    for number in numbers:
        shown = both.shown(number)
        assert (shown["state"], "Nothing was heard" in shown["error"]) == ("failed", True)
        assert "nothing was heard of it for 600 s" in both.say(number, 409, progress=5)["detail"]
    assert both.shown(patient)["state"] == "running"
    assert both.bob.badges()["tasks"] == 2


def test_system_could_not_be_heard_while_nobody_listened(working: Working, monkeypatch: pytest.MonkeyPatch) -> None:
    began, moments = time.monotonic(), {10: 11, 40: 41, 600: recovery.LISTEN_FIRST // 1000 + 1}
    numbers = {timeout: working.make(timeout=timeout)["id"] for timeout in moments}
    working.site.write("UPDATE tasks SET claimed_until = 1")
    working.tasks._listens_since = began
    for timeout, seconds in moments.items():
        monkeypatch.setattr(time, "monotonic", lambda later=seconds: began + later - 2)
        working.tasks.recover()
        assert working.shown(numbers[timeout])["state"] == "running"
        monkeypatch.setattr(time, "monotonic", lambda later=seconds: began + later)
        working.tasks.recover()
        assert working.shown(numbers[timeout])["state"] == "failed"


# -- whom it may tell how much


def test_tasks_of_a_system_leave_room_for_the_users_own(working: Working, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("myapp.tasks.service.MOST_UNFINISHED", 2)
    numbers = [working.make()["id"], working.make()["id"]]
    is_problem(working.shop.post("/api/tasks", {"to": "bob", "title": "x"}), 429)
    assert working.site.system("bank").post("/api/tasks", {"to": "bob", "title": "x"}).status_code == 201
    working.say(numbers[0], state="done")
    working.make()


def test_who_has_muted_a_system_is_not_told_that_its_tasks_are_over(working: Working) -> None:
    done, failed = working.make()["id"], working.make()["id"]
    chosen = working.bob.get("/notifications/preferences").get_json()
    assert chosen["systems"] == {"shop": True}, "one that only has tasks can be muted too"
    muted = working.bob.put("/notifications/preferences", {"systems": {"shop": False}})
    assert muted.status_code == 200
    working.say(done, state="done"), working.say(failed, state="failed")
    assert working.bob.badges()["tasks"] == 0
    assert working.states() == ["running", "running", "done", "failed"]
