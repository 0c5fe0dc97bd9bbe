"""A command that is shown as a task: `myapp-client task`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any, Self

from .errors import ClientError
from .sync_task import Task

#: What a shell says of a command that cannot be run.
NOT_FOUND = 127
#: Of what it said last on stderr, so many bytes are looked at.
TAIL = 4096
#: Seconds between two looks whether the user has cancelled it.
LOOK_EVERY = 0.5


def run(task: Task, command: Sequence[str], complain: Callable[[str], object]) -> int:
    """Run it, and give its exit status; what it says passes through. It is done at 0, and else failed, with the status
    and the last line that it said on stderr.

    It is run whatever becomes of telling, of which only `complain` hears: a job that was to be shown is done also where
    it cannot be. Where the user cancels it, it gets SIGTERM, as it does when we do.
    """
    is_shown = _told(complain, task.__enter__)
    tail = bytearray()
    try:
        with _Signals() as signals:
            process = signals.given_to(subprocess.Popen(command, stderr=subprocess.PIPE))
            reader = threading.Thread(target=_pass, args=(process.stderr, tail), daemon=True)
            reader.start()
            status = _wait(process, task)
    except OSError as error:
        why = f"{command[0]}: {error.strerror or error}"
        complain(why)
        if is_shown:
            _told(complain, lambda: task.fail(why))
        return NOT_FOUND
    reader.join(1.0)  # something that it left running may have the other end
    if is_shown and not task.is_cancelled:
        _told(complain, task.done if status == 0 else lambda: task.fail(_why(status, bytes(tail))))
    return 128 - status if status < 0 else status


def _told(complain: Callable[[str], object], tell: Callable[[], object]) -> bool:
    try:
        tell()
    except ClientError as error:
        complain(f"the task cannot be shown: {error}")
        return False
    return True


def _wait(process: subprocess.Popen[bytes], task: Task) -> int:
    is_asked = False
    while True:
        try:
            return process.wait(LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if task.is_cancelled and not is_asked:
                is_asked = True
                process.terminate()


def _pass(said: IO[bytes], tail: bytearray) -> None:
    with said:
        while chunk := os.read(said.fileno(), 65536):
            sys.stderr.buffer.write(chunk)
            sys.stderr.buffer.flush()
            tail += chunk
            del tail[:-TAIL]


def _why(status: int, tail: bytes) -> str:
    how = f"exit status {status}" if status > 0 else f"ended by {signal.Signals(-status).name}"
    lines = tail.decode("utf-8", "replace").strip().splitlines()
    return f"{how}: {lines[-1]}" if lines else how


class _Signals:
    """Within it SIGTERM is the command's, also one that came before it had begun; Ctrl-C comes to both, and we go on
    until the command has ended.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ended = False
        self._before: dict[signal.Signals, Any] = {}

    def given_to(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        self._process = process
        if self._is_ended:
            process.terminate()
        return process

    def _end(self, number: int, frame: object) -> None:
        self._is_ended = True
        if self._process is not None:
            self._process.terminate()

    def __enter__(self) -> Self:
        handlers: dict[signal.Signals, Any] = {signal.SIGTERM: self._end, signal.SIGINT: lambda number, frame: None}
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
