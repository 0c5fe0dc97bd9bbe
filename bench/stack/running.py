"""The stacks that are measured: the application's, and one of Flask-SocketIO. Each runs from entering to leaving."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from myapp.operations import PATH, sign
from stack import Nginx, Postgres, Program, Redis, Stack, free_port

from .. import requests
from ..dialects import AppDialect, Dialect, SocketioDialect
from ..generator import Generator
from ..peers import socketio_schema
from ..servers import ROOT
from . import people

WORKERS = 2
PATIENCE = 60.0
#: By what nginx asks uWSGI; and the peer.
UWSGI, PROXY, SOCKETIO = "uwsgi_pass", "proxy_pass", "Flask-SocketIO"
KINDS = (UWSGI, PROXY, SOCKETIO)
#: As deployed, but that one address may be everybody.
SETTINGS = {"MYAPP_MAX_CLIENTS_PER_USER": "0", "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0"}


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that runs; `parts` are the process ids of each one's main processes, by its name."""

    port: int
    dialect: Dialect
    parts: dict[str, list[int]]
    redis: Redis
    database_url: str

    def generator(self) -> Generator:
        """One that asks nginx."""
        return Generator(self.port, True)


@dataclass(frozen=True, slots=True)
class Ours(Running):
    """The application's."""

    stack: Stack
    tokens: list[str]

    def app_dialect(self, *, is_uwsgi: bool = False) -> AppDialect:
        """As nginx is asked; or as the workers' own socket is."""
        return AppDialect(self.stack.uwsgi.port if is_uwsgi else self.port, self.tokens, is_uwsgi=is_uwsgi)

    def stats(self) -> dict[str, dict[str, object]]:
        """What each worker says of itself, as `flask live stats` shows it."""
        key, body = self.stack.settings["MYAPP_SECRET_KEY"], b'{"question": "stats"}'
        headers = {"Authorization": f"Bearer {sign(key, body)}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.stack.url}{PATH}", body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            workers: dict[str, dict[str, object]] = json.load(answer)["workers"]
            return workers

    def parked(self) -> list[int]:
        """How many wait in each worker."""
        return [sum(said["clients"].values()) for said in self.stats().values()]  # type: ignore[attr-defined]  # JSON

    def wait_parked(self, count: int) -> list[int]:
        """Until so many wait in all workers together. Raises RuntimeError."""
        deadline = time.monotonic() + PATIENCE
        while sum(found := self.parked()) != count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{found} clients wait in the workers, not {count} together")
            time.sleep(0.1)
        return found


@contextmanager
def ours(
    users: int, *, router: bool = False, workers: int = WORKERS, noted: bool = True, settings: Mapping[str, str] = {}
) -> Iterator[Ours]:
    """As `make stack` runs it, with so many users."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stack = Stack(Path(folder), workers=workers, environ={**SETTINGS, **settings}, router=router)
        try:
            stack.start()
            url = stack.settings["MYAPP_DATABASE_URL"]
            tokens = people.make(url, users, noted=noted)
            dialect = AppDialect(stack.nginx.port, tokens, is_uwsgi=False)
            parts = {program.name: [program.pid] for program in stack.programs}
            yield Ours(stack.nginx.port, dialect, parts, stack.redis, url, stack, tokens)
        finally:
            stack.kill()


class Worker(Program):
    """One process of the peer, with gevent."""

    executable = "python"

    def __init__(self, folder: Path, number: int, environ: Mapping[str, str]) -> None:
        self.name = f"worker-{number}"
        super().__init__(folder)
        self.port = free_port()
        self.environ = {**os.environ, **environ, "PYTHONPATH": str(ROOT)}
        self.command = [sys.executable, "-m", "bench.peers.socketio_stack", str(self.port)]

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/bench/empty", timeout=2).close()
        except OSError:
            return False
        return True


class StickyNginx(Nginx):
    """Our nginx.conf with a worker for each address: Flask-SocketIO demands it, and `ip_hash` takes all of 127.0.1.x
    for one."""

    def __init__(self, folder: Path, upstreams: list[str]) -> None:
        super().__init__(folder, upstreams[0])
        self._upstreams = upstreams

    def prepare(self) -> None:
        super().prepare()
        file = self.home / self.main_file
        rest, count = re.subn(rf"\n *server {self._upstreams[0]}[^;]*;", "", file.read_text())
        servers = " ".join(f"server {upstream} max_fails=0;" for upstream in self._upstreams)
        text = rest.replace("upstream application {", f"upstream application {{ hash $remote_addr; {servers}")
        if not count or text == rest:
            raise RuntimeError(f"{file} names its upstream otherwise")
        file.write_text(text)


@contextmanager
def socketio(users: int) -> Iterator[Running]:
    """Two processes of Flask-SocketIO behind nginx, with Redis for its message queue, and PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as ends:
        folder = Path(name)

        def start(program: Program) -> Program:
            ends.callback(program.kill)
            return program.start()

        redis, postgres = Redis(folder), Postgres(folder)
        start(redis)
        start(postgres)
        url = postgres.database("peer")
        tokens = socketio_schema.make(url, users)
        environ = {"PEER_DATABASE_URL": url, "PEER_REDIS_URL": redis.url}
        workers = [Worker(folder, number, environ) for number in range(1, WORKERS + 1)]
        for worker in workers:
            start(worker)
        nginx = StickyNginx(folder, [f"127.0.0.1:{worker.port}" for worker in workers])
        start(nginx)
        parts = {
            "nginx": [nginx.pid],
            "uwsgi": [worker.pid for worker in workers],
            "redis": [redis.pid],
            "postgres": [postgres.pid],
        }
        yield Running(nginx.port, PeerOfTheStack(nginx.port, tokens), parts, redis, url)


class PeerOfTheStack(SocketioDialect):
    """Sends with a bearer token."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        super().__init__(port)
        self._tokens = tokens

    def message(self, sender: int, to: int, number: int) -> bytes:
        body = json.dumps({"to": f"u{to}", "body": f"m{number}"})
        bearer = f"Authorization: Bearer {self._tokens[sender - 1]}\r\n"
        return requests.post(self._port, "/messages", body, bearer)


@contextmanager
def running(kind: str, users: int) -> Iterator[Running]:
    """One of KINDS."""
    if kind == SOCKETIO:
        with socketio(users) as it:
            yield it
    else:
        with ours(users, router=kind == PROXY) as it:
            yield it
