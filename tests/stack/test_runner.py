"""`python -m stack`, as a person runs it: Ctrl-C, kill -9 of a part and of itself, a second start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stack.nginx import Nginx
from stack.postgres import Postgres
from stack.program import Program
from stack.redis import Redis
from stack.uwsgi import Uwsgi
from stack.worker import Worker

from ..support import ROOT, free_port, wait_for

NAMES = ("redis", "postgres", "uwsgi", "worker", "nginx")


class Runs:
    """`python -m stack` in a folder, as often as a test starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = folder.with_suffix(".out")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
        self.environ = {**kept, "MYAPP_PORT": str(self.port), "MYAPP_WORKERS": "1"}
        self.command = [sys.executable, "-m", "stack", "--folder", str(folder)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it has said where it is."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environ, stdout=output, stderr=output, start_new_session=True
            )
        wait_for(lambda: "Ctrl-C" in self.said() or self.is_over(), "the stack to start", 60)
        assert f"myapp is at {self.url}/" in self.said(), self.said()

    def is_over(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def said(self) -> str:
        return self.output.read_text()

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def left(self) -> list[int]:
        """What of it runs."""
        programs: list[Program] = [
            Redis(self.folder),
            Postgres(self.folder),
            Uwsgi(self.folder, {}),
            Worker(self.folder, {}),
            Nginx(self.folder, ""),
        ]
        return [pid for program in programs for pid in program.processes()]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the application, with the settings that the stack wrote down."""
        line = f"set -a; . '{self.folder}/env'; exec '{sys.executable}' -m flask --app wsgi {' '.join(words)}"
        return subprocess.run(["sh", "-c", line], cwd=ROOT, env=self.environ, capture_output=True, text=True)

    def readiness(self) -> int:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code
        except httpx.HTTPError:
            return 0


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    runs = Runs(tmp_path / "stack")
    yield runs
    if runs.process is not None and not runs.is_over():
        runs.end(signal.SIGTERM)
    for pid in runs.left():
        os.kill(pid, signal.SIGKILL)


def test_it_runs_until_ctrl_c_and_recovers_from_whatever_is_killed(runs: Runs) -> None:
    runs.start()
    assert runs.run("users", "add", "ann").stdout == "added ann\n"

    again = subprocess.run(runs.command, cwd=ROOT, env=runs.environ, capture_output=True, text=True)
    assert again.returncode == 1
    assert (
        f"the stack is already running: process {runs.process.pid if runs.process else 0}, {runs.url}/" in again.stderr
    )

    for name in NAMES:
        old = runs.pid(name)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda name=name: f"{name} runs again" in runs.said(), f"{name} to be started again", 60)
        assert f"{name} ended (signal 9): started again in 0.5 s" in runs.said()
        assert runs.pid(name) != old
    wait_for(lambda: runs.readiness() == 200, "the stack to be ready")

    runs.end(signal.SIGKILL)
    assert runs.left()
    runs.start()  # what was left is cleaned up, and the data is still there
    assert runs.readiness() == 200
    assert "is taken" in runs.run("users", "add", "ann").stderr

    assert runs.end(signal.SIGINT) == 0
    assert runs.said().endswith("stopping\n")
    assert runs.left() == []
    assert not list(runs.folder.glob("*.pid"))


def test_a_signal_during_the_start_ends_it_too(runs: Runs) -> None:
    runs.process = subprocess.Popen(
        runs.command, cwd=ROOT, env=runs.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for((runs.folder / "postgres.pid").exists, "PostgreSQL to be started")
    assert runs.end(signal.SIGTERM) == 0
    assert runs.left() == []


@pytest.mark.parametrize(("name", "value"), [("PORT", "web"), ("WORKERS", "0")])
def test_a_wrong_setting_is_named(name: str, value: str, runs: Runs) -> None:
    environ = {**runs.environ, f"MYAPP_{name}": value}
    done = subprocess.run(runs.command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"MYAPP_{name} is {value!r}" in done.stderr
