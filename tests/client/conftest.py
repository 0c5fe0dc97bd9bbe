"""The Python client against the real servers, and against one that fails as told; by threads and by asyncio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..servers.conftest import Servers, closed_connections, server, start, three
from .failing import FailingServer
from .speaking import Speakers

__all__ = ["Servers", "closed_connections", "server", "start", "three"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The command line is the same whatever it talks to, and each of its tests takes a process: one server for them."""
    items[:] = [item for item in items if not (item.path.name == "test_cli.py" and "[uwsgi" in item.name)]


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
