"""What other processes use, and what machine this is (Linux)."""

from __future__ import annotations

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


def memory_bytes(pid: int) -> tuple[int, int]:
    """Resident (RSS) and proportional (PSS) memory of a process, in bytes."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        found[name] = int(value.split()[0]) * 1024
    return found["Rss"], found["Pss"]


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


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
