"""Tasks that a program works on: what their user sees, whatever fails in between."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from myapp_client import Client, Conflict, Invalid, NotFound, NotSignedIn, TaskCancelled, Unavailable, task
from myapp_client.answers import TaskState
from myapp_client.telling import LONGEST_REASON, Telling, ending

from ..servers.someone import Someone, Three, people_of
from ..support import AppServer, wait_for
from .failing import FailingServer, answer, problem
from .speaking import QUICK, Speaker, Speakers
from .test_systems import new_system


class Watched(NamedTuple):
    """A system's client, and the user whom it shows tasks."""

    system: Speaker
    bob: Someone

    def shown(self) -> Any:
        """Bob's newest task, as he sees it."""
        return self.bob.get("/tasks").json()["tasks"][0]

    def states(self) -> list[str]:
        return [event["data"]["state"] for event in self.bob.poll()["events"] if event["kind"] == "task"]


@pytest.fixture
def watched(server: AppServer, three: Three, speakers: Speakers) -> Watched:
    return Watched(speakers(server.url, new_system(server)[1]), three.bob)


def test_task_is_shown_with_its_progress_and_done_at_the_end(watched: Watched) -> None:
    with watched.system.task(watched.bob.name, "Nightly report", kind="report") as work:
        assert (watched.shown()["id"], watched.shown()["state"]) == (work.task.id, "running")
        work.progress(40.7)
        wait_for(lambda: watched.shown()["progress"] == 40, "the progress")
        work.task.result_url = "https://shop.example/7"
    shown = watched.shown()
    assert (shown["state"], shown["progress"], shown["result_url"]) == ("done", 100, "https://shop.example/7")
    assert (shown["title"], shown["kind"]) == ("Nightly report", "report")
    assert watched.states() == ["running", "done"]


def test_exception_is_the_reason_why_it_failed_and_goes_on(watched: Watched) -> None:
    with pytest.raises(OSError, match="The disk is full"), watched.system.task(watched.bob.name, "Report") as work:
        work.progress(70)
        raise OSError("The disk is full.")
    shown = watched.shown()
    assert (shown["state"], shown["error"], shown["progress"]) == ("failed", "The disk is full.", 70)


def test_what_is_said_before_the_end_counts(watched: Watched) -> None:
    with watched.system.task(watched.bob.name, "Report") as work:
        work.fail("No data today.")
        work.progress(80), work.done()
    assert (watched.shown()["state"], watched.shown()["error"]) == ("failed", "No data today.")
    with pytest.raises(ValueError, match="behind"), watched.system.task(watched.bob.name, "Report") as work:
        work.done("/reports/7")
        raise ValueError("behind")
    assert (watched.shown()["state"], watched.shown()["result_url"]) == ("done", "/reports/7")


def test_progress_says_that_the_user_cancelled_and_with_lets_it_through(watched: Watched) -> None:
    def work_until_cancelled() -> None:
        with watched.system.task(watched.bob.name, "Report") as work:
            assert watched.bob.post(f"/tasks/{work.task.id}/cancel", {}).status == 200
            work.progress(5)
            wait_for(lambda: work.task.is_cancelled, "the news")
            work.progress(6)

    with pytest.raises(TaskCancelled, match="was cancelled: stop"):
        work_until_cancelled()
    assert watched.states() == ["running", "cancelled"]


def test_who_never_says_how_far_it_is_learns_at_the_end_that_it_was_cancelled(watched: Watched) -> None:
    with pytest.raises(TaskCancelled), watched.system.task(watched.bob.name, "Report") as work:
        watched.bob.post(f"/tasks/{work.task.id}/cancel", {})
    assert work.task.is_cancelled


def test_key_goes_on_with_the_same_task_until_that_is_over(watched: Watched) -> None:
    first = watched.system.task(watched.bob.name, "Report", key="k").__enter__()  # and goes no further
    with watched.system.task(watched.bob.name, "Report", key="k") as work:
        assert work.task.id == first.task.id
    with pytest.raises(Conflict, match="over"), watched.system.task(watched.bob.name, "Report", key="k"):
        raise AssertionError("it begins")
    first.done()  # as the other said
    assert watched.states() == ["running", "done"]


