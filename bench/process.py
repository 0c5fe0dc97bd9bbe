"""What other processes use, and what machine this is (Linux)."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """CPU that all threads of a process have used so far, user and system, in seconds.

    The process's CPU clock counts in nanoseconds, /proc/<pid>/stat in hundredths of a second. Its number is made as
    clock_getcpuclockid(3) makes it.
    """
    return time.clock_gettime((~pid << 3) | 2)


def waiting_seconds(pid: int) -> float:
    """For how long all threads of a process together could have run but had no core; 0 where the kernel keeps no count.

    /proc/<pid>/schedstat: time run and time waited in nanoseconds, and how often.
    """
    waited = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
            waited += int(file.read_text().split()[1])
    return waited / 1e9


def memory_bytes(pid: int) -> int:
    """Resident memory of a process, in bytes; counted now, while /proc/<pid>/statm may be late by some pages."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        if name == "Rss":
            return int(value.split()[0]) * 1024
    raise RuntimeError("the kernel does not say how much memory a process has")


def pace() -> float:
    """Milliseconds of CPU that a loop of a million steps takes just now.

    What else runs on the same host makes a virtual machine's cores slower, and every figure with them.
    """
    began = time.process_time()
    for _ in range(1_000_000):
        pass
    return (time.process_time() - began) * 1000


def machine() -> str:
    """One line: cores, Python, kernel."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    cores = len(os.sched_getaffinity(0))
    python = platform.python_version()
    return f"{cores} cores ({model}), Python {python}, {platform.system()} {platform.release()}"
