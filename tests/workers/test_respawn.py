"""A worker that ends while it cannot be replaced: the database is away, or the code is broken."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import Stack

from ..support import BIN, ROOT, AppServer, wait_for

WAITING = "the database cannot be used"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """One of its own: tests may end its parts."""
    stack = Stack(tmp_path, fsync=False).start()
    yield stack
    stack.kill()


def kill_a_worker_without_its_database(stack: Stack) -> int:
    """Returns when the worker in its place waits for the database; the one that was killed."""
    stack.postgres.kill()
    killed = stack.uwsgi.worker_pids()[0]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: WAITING in stack.uwsgi.log(), "the new worker to miss its database")
    return killed


def test_the_worker_in_its_place_waits_for_the_database_and_the_others_go_on(stack: Stack) -> None:
    master = stack.uwsgi.pid
    killed = kill_a_worker_without_its_database(stack)
    assert stack.uwsgi.is_running
    stack.postgres.start()
    wait_for(stack.is_ready, "the application to be ready")
    wait_for(lambda: "WSGI app 0 (mountpoint='') ready" in stack.uwsgi.log().rpartition(WAITING)[2], "the new worker")
    assert stack.uwsgi.pid == master
    assert len(stack.uwsgi.worker_pids()) == 2
    assert killed not in stack.uwsgi.worker_pids()


def test_a_worker_that_waits_for_its_database_can_be_stopped(stack: Stack) -> None:
    kill_a_worker_without_its_database(stack)
    stack.uwsgi.stop_patience = 30.0
    stack.uwsgi.stop()
    assert "goodbye to uWSGI" in stack.uwsgi.log()


@pytest.fixture
def breaking(tmp_path: Path) -> Iterator[tuple[AppServer, Path]]:
    """uWSGI with an application that cannot be loaded while the file is there."""
    flag = tmp_path / "break"
    command = [str(BIN / "uwsgi"), "--ini", str(ROOT / "uwsgi.ini"), "--module", "tests.workers.breakable:application"]
    server = AppServer("uwsgi", tmp_path, command=command)
    server.environ["BREAK"] = str(flag)
    yield server, flag
    server.kill()


def test_code_that_cannot_be_loaded_does_not_end_uwsgi_and_is_tried_again(breaking: tuple[AppServer, Path]) -> None:
    server, flag = breaking
    server.start()
    flag.touch()
    os.kill(server.worker_pid, signal.SIGKILL)
    wait_for(lambda: "the application cannot be loaded" in server.log(), "the new worker to fail")
    flag.unlink()
    wait_for(server.answers, "the code to be loaded")
    assert server.is_running


def test_code_that_cannot_be_loaded_at_the_start_ends_uwsgi_at_once(breaking: tuple[AppServer, Path]) -> None:
    server, flag = breaking
    flag.touch()
    with pytest.raises(Exception, match="ended"):
        server.start()
