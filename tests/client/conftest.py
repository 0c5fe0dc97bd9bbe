"""The Python client against the real servers, and against one that fails as told; by threads and by asyncio."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ..servers.conftest import Servers, closed_connections, start, three
from ..support import AppServer
from .failing import FailingServer
from .speaking import Speakers

__all__ = ["Servers", "closed_connections", "start", "three"]

#: What they try is the same whatever it talks to, and each of their tests takes a process: one server for them.
BY_PROCESS = ("test_cli.py", "test_readme.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not (item.path.name in BY_PROCESS and "[uwsgi" in item.name)]


@pytest.fixture(scope="session", params=["pywsgi-sync", "uwsgi-async"])
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A server and a kind of client. What a server does is tried with either elsewhere, and both clients are made of
    the same core: so each client meets one of them, and every test runs twice, not four times.
    """
    kind, _, speaker = request.param.partition("-")
    return kind, speaker


@pytest.fixture(scope="session")
def kind(pair: tuple[str, str]) -> str:
    """The kind of server."""
    return pair[0]


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], AppServer]]:
    """The server of each kind as users start it, once it is asked for: tests go back and forth between the kinds."""
    made: dict[str, Servers] = {}

    def server_of(kind: str) -> AppServer:
        if kind not in made:
            made[kind] = Servers(kind, tmp_path_factory.mktemp(kind))
            made[kind]()
        return made[kind].started[0]

    yield server_of
    for servers in made.values():
        servers.end()


@pytest.fixture(scope="session")
def server(kind: str, kept: Callable[[str], AppServer]) -> AppServer:
    """Shared by all tests that leave no trace but their own people."""
    return kept(kind)


@pytest.fixture
def mortal(server: AppServer) -> Iterator[AppServer]:
    """The shared server, for a test that kills it and starts it again; where the test did not come to that, it is done
    here.
    """
    yield server
    if not server.is_running:
        server.start()


@pytest.fixture
def speakers(pair: tuple[str, str]) -> Iterator[Speakers]:
    """Makes clients of one kind; what is asked of one is asked of the other. All are closed behind the test."""
    speakers = Speakers(pair[1])
    yield speakers
    speakers.close()


@pytest.fixture
def failing() -> Iterator[FailingServer]:
    server = FailingServer()
    yield server
    server.close()
