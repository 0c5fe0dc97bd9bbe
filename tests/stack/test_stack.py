"""The whole stack: it is ready when it says so, and each part can be killed, stopped, reloaded and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from stack import Program, Stack, StackError, Uwsgi
from stack.uwsgi import spawned

from ..support import ROOT, free_port, wait_for


def client(stack: Stack, token: str) -> httpx.Client:
    return httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def parts(stack: Stack) -> list[Program]:
    return [stack.redis, stack.postgres, stack.nginx, stack.uwsgi]


def test_it_is_ready_once_started(stack: Stack) -> None:
    assert stack.is_ready()
    assert len(set(stack.uwsgi.worker_pids())) == 2


def test_each_part_has_its_process_id_in_a_file(stack: Stack) -> None:
    for program in parts(stack):
        assert int((stack.folder / f"{program.name}.pid").read_text()) == program.pid
        os.kill(program.pid, 0)


def test_commands_find_the_database_by_the_file_of_settings(stack: Stack) -> None:
    command = f"set -a; . '{stack.folder}/env'; exec '{sys.executable}' -m flask --app wsgi users add zoe"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, env=kept, capture_output=True, text=True)
    assert done.stdout == "added zoe\n", done.stderr
    assert (stack.folder / "env").stat().st_mode & 0o077 == 0


def test_both_workers_serve_messages_of_each_other(stack: Stack, tokens: list[str]) -> None:
    with client(stack, tokens[0]) as writer, client(stack, tokens[1]) as reader:
        before = reader.get("/messages/poll").json()["latest"]
        for number in range(20):
            assert writer.post("/messages", json={"to": "u2", "body": str(number)}).status_code == 201
        events = reader.get(f"/messages/poll?seq={before}").json()["events"]
    assert [event["data"]["body"] for event in events] == [str(number) for number in range(20)]


def test_a_worker_that_is_killed_is_replaced_and_fails_no_reader(stack: Stack, tokens: list[str]) -> None:
    victim = stack.uwsgi.worker_pids()[0]
    with client(stack, tokens[0]) as reader:
        os.kill(victim, signal.SIGKILL)
        assert {reader.get("/messages/poll").status_code for _ in range(50)} == {200}
    wait_for(lambda: len(stack.uwsgi.worker_pids()) == 2 and victim not in stack.uwsgi.worker_pids(), "a new worker")


def test_fifty_requests_to_a_workers_own_http_socket_succeed(stack: Stack, tokens: list[str], tmp_path: Path) -> None:
    port = free_port()
    uwsgi = Uwsgi(tmp_path, {**stack.environ, "MYAPP_WORKERS": "1"})
    uwsgi.command += ["--http-socket", f"127.0.0.1:{port}"]
    uwsgi.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as reader:
            headers = {"Authorization": f"Bearer {tokens[0]}"}
            assert {reader.get("/messages/poll", headers=headers).status_code for _ in range(50)} == {200}
    finally:
        uwsgi.stop()


def test_fifty_requests_a_second_are_served_during_a_chain_reload(stack: Stack, tokens: list[str]) -> None:
    statuses: list[int] = []
    reloaded = threading.Event()

    def ask(number: int) -> None:
        """Every 0.16 s a request, most on a kept connection."""
        with client(stack, tokens[number % 4]) as kept:
            while not reloaded.is_set():
                sent = kept.post("/messages", json={"to": f"u{(number + 1) % 4 + 1}", "body": "meanwhile"})
                time.sleep(0.16)
                statuses.extend((sent.status_code, kept.get("/messages/poll?limit=1").status_code))
                time.sleep(0.16)
                statuses.append(httpx.get(f"{stack.url}/healthz", timeout=30).status_code)
                time.sleep(0.16)

    old = stack.uwsgi.worker_pids()
    asking = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in asking:
        thread.start()
    try:
        count = stack.uwsgi.count_reloads()
        stack.uwsgi.reload()
        wait_for(lambda: stack.uwsgi.count_reloads() > count, "the reload", 60)
    finally:
        reloaded.set()
        for thread in asking:
            thread.join()
    assert set(statuses) == {200, 201}
    assert not set(old) & set(stack.uwsgi.worker_pids())


@pytest.mark.parametrize("name", ["redis", "postgres", "nginx", "uwsgi"])
def test_a_part_that_was_killed_starts_again_in_its_place_with_its_data(
    name: str, stack: Stack, tokens: list[str]
) -> None:
    program: Program = getattr(stack, name)
    program.kill()
    program.kill()  # again: nothing more happens
    assert program.processes() == []
    assert not program.pid_file.exists()
    program.start()
    wait_for(stack.is_ready, "the stack to be ready")
    with client(stack, tokens[0]) as reader:
        assert reader.get("/auth/me").json()["name"] == "u1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_uwsgi_with_two_workers_stops_cleanly(number: int, stack: Stack) -> None:
    began = time.monotonic()
    assert stack.uwsgi.stop(number) == 0
    assert time.monotonic() - began < 8
    assert "Traceback" not in stack.uwsgi.log_of_this_run()
    answer = httpx.get(f"{stack.url}/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    stack.uwsgi.start()
    wait_for(stack.is_ready, "the stack to be ready")


def test_a_stop_that_comes_while_the_workers_load_is_heeded(stack: Stack, tmp_path: Path) -> None:
    """uWSGI by itself would wait for such workers for ever."""
    log = tmp_path / "log"
    environ = {**stack.environ, "MYAPP_SOCKET": f"127.0.0.1:{free_port()}"}
    with log.open("wb") as out:
        process = subprocess.Popen(stack.uwsgi.command, cwd=ROOT, env=environ, stdout=out, stderr=out)

    def are_loading() -> bool:
        workers = spawned(log.read_text()).values()
        return len(workers) == 2 and all("sqlalchemy" in Path(f"/proc/{pid}/maps").read_text() for pid in workers)

    wait_for(are_loading, "the workers to load the application")
    process.terminate()
    try:
        assert process.wait(30) == 0
    finally:
        process.kill()


def test_a_part_that_cannot_start_says_why_and_leaves_nothing(stack: Stack) -> None:
    folder = stack.folder / "second"
    folder.mkdir()
    second = Uwsgi(folder, stack.environ, port=stack.nginx.port)
    with pytest.raises(StackError, match="Address already in use"):
        second.start()
    assert second.processes() == []


@pytest.mark.parametrize(
    ("settings", "options", "reason"),
    [
        ({"MYAPP_WORKERS": "0"}, [], "MYAPP_WORKERS is '0'"),
        ({"MYAPP_WORKERS": "two"}, [], "MYAPP_WORKERS is 'two'"),
        ({"MYAPP_WORKERS": "1"}, ["--workers", "2"], "uWSGI has 2 workers, but MYAPP_WORKERS is 1"),
        ({"MYAPP_SOCKET": ""}, [], "empty uwsgi socket name"),
    ],
)
def test_uwsgi_refuses_settings_that_do_not_fit(
    settings: dict[str, str], options: list[str], reason: str, stack: Stack
) -> None:
    environ = {**stack.environ, "MYAPP_PORT": "0", **settings}
    command = [*stack.uwsgi.command, *options]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert reason in done.stderr
