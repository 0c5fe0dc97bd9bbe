"""Making a file system full beside programs that write to it. No right to mount is needed: the kernel is made up."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from soak import disk as module
from soak.disk import Disk, DiskError

PAGE = 4096


class Kernel:
    """Takes no size below what is used, which grows by so many pages between the look and the change."""

    def __init__(self, growth: int) -> None:
        self.used = 1000
        self.size = 0
        self.growth = growth

    def statvfs(self, folder: object) -> Any:
        return SimpleNamespace(f_frsize=PAGE, f_blocks=10_000, f_bfree=10_000 - self.used)

    def run(self, *command: str) -> None:
        self.used += self.growth
        size = int(command[2].partition("size=")[2])
        if size < self.used * PAGE:
            raise DiskError("bad option")
        self.size = size


def fill(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", kernel.statvfs)
    monkeypatch.setattr(module, "_run", kernel.run)
    Disk(Path("somewhere")).fill()


@pytest.mark.parametrize(("growth", "room"), [(0, 1), (1, 0), (3, 1), (100, 28)])
def test_it_has_hardly_any_room_left(growth: int, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(growth)
    fill(kernel, monkeypatch)
    assert kernel.size == (kernel.used + room) * PAGE


def test_what_cannot_be_made_full_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DiskError):
        fill(Kernel(100_000), monkeypatch)
