"""`python -m tests.echo` on both servers, once for all tests."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..servers.conftest import closed_connections
from ..support import PATIENCE, ROOT, free_port, wait_for
from .peer import Peer

__all__ = ["closed_connections"]

KINDS = ("pywsgi", "uwsgi")


class EchoServer:
    """The command in a process of its own, on a free port."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.port = free_port()
        self.log_file = folder / f"echo-{kind}.log"
        options = ["--uwsgi"] if kind == "uwsgi" else []
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.echo", str(self.port), *options],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self) -> EchoServer:
        """Wait for its address."""
        wait_for(lambda: self.address or self.process.poll() is not None, f"the address; its log:\n{self.log}")
        assert self.address, self.log
        return self

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def address(self) -> str:
        """What it says it can be connected to at."""
        found = re.search(r"^ws://\S+$", self.log, re.MULTILINE)
        return found[0] if found else ""

    @property
    def worker_pid(self) -> int:
        """The process that echoes."""
        if self.kind == "pywsgi":
            return self.process.pid
        found = re.search(r"spawned uWSGI worker 1 \(pid: (\d+)", self.log)
        assert found, self.log
        return int(found[1])

    @property
    def memory(self) -> int:
        """Bytes of memory of the process that echoes."""
        return int(Path(f"/proc/{self.worker_pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it politely and say its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """With all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of server."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def echo(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EchoServer]:
    """The server that all tests share."""
    server = EchoServer(kind, tmp_path_factory.mktemp("echo"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def start_echo(kind: str, tmp_path: Path) -> Iterator[Callable[[], EchoServer]]:
    """Starts a server for one test."""
    started: list[EchoServer] = []

    def start() -> EchoServer:
        started.append(EchoServer(kind, tmp_path))
        return started[-1].start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def peer(echo: EchoServer) -> Peer:
    """A client after its handshake."""
    return Peer.join(echo.port)
