"""Kinds of tasks that are measured, and a way to have many started by code: a module for MYAPP_MODULES."""

from __future__ import annotations

import os
import time

from flask import Flask, request

from myapp import progress, signed_in, start, task
from myapp.tasks.run import current

#: The environment variable that names the file in which each run leaves a line.
NOTES = "BENCH_TASK_RUNS"
#: Steps of a loop between two calls of `progress`: some tenths of a millisecond.
STEPS = 10_000


@task("bench-noted")
def noted() -> None:
    """Leaves its number: who ran twice is in the file twice."""
    file = os.open(os.environ[NOTES], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, b"%d\n" % current().number)
    os.close(file)


@task("bench-empty")
def empty() -> None:
    """Nothing."""


@task("bench-wait")
def wait(seconds: float) -> None:
    """Waits, as for a network, and says how far it is twenty times a second."""
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        time.sleep(0.05)
        progress(100 * gone / seconds)


@task("bench-sleep")
def sleep(seconds: float) -> None:
    """Waits and says nothing."""
    time.sleep(seconds)


@task("bench-compute")
def compute(seconds: float) -> None:
    """Computes in Python, and says how far it is at every turn of its loop."""
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        for _ in range(STEPS):
            pass
        progress(100 * gone / seconds)


def init_app(app: Flask) -> None:
    """GET /bench/start?kind=...&count=...&users=...: so many, one after the other, each in a transaction of its own."""

    @app.get("/bench/start")
    def bench_start() -> str:
        signed_in()
        asked = request.args
        params = {"seconds": float(asked["seconds"])} if "seconds" in asked else {}
        for number in range(int(asked["count"])):
            start(f"u{1 + number % int(asked['users'])}", asked["kind"], **params)
        return "ok"
