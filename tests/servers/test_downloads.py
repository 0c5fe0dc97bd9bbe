"""Files that tasks gave, sent by the server itself: as large as they are, to whoever reads, or not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support import AppServer, wait_for
from .someone import Someone, people_of
from .talk import probe
from .wire import Ended, Wire, fetch, request_bytes

MIB = 1024 * 1024
GIB = 1024 * MIB


@pytest.fixture
def bob(probed: AppServer) -> Someone:
    return people_of(probed).bob


def done(bob: Someone, **params: Any) -> str:
    """Have a task give a file; where it is."""
    task = bob.post("/tasks", {"kind": "give", "params": params}).json()["id"]
    wait_for(lambda: bob.get(f"/tasks/{task}").json()["state"] == "done", "the task to be done")
    return f"/tasks/{task}/result"


@pytest.fixture
def download(bob: Someone) -> Iterator[Wire]:
    """Of a gigabyte, begun, and then not read."""
    wire = Wire(bob.port)
    wire.send(request_bytes("GET", done(bob, size=GIB), bob.headers))
    assert b"200" in wire.read(64)
    yield wire
    wire.close()


def test_who_does_not_read_keeps_nobody_waiting_and_costs_no_memory(bob: Someone, download: Wire) -> None:
    before = probe(bob.server)["memory"]
    others = [Wire(bob.port) for _ in range(20)]
    path = done(bob, size=GIB)
    for wire in others:
        wire.send(request_bytes("GET", path, bob.headers))
        assert b"200" in wire.read(64)
    for _ in range(20):
        assert bob.get("/badges").status == 200
    assert probe(bob.server)["memory"] - before < 20 * MIB
    for wire in others:
        wire.close()


def test_file_of_who_goes_away_is_closed(bob: Someone, download: Wire) -> None:
    def opened() -> int:
        count = 0
        for descriptor in Path(f"/proc/{bob.server.worker_pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                count += "/results/" in os.readlink(descriptor)
        return count

    wait_for(lambda: opened() == 1, "the file to be open")
    download.close()
    wait_for(lambda: opened() == 0, "the file to be closed")
    path = done(bob)
    asked: list[tuple[str, dict[str, str], int]] = [
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=5000-"}, 416),
        ("GET", {"If-None-Match": bob.get(path).header("etag")}, 304),
        ("GET", {"Range": "bytes=5-14"}, 206),
    ]
    for method, headers, status in asked:
        assert fetch(bob.port, method, path, {**bob.headers, **headers}).status == status
        wait_for(lambda: opened() == 0, f"the file to be closed behind {status}")


def test_part_of_a_large_file_comes_without_what_is_before_it(bob: Someone) -> None:
    path = done(bob, size=1024 * GIB)
    end = bob.get(path, {"Range": "bytes=-5"})
    assert (end.status, end.body) == (206, bytes(5))
    assert end.header("content-range") == f"bytes {1024 * GIB - 5}-{1024 * GIB - 1}/{1024 * GIB}"
    etag = end.header("etag")
    part = bob.get(path, {"Range": "bytes=990-1009", "If-Range": etag})
    assert (part.status, part.body) == (206, b"0123456789" + bytes(10))
    for headers in ({"Range": "bytes=0-9", "If-Range": '"another"'}, {"Range": "bytes=0-1,5-6"}):
        wire = Wire(bob.port)
        wire.send(request_bytes("GET", path, {**bob.headers, **headers}))
        assert b" 200 " in wire.read(16)


def test_file_that_becomes_shorter_ends_the_connection(bob: Someone, download: Wire) -> None:
    results = bob.server.folder / "results"
    for file in results.iterdir():
        os.truncate(file, 10 * MIB)
    with pytest.raises(Ended):
        while True:
            download.read(MIB)
