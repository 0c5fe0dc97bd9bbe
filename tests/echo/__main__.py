"""`python -m tests.echo PORT [--uwsgi]`: serve until SIGINT or SIGTERM. Says its address when it is to be had."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
#: Seconds that uWSGI has for its start.
START_PATIENCE = 30.0


def main() -> int:
    """The process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.echo", description=__doc__)
    parser.add_argument("port", type=_port, help="where to listen, on this machine only")
    parser.add_argument("--uwsgi", action="store_true", help="serve with uWSGI, as uwsgi.ini has it, not with pywsgi")
    asked = parser.parse_args()
    try:
        listener = _listen(asked.port)
    except OSError as error:
        print(f"cannot listen on port {asked.port}: {error}", file=sys.stderr)
        return 1
    if asked.uwsgi:
        listener.close()  # it was free; uWSGI's router binds it itself
        return serve_with_uwsgi(asked.port)
    from .with_pywsgi import serve  # here: it brings the whole project, and bad arguments are to be answered at once

    return serve(listener, lambda: _say_address(asked.port))


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)


def _listen(port: int) -> socket.socket:
    listener = socket.create_server((HOST, port), backlog=1024)
    # inherited by what it accepts; without it an echo waits for the acknowledgement of the one before it
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _say_address(port: int) -> None:
    print(f"ws://{HOST}:{port}/", flush=True)


def serve_with_uwsgi(port: int) -> int:
    """Run uWSGI as a child, with the project's uwsgi.ini but for the module. Signals are passed on to it."""
    uwsgi = Path(sys.executable).parent / "uwsgi"
    # of a module that is named twice, the last counts
    command = [str(uwsgi), "--ini", str(ROOT / "uwsgi.ini"), "--module", "tests.echo.app:application"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "MYAPP_HOST": HOST, "MYAPP_PORT": str(port)}
    child = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=sys.stderr)

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    deadline = time.monotonic() + START_PATIENCE
    while child.poll() is None and not _answers(port):
        if time.monotonic() > deadline:
            child.terminate()
            child.wait()
            print("uWSGI does not answer", file=sys.stderr)
            return 1
    if child.poll() is None:
        _say_address(port)
    return child.wait()


def _answers(port: int) -> bool:
    """Whether a plain request gets its 426: the router listens long before its worker is there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if sock.recv(64).startswith(b"HTTP/1.1 426"):
            return True
    time.sleep(0.05)
    return False


if __name__ == "__main__":
    sys.exit(main())
