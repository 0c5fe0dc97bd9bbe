"""Tasks in the whole stack, while its parts die: nothing silent, nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from stack import Worker

from ..jobs import runs
from ..servers.someone import Someone, Three
from ..servers.wire import fetch
from ..support import wait_for
from .conftest import Workers
from .everywhere import sockets_in_each

#: For what the stack finds by itself within 15 s, on a machine that is busy.
PATIENCE = 60.0


def ask(who: Someone, kind: str, *, key: str | None = None, **params: Any) -> int:
    """Ask for a task; its number."""
    answer = who.post("/tasks", {"kind": kind, "params": params, **({} if key is None else {"key": key})})
    assert answer.status in ((202,) if key is None else (200, 202)), answer
    number: int = answer.json()["id"]
    return number


def state(who: Someone, number: int) -> str:
    said: str = who.get(f"/tasks/{number}").json()["state"]
    return said


def wait_until(who: Someone, number: int, wanted: str) -> dict[str, Any]:
    wait_for(lambda: state(who, number) == wanted, f"task {number} to be {wanted}", PATIENCE)
    said: dict[str, Any] = who.get(f"/tasks/{number}").json()
    return said


def told(who: Someone) -> list[tuple[int, str]]:
    """What the inbox has of tasks: number and state, in order."""
    events = who.poll(0, limit=500)["events"]
    return [(event["data"]["id"], event["data"]["state"]) for event in events if event["kind"] == "task"]


def start_work(who: Someone, kind: str, folder: Path) -> int:
    """A task that is at work by now, until there is a file `go` in its folder."""
    number = ask(who, kind, folder=str(folder))
    wait_for(lambda: runs(folder), "the task to be at work")
    return number


def go(folder: Path) -> None:
    (folder / "go").touch()


def test_killed_worker_is_found_and_what_may_run_again_does_so_while_the_rest_says_why_it_failed(
    workers: Workers, three: Three, tmp_path: Path
) -> None:
    alice, bob, carol = three
    again = start_work(alice, "wait-again", tmp_path / "again")
    once = start_work(bob, "wait-once", tmp_path / "once")
    killed = workers.stack.worker.pid
    behind = ask(carol, "die-behind", folder=str(tmp_path / "behind"))  # kills the worker when all of it is done
    wait_for(lambda: not workers.stack.worker.is_running, "the worker to be killed")
    with workers.app.extensions["myapp"].database.transaction() as transaction:  # 10 s go by
        transaction.driver.execute("UPDATE tasks SET claimed_until = 0 WHERE state = 'running'")
    go(tmp_path / "again")
    workers.stack.worker.start()

    done = wait_until(alice, again, "done")
    assert runs(tmp_path / "again") == [killed, workers.stack.worker.pid]
    assert told(alice) == [(again, state) for state in ("queued", "running", "queued", "running", "done")]
    assert (done["error"], done["progress"]) == (None, 100)

    failed = wait_until(bob, once, "failed")
    assert failed["error"] == "The worker stopped in the middle of it."
    assert failed["can_retry"] and runs(tmp_path / "once") == [killed]

    done = wait_until(carol, behind, "done")
    assert runs(tmp_path / "behind") == [killed, workers.stack.worker.pid]
    assert carol.get(done["result_url"]).body == b"all of it"


def test_worker_that_is_stopped_gives_its_tasks_their_time_and_leaves_the_rest_to_the_next_one(
    workers: Workers, three: Three, tmp_path: Path
) -> None:
    alice, bob, _ = three
    again, once = tmp_path / "again", tmp_path / "once"
    of_alice, of_bob = start_work(alice, "wait-again", again), start_work(bob, "wait-once", once)
    stack = workers.stack
    assert stack.worker.stop() == 0
    assert state(alice, of_alice) == "queued"
    assert bob.get(f"/tasks/{of_bob}").json()["error"] == "The server was stopped in the middle of it."

    patient = Worker(stack.folder, {**stack.worker.environ, "MYAPP_DRAIN_SECONDS": "60"}, "patient").start()
    try:
        wait_for(lambda: len(runs(again)) == 2, "the task to be at work once more", PATIENCE)
        assert patient.process is not None
        patient.process.terminate()
        wait_for(lambda: "stopping" in patient.log(), "the worker to be about to end")
        go(again)
        assert patient.process.wait(PATIENCE) == 0
    finally:
        patient.kill()
        stack.worker.start()
    assert state(alice, of_alice) == "done"
    assert (len(runs(again)), len(runs(once))) == (2, 1)


def test_redis_and_the_database_may_be_away_in_the_middle(workers: Workers, three: Three, tmp_path: Path) -> None:
    alice, bob, _ = three
    stack, pid = workers.stack, workers.stack.worker.pid
    before = start_work(alice, "wait-once", tmp_path / "before")
    stack.redis.kill()
    meanwhile = ask(bob, "give")
    assert state(bob, meanwhile) == "queued"
    stack.postgres.kill()
    go(tmp_path / "before")
    wait_for(lambda: f"the first is {before}" in stack.worker.log(), "the end of the task to find no database")
    stack.postgres.start()
    wait_until(alice, before, "done")
    stack.redis.start()
    wait_until(bob, meanwhile, "done")
    assert told(alice) == [(before, state) for state in ("queued", "running", "done")]
    assert told(bob) == [(meanwhile, state) for state in ("queued", "running", "done")]
    assert stack.worker.pid == pid
    assert "Traceback" not in stack.worker.log_of_this_run()
    wait_for(stack.is_ready, "the stack to be well again", PATIENCE)


def test_what_others_put_into_the_queue_is_left_out(workers: Workers, three: Three) -> None:
    import redis

    huey = workers.app.extensions["myapp"].tasks.queue.huey
    name = b"tests.no_such_task"
    good = huey.serialize_task(huey._registry._registry["myapp.tasks.queue.run"]((10**30,)))
    junk = [b"", b"\x80\x04junk", b"[]", b"{}", b"null", b'["id", "os.system", null]', name, good]
    junk += [
        good.replace(b"1" + b"0" * 30, number) for number in (b"-1", b"0", b"9999999", b'"1"', b"[1]", b"1.5", b"1,2")
    ]
    with redis.Redis.from_url(workers.stack.redis.url) as client:
        client.lpush(huey.storage.queue_key, *junk * 20)
        number = ask(three.alice, "give")
        wait_until(three.alice, number, "done")
        wait_for(lambda: client.llen(huey.storage.queue_key) == 0, "the queue to be empty")
    log = workers.stack.worker.log_of_this_run()
    assert log.count("holds what is no task") == 1
    assert "Traceback" not in log


def test_same_key_through_both_workers_at_once_is_one_task(workers: Workers, three: Three) -> None:
    alice = three.alice
    answers: list[tuple[int, int]] = []

    def ask_once() -> None:
        data = {"kind": "give", "params": {}, "key": "the same"}
        answer = fetch(alice.port, "POST", "/tasks", alice.headers, data)
        answers.append((answer.status, answer.json()["id"]))

    asking = [threading.Thread(target=ask_once) for _ in range(16)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert Counter(status for status, _ in answers) == {202: 1, 200: 15}
    (number,) = {number for _, number in answers}
    wait_until(alice, number, "done")
    assert told(alice) == [(number, "queued"), (number, "running"), (number, "done")]


def test_two_workers_run_no_more_of_one_user_at_once_than_they_may_and_followers_are_told_all_of_it(
    workers: Workers, three: Three, tmp_path: Path
) -> None:
    alice = three.alice
    sockets = sockets_in_each(workers, alice)
    other = Worker(workers.stack.folder, workers.stack.worker.environ, "worker-2").start()
    try:
        numbers = [ask(alice, "wait-again", folder=str(tmp_path)) for _ in range(8)]
        wait_for(lambda: len(runs(tmp_path)) == 2, "two tasks to be at work")
        go(tmp_path)
        for number in numbers:
            wait_until(alice, number, "done")
    finally:
        other.stop()
    states = told(alice)
    assert sorted(states) == sorted((number, state) for number in numbers for state in ("queued", "running", "done"))
    running = 0
    for _number, now in states:
        running += {"queued": 0, "running": 1, "done": -1}[now]
        assert 0 <= running <= 2
    for ws in sockets:
        events = list(ws.events(len(states)))
        assert [(event["data"]["id"], event["data"]["state"]) for event in events] == states
        assert [event["seq"] for event in events] == list(range(1, len(states) + 1))
    assert other.process is not None and other.process.returncode == 0
