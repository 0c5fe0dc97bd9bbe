"""Where the workers of one uWSGI keep their figures for each other: prometheus-client's files, in a folder.

Counters and histograms belong to the worker's number, so who comes after one that was killed goes on where it ended,
and there are never more files than workers. Gauges belong to the process, and end with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

from .errors import ConfigError

#: Where prometheus-client looks for the folder; set by an administrator, the folder in which ours are made.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def folder_of(master: int) -> Path:
    """The folder of the uWSGI whose master is this process, fresh at its start; those of masters that are gone go.

    Raises ConfigError when it cannot be made.
    """
    parent = Path(os.environ.get(VARIABLE) or f"{in_memory()}/myapp-metrics-{os.getuid()}")
    host = socket.gethostname()
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():  # the folder above is everybody's
            raise PermissionError("it is somebody else's")
        folder = parent / f"{host}-{master}-{_started(master)}"
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{VARIABLE}: no folder for metrics can be made in {parent}: {error}") from error
    for other in parent.glob(f"{host}-*-*"):
        pid, _, started = other.name.removeprefix(f"{host}-").partition("-")
        is_ours = pid.isdecimal() and started.isdecimal()  # and not of a host whose name goes on behind ours
        if is_ours and _started(int(pid)) != started:
            shutil.rmtree(other, ignore_errors=True)  # other workers are at it too
    return folder


def in_memory() -> str:
    """A folder in memory where there is one: a file that is mapped kills its process where a full disk has no room."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else tempfile.gettempdir()


def _started(pid: int) -> str:
    """When a process was started, in the system's own count: a number is given to another process later on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:  # it is gone; or there is no /proc, and all have the same
        return "0" if not Path("/proc/self").exists() and _is_alive(pid) else ""


def keep_in(folder: Path, worker: int) -> None:
    """From now on this process's metrics are kept in files. They must not have been made yet."""
    os.environ[VARIABLE] = str(folder)
    make: Any = values.MultiProcessValue  # which has no types
    of_worker, of_process = make(lambda: worker), make()

    def value(kind: str, *args: Any, **options: Any) -> Any:
        return (of_process if kind == "gauge" else of_worker)(kind, *args, **options)

    values.ValueClass = value  # prometheus-client's documented place for it


def forget_dead(folder: Path) -> None:
    """Take the gauges of processes away that are no more."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_*.db")}:
        if not _is_alive(pid):
            with contextlib.suppress(FileNotFoundError):  # another worker was asked at the same moment
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:  # gone; or somebody else's, and so none of ours
        return False
    return True
