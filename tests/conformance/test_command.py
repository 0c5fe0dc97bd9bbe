"""The command itself: says its address when it can be connected to, ends cleanly, refuses bad arguments."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from ..support import ROOT
from .conftest import EchoServer
from .peer import Peer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_says_goodbye_to_who_is_connected(
    start_echo: Callable[[], EchoServer], number: signal.Signals
) -> None:
    echo = start_echo()
    assert echo.address == f"ws://127.0.0.1:{echo.port}/"
    peer = Peer.join(echo.port)
    assert echo.stop(number) == 0
    assert peer.read_frame().code == 1001
    assert "Traceback" not in echo.log
    with pytest.raises(ConnectionRefusedError):
        Peer(echo.port)


@pytest.mark.parametrize("arguments", [[], ["no-port"], ["0"], ["65536"], ["8000", "--nginx"]], ids=str)
def test_bad_arguments_are_refused_with_the_right_ones(arguments: list[str]) -> None:
    told = run(*arguments)
    assert told.returncode == 2
    assert "usage: python -m tests.echo" in told.stderr


@pytest.mark.parametrize("options", [[], ["--uwsgi"]], ids=str)
def test_a_port_that_is_taken_is_named(options: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        told = run(port, *options)
    assert told.returncode == 1
    assert port in told.stderr
    assert told.stdout == ""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.echo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
