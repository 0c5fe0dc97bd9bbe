"""A program that runs beside us: its folder, log and process id, and how it is started, stopped and killed."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self, TypeVar

ROOT = Path(__file__).resolve().parent.parent
#: Where the programs of this Python's environment are.
BIN = Path(sys.executable).parent
#: Seconds to wait for something to happen: generous, since it only costs time when it fails.
PATIENCE = 30.0

T = TypeVar("T")


class StackError(Exception):
    """A program could not be started, or did not do what it has to; the end of its log is in the text."""


#: Below those that Linux gives to outgoing connections (net.ipv4.ip_local_port_range): one of them would take the port
#: while its program is restarted. Two processes that choose at the same time may choose the same: STACK_PORTS gives
#: each its part.
_ALL_PORTS = "10240-32767"


@functools.cache
def _ports() -> Iterator[int]:
    """This process's ports, round and round, from anywhere among them."""
    first, last = map(int, os.environ.get("STACK_PORTS", _ALL_PORTS).split("-"))
    start = random.randint(first, last)
    return itertools.cycle((*range(start, last + 1), *range(first, start)))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at the moment, each time another one. Raises StackError."""
    for port in itertools.islice(_ports(), 32_768):
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            return port
    raise StackError("no port is free")


def python_path(environ: Mapping[str, str]) -> str:
    """Where a program of ours finds the application, and what PYTHONPATH names besides: MYAPP_MODULES may be there.

    Programs run in folders of their own, so what is given from here is made absolute.
    """
    given = environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join([str(ROOT), *(os.path.abspath(entry) for entry in given if entry)])


def is_open(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
        return True
    return False


def _can_listen(port: int) -> bool:
    """Whether nobody listens at this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return True
    return False


def wait_for(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Wait until `condition()` is true and return it. Raises StackError naming `what` after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise StackError(f"waited {patience:g} s for {what}")
        time.sleep(0.02)
    return found


class Program(ABC):
    """One program. Its files are in `home`, what it prints in `log_file`, its process id in `pid_file`.

    A subclass sets `command` and `environ`, and says in `answers()` when it is ready.
    """

    name = ""
    #: name of the file that its processes run
    executable = ""
    polite = signal.SIGTERM
    #: seconds that it has for a polite end
    stop_patience = 10.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.home = self.folder / self.name
        self.log_file = self.folder / f"{self.name}.log"
        self.pid_file = self.folder / f"{self.name}.pid"
        self.cwd = self.home
        self.command: list[str] = []
        self.environ: dict[str, str] = dict(os.environ)
        #: asked while waiting for it: whether to give up
        self.is_given_up: Callable[[], bool] = lambda: False
        self.process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Make what it needs before it can be started."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it is ready."""

    @property
    def pid(self) -> int:
        """Its main process. Raises StackError when it was never started."""
        if self.process is None:
            raise StackError(f"{self.name} was not started")
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> Self:
        """Start it and return when it answers. What is left of an earlier run is ended first.

        Raises StackError with the end of its log; then nothing of it runs.
        """
        self._end_leftovers()
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self.prepare()
            self._log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
            with self.log_file.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command,
                    cwd=self.cwd,
                    env=self.environ,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.pid_file.write_text(f"{self.process.pid}\n")
            self._wait_until_it_answers()
        except OSError as error:
            self.kill()
            raise StackError(f"{self.name} cannot be started: {error}") from error
        except BaseException:
            self.kill()
            raise
        return self

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process is None or self.process.poll() is not None:
                raise StackError(f"{self.name} ended at its start; its log:\n{self.log()[-4000:]}")
            if time.monotonic() > deadline or self.is_given_up():
                raise StackError(f"{self.name} did not answer; its log:\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def stop(self, number: int | None = None) -> int:
        """End it politely, or by the signal `number`; by force when it takes longer than `stop_patience`.

        Nothing of it runs afterwards. Returns its exit status, below 0 when a signal killed it.
        """
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number or self.polite)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_patience)
        self.kill()
        return self.process.returncode if self.process is not None else 0

    def kill(self) -> None:
        """kill -9 of all its processes; nothing of it runs afterwards."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
        self._end_leftovers()
        self._leave_port()
        self.pid_file.unlink(missing_ok=True)

    def log(self) -> str:
        """What it has printed, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_of_this_run(self) -> str:
        """What it has printed since it was last started."""
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def processes(self) -> list[int]:
        """All its processes, also those that an earlier run left: they run its file, in its folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or is somebody else's
                folder = Path(os.readlink(entry / "cwd"))
                if folder.is_relative_to(self.home) and _runs(entry, self.executable):
                    found.append(int(entry.name))
        return found

    def _leave_port(self) -> None:
        """Returns when its port is free, or somebody else's: the kernel closes the sockets of a process that ends after
        it has let go of its folder, by which we know it.
        """
        port, deadline = getattr(self, "port", None), time.monotonic() + 2.0
        while port and not _can_listen(port) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _end_leftovers(self) -> None:
        """Returns when none is left: who starts next needs their ports and locks."""

        def are_gone() -> bool:
            left = self.processes()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        if self.executable:
            wait_for(are_gone, f"{self.name}'s processes to end")


def _runs(entry: Path, executable: str) -> bool:
    """Whether the process of this folder of /proc runs such a file, or is just ending: its memory goes first, and with
    that the name of its file, its ports later.
    """
    try:
        return Path(os.readlink(entry / "exe").removesuffix(" (deleted)")).name.startswith(executable)
    except FileNotFoundError:
        return True


def is_alive(pid: int) -> bool:
    """Whether it runs: neither gone, nor dead and not yet waited for, as which a process stays where nobody is init,
    nor just ending: its memory goes first, and with that its command line.
    """
    with contextlib.suppress(OSError):
        is_dead = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        return not is_dead and Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


def children(pid: int) -> Iterator[int]:
    """The processes whose parent is `pid`."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                yield int(stat.parent.name)
