"""Where the workers of one uWSGI keep their figures for each other: prometheus-client's files, in a folder.

Counters and histograms belong to the worker's number, so who comes after one that was killed goes on where it ended,
and there are never more files than workers. Gauges belong to the process, and end with it.

prometheus-client maps its files into memory, and a disk that is full, or fails, then kills the process (SIGBUS). So
here they are written instead.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import socket
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

from .errors import ConfigError

log = logging.getLogger(__name__)

#: Where prometheus-client looks for the folder; set by an administrator, the folder in which ours are made.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: Bytes of a new file, all zero: to whoever reads it, nothing is in it yet.
NEW_FILE = 1 << 16
#: Bytes at its beginning that say how many are used, and bytes of a value and its time.
HEADER, VALUE = 8, 16


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
    """A folder in memory where there is one: the files are written every second."""
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
    prometheus: Any = values  # which has few types
    prometheus.MmapedDict = WrittenDict
    of_worker, of_process = prometheus.MultiProcessValue(lambda: worker), prometheus.MultiProcessValue()

    def value(kind: str, *args: Any, **options: Any) -> Any:
        return (of_process if kind == "gauge" else of_worker)(kind, *args, **options)

    prometheus.ValueClass = value  # its documented place for it


class WrittenDict(MmapedDict):
    """Figures in a file of prometheus-client's, which is written and not mapped. It never raises OSError.

    What cannot be written is kept here and written with the next change; meanwhile no worker tells it.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        self._name = filename
        self._fd = -1
        self._is_behind = False
        self._m: Any = bytearray()
        self._capacity = sys.maxsize  # it grows by itself
        self._positions: dict[str, int] = {}
        try:
            self._fd = os.open(filename, os.O_RDWR | os.O_CREAT, 0o600)
            if not os.fstat(self._fd).st_size:
                os.ftruncate(self._fd, NEW_FILE)
            self._m += Path(filename).read_bytes()
        except OSError as error:
            self._fall_behind(error)
        self._used = max(HEADER, int.from_bytes(self._m[:4], sys.byteorder))
        self._m[:HEADER] = self._used.to_bytes(4, sys.byteorder).ljust(HEADER, b"\0")
        del self._m[self._used :]
        for key, _value, _timestamp, position in self._read_all_values():  # type: ignore[no-untyped-call]
            self._positions[key] = position

    def _init_value(self, key: str) -> None:
        begin = self._used
        super()._init_value(key)  # type: ignore[no-untyped-call]
        self._write(begin, self._used)

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
        begin = self._positions[key]
        self._write(begin, begin + VALUE)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, begin: int, end: int) -> None:
        if self._is_behind:
            begin, end = HEADER, self._used
        try:
            for first, last in ((begin, end), (0, HEADER)):  # the header last: what it counts is there
                if os.pwrite(self._fd, self._m[first:last], first) < last - first:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._fall_behind(error)
        else:
            self._is_behind = False

    def _fall_behind(self, error: OSError) -> None:
        if not self._is_behind:
            log.error("%s: %s: /metrics lacks these figures of this worker", self._name, error)
        self._is_behind = True


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
