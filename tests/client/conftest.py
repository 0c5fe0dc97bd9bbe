"""The Python client against the real servers, and against one that fails as told; by threads and by asyncio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..servers.conftest import Servers, closed_connections, kind, server, start, three
from .failing import FailingServer
from .speaking import Speakers

__all__ = ["Servers", "closed_connections", "kind", "server", "start", "three"]


@pytest.fixture(params=["sync", "async"])
def speakers(request: pytest.FixtureRequest) -> Iterator[Speakers]:
    """Makes clients of one kind; what is asked of one is asked of the other. All are closed behind the test."""
    speakers = Speakers(request.param)
    yield speakers
    speakers.close()


@pytest.fixture
def failing() -> Iterator[FailingServer]:
    server = FailingServer()
    yield server
    server.close()
