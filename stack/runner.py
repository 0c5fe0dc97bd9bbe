"""Keeping the stack running: who dies is started again, a signal ends all."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path

from .program import Program, StackError
from .stack import Stack

#: Seconds before a program that died is started again, at first and at most; twice as long each time.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
#: Seconds after which a program that runs counts as well again.
WELL_AFTER = 60.0


class AlreadyRunning(Exception):
    """Another process runs a stack in that folder."""


class Lock:
    """Held by the one process that runs a stack in `folder`; the kernel takes it from a process that dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            raise AlreadyRunning(self._file.read().strip()) from None

    def note(self, text: str) -> None:
        """What the next one is told."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()


class Runner:
    """Runs `stack` until SIGINT or SIGTERM."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.is_stopping = threading.Event()
        self._pauses: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}
        stack.give_up_when(self.is_stopping.is_set)

    def run(self) -> int:
        """The process's exit status."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.is_stopping.set())
        try:
            self.stack.start()
        except StackError as error:
            if self.is_stopping.is_set():
                return 0
            print(error, file=sys.stderr)
            return 1
        try:
            self._started = {program.name: time.monotonic() for program in self.stack.programs}
            print(self._welcome(), flush=True)
            while not self.is_stopping.wait(0.2):
                self._look_after()
            print("stopping", flush=True)
            self.stack.stop()
        finally:  # whatever happens here, nothing is left running
            self.stack.kill()
        return 0

    def _welcome(self) -> str:
        folder = self.stack.folder
        shown = os.path.relpath(folder)
        pids = ", ".join(f"{program.name} {program.pid}" for program in self.stack.programs)
        return (
            f"myapp is at {self.stack.url}/ (Ctrl-C stops it)\n"
            f"processes: {pids}; logs and data in {shown}\n"
            f"commands:  (set -a; . {shown}/env; .venv/bin/flask --app wsgi users add NAME)\n"
            f"reload:    touch {os.path.relpath(self.stack.uwsgi.reload_file)}"
        )

    def _look_after(self) -> None:
        """Notice who died, and start again whose pause is over."""
        now = time.monotonic()
        for program in self.stack.programs:
            name = program.name
            if name in self._due:
                if now >= self._due[name]:
                    self._start_again(program)
            elif not program.is_running:
                assert program.process is not None
                self._put_off(program, f"{name} ended ({_how(program.process.returncode)})")
            elif now - self._started[name] > WELL_AFTER:
                self._pauses.pop(name, None)

    def _put_off(self, program: Program, reason: str) -> None:
        pause = self._pauses.get(program.name, FIRST_PAUSE)
        self._pauses[program.name] = min(2 * pause, LONGEST_PAUSE)
        self._due[program.name] = time.monotonic() + pause
        print(f"{reason}: started again in {pause:g} s", flush=True)

    def _start_again(self, program: Program) -> None:
        del self._due[program.name]
        try:
            self.stack.start_one(program)
        except StackError as error:
            if not self.is_stopping.is_set():
                print(error, file=sys.stderr)
                self._put_off(program, f"{program.name} did not start")
            return
        self._started[program.name] = time.monotonic()
        print(f"{program.name} runs again ({program.pid})", flush=True)


def _how(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
