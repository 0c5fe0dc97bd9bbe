"""nginx with our own files, in front of the application by HTTP and by uWSGI's protocol: the same holds for both."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import Nginx
from stack.nginx import LOCATION

from ..support import AppServer, free_port

WAYS = ("router", "uwsgi_pass")


class SocketServer(AppServer):
    """uWSGI at a socket of its own protocol."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        super().__init__("uwsgi", folder, PORT=str(port), SOCKET=f"127.0.0.1:{port}", **OPTIONS)

    def answers(self) -> bool:
        return "WSGI app 0 (mountpoint='') ready" in self.log_of_this_run()


OPTIONS = {"RELOAD_FILE": "reload", "MODULES": "tests.jobs", "ACCEL_REDIRECT": LOCATION}


@pytest.fixture(scope="session", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How nginx asks uWSGI."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def server(way: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    folder = tmp_path_factory.mktemp("uwsgi")
    OPTIONS["RELOAD_FILE"] = str(folder / "reload")
    (folder / "reload").touch()
    server = AppServer("uwsgi", folder, **OPTIONS) if way == "router" else SocketServer(folder)
    server.people.add("alice", "bob")
    server.start()
    yield server
    server.kill()
    server.app.extensions["myapp"].database.close()


@pytest.fixture(scope="session")
def nginx(way: str, server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), f"127.0.0.1:{server.port}", uwsgi=way == "uwsgi_pass")
    nginx.results = server.folder / "results"
    nginx.start()
    server.url = nginx.url  # its figures are asked for there
    yield nginx
    nginx.stop()


@pytest.fixture
def tokens(server: AppServer) -> list[str]:
    return server.people.tokens("alice", "bob")


class Upstream:
    """In place of the application: keeps what it is sent, and hangs up."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.heads.append(connection.recv(65536))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def before_upstream(way: str, upstream: Upstream, tmp_path: Path) -> Iterator[Nginx]:
    """nginx in front of `upstream`."""
    nginx = Nginx(tmp_path, upstream.address, uwsgi=way == "uwsgi_pass").start()
    upstream.heads.clear()
    yield nginx
    nginx.stop()


@pytest.fixture
def alone(way: str, tmp_path: Path) -> Iterator[Nginx]:
    """nginx whose application is away."""
    nginx = Nginx(tmp_path, f"127.0.0.1:{free_port()}", uwsgi=way == "uwsgi_pass").start()
    yield nginx
    nginx.stop()