def test_what_cannot_be_made_is_said_at_once(watched: Watched) -> None:
    for error, name, options in ((NotFound, "nobody", {}), (Invalid, watched.bob.name, {"timeout": 5})):
        with pytest.raises(error), watched.system.task(name, "Report", **options):
            raise AssertionError("it begins")


def test_server_that_is_away_for_a_while_stops_nobody(kept: Callable[[str], AppServer]) -> None:
    server = kept("pywsgi")
    bob = people_of(server).bob
    with Client(server.url, new_system(server)[1], pace=QUICK) as system, system.task(bob.name, "Report") as work:
        server.kill()
        for percent in (10, 20, 30):
            work.progress(percent)
        server.start()
        wait_for(lambda: bob.get("/tasks").json()["tasks"][0]["progress"] == 30, "the last that was said")


SCRIPT = """
import sys, threading
from myapp_client import task

with task(sys.argv[1], "Nightly report", timeout=10) as t:
    t.progress(40)
    threading.Event().wait()
"""


def test_script_that_is_killed_is_shown_as_failed(
    kept: Callable[[str], AppServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = kept("pywsgi")
    bob = people_of(server).bob
    monkeypatch.setenv("MYAPP_URL", server.url)
    monkeypatch.setenv("MYAPP_TOKEN", new_system(server)[1])
    with subprocess.Popen([sys.executable, "-c", SCRIPT, bob.name]) as script:
        wait_for(lambda: [one["progress"] for one in bob.get("/tasks").json()["tasks"]] == [40], "its progress")
        script.kill()
    with server.app.extensions["myapp"].database.transaction() as transaction:  # long after
        transaction.driver.execute("UPDATE tasks SET claimed_until = 0, patience = 1")
    wait_for(lambda: bob.get("/tasks").json()["tasks"][0]["state"] == "failed", "that it is missed")
    [shown] = bob.get("/tasks").json()["tasks"]
    assert (shown["progress"], shown["error"]) == (
        40,
        "Nothing was heard any more from the system that works on it.",
    )


def test_environment_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MYAPP_URL", raising=False)
    monkeypatch.setenv("MYAPP_TOKEN", "t")
    with pytest.raises(ValueError, match="set MYAPP_URL in"):
        task("bob", "Report")


# -- against a server that fails as told

MADE = answer(201, {"id": 7, "state": "running", "progress": 0})
TOLD = answer(200, {"id": 7, "state": "running", "progress": 0})


@pytest.fixture
def system(failing: FailingServer, speakers: Speakers) -> Speaker:
    return speakers(failing.url, "a-system's-token", patience=5.0)


def test_task_sends_what_was_given_and_nothing_else(failing: FailingServer, system: Speaker) -> None:
    failing.script = [MADE, TOLD]
    with system.task("bob", "Report", kind="report", key="k", timeout=30):
        pass
    first, last = failing.asked
    made = {"to": "bob", "title": "Report", "kind": "report", "key": "k", "timeout": 30}
    assert (first.method, first.path, first.body) == ("POST", "/api/tasks", made)
    assert (last.method, last.path, last.body) == ("PATCH", "/api/tasks/7", {"state": "done"})


def test_token_that_ends_in_between_is_no_reason_to_stop_working(
    failing: FailingServer, system: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    failing.script = [MADE, problem(401, "No such token.")]
    with pytest.raises(NotSignedIn), system.task("bob", "Report") as work:
        work.progress(10)
        wait_for(lambda: "cannot be told any more" in caplog.text, "that it is said")
        work.progress(20)
    assert [asked.body for asked in failing.asked[1:]] == [{"progress": 10}, {"state": "done"}]


def test_exception_is_not_hidden_by_a_server_that_is_away(
    failing: FailingServer, system: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    failing.script = [MADE, problem(503, "away", Retry_After="60")]
    with pytest.raises(ZeroDivisionError), system.task("bob", "Report"):
        1 / 0  # noqa: B018 - it is to fail
    assert "that it is over cannot be told: away" in caplog.text


def test_what_fails_on_the_way_is_told_again(failing: FailingServer, system: Speaker) -> None:
    failing.script = [MADE, "reset", problem(503, "away"), TOLD]
    with system.task("bob", "Report") as work:
        work.progress(10)
        wait_for(lambda: len(failing.asked) == 4, "the third time")
    assert [asked.body for asked in failing.asked[1:]] == [{"progress": 10}] * 3 + [{"state": "done"}]


def test_end_is_told_again_until_it_arrives(failing: FailingServer, system: Speaker) -> None:
    failing.script = [MADE, "reset", problem(503, "away"), TOLD]
    with system.task("bob", "Report"):
        pass
    assert [asked.body for asked in failing.asked[1:]] == [{"state": "done"}] * 3


# -- what is told when


@pytest.fixture
def core() -> Telling:
    core = Telling(60, QUICK, random.Random(1))
    core.begin(TaskState(7, "running", 0), 0.0)
    return core


def told(core: Telling, until: float, say: Iterator[int]) -> list[tuple[float, Any]]:
    """When a driver makes which requests, where something is said each 10 ms, and a request takes no time."""
    made, now = [], 0.0
    while now < until:
        if (percent := next(say, None)) is not None:
            core.say(percent)
        if core.wait(now) == 0.0:
            call, said = core.change()
            made.append((round(now, 2), call.body))
            core.answered(said, now)
        now += 0.01
    return made


def test_progress_is_told_at_most_four_times_a_second_and_the_last_always(core: Telling) -> None:
    made = told(core, 3.0, iter(range(1, 101)))
    assert all(later - before >= 0.25 for (before, _), (later, _) in zip(made, made[1:], strict=False))
    assert 4 <= len(made) <= 6
    assert made[-1][1] == b'{"progress": 100}'


def test_sign_of_life_is_given_three_times_as_often_as_needed(core: Telling) -> None:
    made = told(core, 61.0, iter(()))
    assert [round(at) for at, _ in made] == [20, 40, 60]
    assert {body for _, body in made} == {b"{}"}


def test_what_was_not_told_is_told_with_what_is_newer(core: Telling) -> None:
    core.say(10)
    core.change()
    core.failed(Unavailable("away"), 1.0)
    core.say(20)
    wait = core.wait(1.0)
    assert wait is not None and 0 < wait <= 10, "a sixth of the time after which it would be missed"
    assert core.change()[0].body == b'{"progress": 20}'
    core.failed(Unavailable("away", retry_after=30.0), 2.0)
    assert core.wait(2.0) == 30.0


@pytest.mark.parametrize("percent", [-1, 101, float("nan"), float("inf")])
def test_progress_that_is_none_is_named(core: Telling, percent: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        core.say(percent)
    assert core.wait(0.25) != 0.0


@pytest.mark.parametrize(
    ("error", "state", "why"),
    [
        (None, "done", None),
        (SystemExit(0), "done", None),
        (SystemExit(), "done", None),
        (SystemExit(3), "failed", "exit status 3"),
        (SystemExit("no data"), "failed", "no data"),
        (ValueError(" "), "failed", "ValueError"),
        (KeyboardInterrupt(), "failed", "KeyboardInterrupt"),
        (ValueError("a\0b\ud800"), "failed", "ab?"),
        (ValueError("x" * 5000), "failed", "x" * LONGEST_REASON),
        (asyncio.CancelledError(), "cancelled", None),
        (TaskCancelled(), "cancelled", None),
    ],
    ids=repr,
)
def test_how_it_ends_says_what_became_of_it(error: BaseException | None, state: str, why: str | None) -> None:
    assert ending(error) == (state, why)
