"""Fixtures that several folders use: an application in this process, PostgreSQL, the real servers."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings

from . import postgres
from .support import People, PostgresServer, close_app, make_app, shared_postgres, sqlite_url

# a test is never timed: what else runs on the machine would decide
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

GIB = 1024**3
#: A file system in memory, and what must be free of it: the files of all tests together are not half of that.
IN_MEMORY, ENOUGH = Path("/dev/shm"), 4 * GIB


#: Folders whose tests start hardly anything.
QUICK = {"unit", "web"}
#: Ports for each of at most so many processes that run tests.
PARTS, PORTS = 8, range(10_240, 32_768)


def pytest_configure() -> None:
    """Keep the tests' files in memory where there is enough: the disk takes milliseconds for each commit. What they
    show does not change: a process that is killed loses nothing that was written, on whatever it was.

    And keep the ports of the processes that run tests apart: of two servers on one port one ends, and its test would
    talk to the other.

    Whatever the machine says, servers keep their compiled modules: hundreds are started. And what tests start hears
    Ctrl-C, also where a shell has started the tests themselves in the background.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PARTS
    part = PORTS[number * len(PORTS) // PARTS : (number + 1) * len(PORTS) // PARTS]
    os.environ["STACK_PORTS"] = f"{part[0]}-{part[-1]}"
    if _has_enough_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several processes each has a part of what starts servers, and then a part of the rest.

    xdist gives each an equal part in this order, and who is done takes over from the end of another's: so what is left
    at the end is quick, and nobody starts a server for the last test.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    kinds = [[item for item in items if (item.path.parent.name in QUICK) == is_quick] for is_quick in (False, True)]
    parts = [kind[len(kind) * n // count : len(kind) * (n + 1) // count] for n in range(count) for kind in kinds]
    items[:] = [item for part in parts for item in part]


def pytest_collection_finish() -> None:
    """The garbage collector need not look at thousands of tests, again and again while they run, and comes less often:
    each test makes an application, and to look through everything takes 0.2 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 40)


def _has_enough_memory() -> bool:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        return min(free - 2 * GIB, shutil.disk_usage(IN_MEMORY).free) > ENOUGH
    except (OSError, StopIteration):
        return False


@pytest.fixture(autouse=True)
def dropped_databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """PostgreSQL's databases of a test are dropped behind it: each takes 8 MB."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None:
        postgres.forget(folder)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The application, with no one in it."""
    app = make_app(tmp_path)
    yield app
    close_app(app)


@pytest.fixture
def people(app: Flask) -> People:
    return People(app)


@pytest.fixture(scope="session", name="postgres")
def postgres_server() -> PostgresServer:
    """One server for all tests of this process: to be killed, a test starts one of its own."""
    return shared_postgres()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind, one after the other, with all tables."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    server = shared_postgres()
    url = server.new_database()
    yield url
    server.drop(url)
