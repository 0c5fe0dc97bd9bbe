"""What all programs of the stack have in common."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stack import Program
from stack.uwsgi import Uwsgi
from stack.worker import Worker

#: What a process has in memory: the kernel takes tens of milliseconds to free it, with its ports still taken.
MUCH = 500_000_000


class Sleeper(Program):
    name = "sleeper"
    executable = "python"
    port: int

    def answers(self) -> bool:
        return True


def link(pid: int, name: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return None


def test_process_that_is_just_ending_still_counts(tmp_path: Path) -> None:
    program = Sleeper(tmp_path)
    program.home.mkdir()
    code = f"much = bytearray(b'x') * {MUCH}; print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=program.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        assert program.processes() == [process.pid]
        process.kill()
        while link(process.pid, "exe") is not None:
            pass
        found = program.processes()
        assert found == [process.pid] or link(process.pid, "cwd") is None, "it has its folder, and its ports"
    assert program.processes() == []


@pytest.mark.parametrize("kind", [Uwsgi, Worker])
def test_modules_of_ones_own_are_found_where_python_path_says(kind: type[Uwsgi | Worker], tmp_path: Path) -> None:
    environ = kind(tmp_path, {"PYTHONPATH": os.pathsep.join(("/srv/coffee", "", "tests"))}).environ
    assert environ["PYTHONPATH"].split(os.pathsep)[1:] == ["/srv/coffee", str(Path("tests").resolve())]


def test_port_that_is_still_being_closed_is_waited_for(tmp_path: Path) -> None:
    program = Sleeper(tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        program.port = listener.getsockname()[1]
        killing = threading.Thread(target=program.kill)
        killing.start()
        killing.join(0.05)
        assert killing.is_alive()
    killing.join(20)
    assert not killing.is_alive()
