"""Kinds of tasks for tests, as a module that MYAPP_MODULES names. What one does shows in files in its `folder`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from flask import Flask

from myapp import progress, result, task


def init_app(app: Flask) -> None:
    """The kinds are known by the import."""


@task("give")
def give(name: str = "report.csv", size: int = 1000) -> None:
    """A file of so many bytes: digits, and beyond a thousand of them nothing but a hole."""
    with result(name) as file:
        file.write(b"0123456789" * (min(size, 1000) // 10))
        file.truncate(size)


def runs(folder: Path) -> list[int]:
    """The processes that have run it, in order."""
    file = folder / "runs"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def note_run(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "runs").open("a") as file:
        file.write(f"{os.getpid()}\n")


def wait_for_go(folder: str) -> None:
    """It is at work until somebody says go: a file of that name."""
    note_run(Path(folder))
    while not (Path(folder) / "go").exists():
        progress(50)
        time.sleep(0.02)


task("wait-again", again=True)(wait_for_go)
task("wait-once")(wait_for_go)


@task("die-behind", again=True)
def die_behind(folder: str) -> None:
    """All is done, and before that can be said its process is killed; the first time."""
    note_run(Path(folder))
    with result("all.txt") as file:
        file.write(b"all of it")
    if len(runs(Path(folder))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
