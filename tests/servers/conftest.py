"""Real servers, by kind: whatever is asked of one is asked of the other.

A test that takes `kind`, or a fixture that does, runs on both. Nothing here may be skipped: what one server could not
do would otherwise go unnoticed.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support import BIN, ROOT, AppServer, PostgresServer
from .someone import Three, people_of
from .wire import Wire, fetch

KINDS = ("pywsgi", "uwsgi")


def fail_if_skipped(report: Any) -> None:
    """A test of this folder that was skipped, or expected to fail, has failed."""
    if report.skipped or hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: nothing in tests/servers may be skipped or expected to fail"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    report = yield
    if Path(__file__).parent in item.path.parents:
        fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    report = yield
    if Path(__file__).parent in collector.path.parents:
        fail_if_skipped(report)
    return report


@pytest.fixture(autouse=True)
def closed_connections() -> Iterator[None]:
    """Whatever connection a test leaves open is closed behind it."""
    yield
    Wire.close_all()


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of server."""
    name: str = request.param
    return name


class Servers:
    """Starts servers of one kind, each with its own database and settings, and ends them."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.started: list[AppServer] = []

    def make(self, *, probed: bool = False, command: list[str] | None = None, **options: Any) -> AppServer:
        folder = self.folder / f"server{len(self.started)}"
        folder.mkdir()
        if probed:
            command = probed_command(self.kind, folder)
        server = AppServer(self.kind, folder, command=command, **options)
        self.started.append(server)
        return server

    def __call__(self, **options: Any) -> AppServer:
        return self.make(**options).start()

    def end(self) -> None:
        for server in self.started:
            server.kill()
            server.app.extensions["myapp"].database.close()


def probed_command(kind: str, folder: Path) -> list[str]:
    """The command line of the application with its probe; for uWSGI only the module differs, and it tells its cores."""
    if kind == "pywsgi":
        return [sys.executable, "-m", "tests.servers.probed"]
    ini = (ROOT / "uwsgi.ini").read_text()
    module = "module = wsgi:application\n"
    assert module in ini
    own = f"module = tests.servers.probed:application\nstats = {folder / 'stats.sock'}\n"
    (folder / "probed.ini").write_text(ini.replace(module, own))
    return [str(BIN / "uwsgi"), "--ini", str(folder / "probed.ini")]


def _servers(kind: str, folder: Path) -> Iterator[Servers]:
    servers = Servers(kind, folder)
    yield servers
    servers.end()


@pytest.fixture
def start(kind: str, tmp_path: Path) -> Iterator[Servers]:
    """Starts a server for one test: `start(MAX_CLIENTS="3")`."""
    yield from _servers(kind, tmp_path)


@pytest.fixture(scope="session")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The server as users start it, shared by all tests that leave no trace but their own people."""
    for servers in _servers(kind, tmp_path_factory.mktemp(kind)):
        yield servers(ALLOWED_ORIGINS="https://friend.example")


@pytest.fixture(scope="session")
def probed(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The server with a look inside (probed.py), shared."""
    for servers in _servers(kind, tmp_path_factory.mktemp(f"{kind}-probed")):
        server = servers(probed=True, ALLOWED_ORIGINS="https://friend.example", MODULES="tests.jobs")
        # uWSGI's router notices that a stream's client went when it cannot pass a comment on: not every 15 s here
        fetch(server.port, "POST", "/_comments/0.5")
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def any_server(
    request: pytest.FixtureRequest, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServer]:
    """The server on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("server")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    for servers in _servers(kind, tmp_path_factory.mktemp(f"{kind}-postgresql")):
        yield servers(database_url=postgres.new_database())


@pytest.fixture
def three(server: AppServer) -> Three:
    """Three new people of `server`."""
    return people_of(server)


@pytest.fixture
def anywhere(any_server: AppServer) -> Three:
    """Three new people of `any_server`."""
    return people_of(any_server)


@pytest.fixture
def watched(probed: AppServer) -> Three:
    """Three new people of `probed`."""
    return people_of(probed)
