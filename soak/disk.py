"""A file system of its own for PostgreSQL's files, so that it can be full without harm to others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

#: Bytes that may be in use: memory is taken only for what is.
SIZE = 4 * 1024**3
#: How often it is tried to make it full beside programs that write to it, each time with twice the room to spare.
TRIES = 12


class DiskError(Exception):
    """A file system could not be mounted."""


class Disk:
    """A tmpfs at `folder`. Needs the right to mount."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._is_mounted = False

    def mount(self) -> None:
        """Raises DiskError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(self.folder))
        self._is_mounted = True

    def fill(self) -> None:
        """From now on there is no room for one more page, or for few. Raises DiskError."""
        for attempt in range(TRIES):
            used = os.statvfs(self.folder)
            pages = used.f_blocks - used.f_bfree + 2**attempt
            try:
                _run("mount", "-o", f"remount,size={pages * used.f_frsize}", str(self.folder))
                return
            except DiskError:  # a file has grown meanwhile: the kernel takes no size below what is used
                if attempt == TRIES - 1:
                    raise

    def free(self) -> None:
        _run("mount", "-o", f"remount,size={SIZE}", str(self.folder))

    def unmount(self) -> None:
        """Calling it again, or without `mount`, does nothing."""
        if self._is_mounted:
            _run("umount", "-l", str(self.folder))
            self._is_mounted = False


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise DiskError(f"{' '.join(command)}: {done.stderr.strip()} (disk-full needs the right to mount: be root)")
