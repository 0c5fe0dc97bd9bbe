"""The application on a real server with a database of its own, and the processes that its CPU is counted in."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from stack import free_port

from .dialects import AppDialect, BareDialect, Dialect, PeerDialect, SocketioDialect

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0


class World:
    """A folder with a seeded database, of which each server gets a copy, so that none inherits another's messages.

    Or with an empty one of PostgreSQL at `url`, which is seeded and used as it is.
    """

    def __init__(self, folder: Path, users: int, rate_limits: str, url: str = "") -> None:
        self.folder = folder
        self.rate_limits = rate_limits
        self.url = url
        self.database = folder / "seeded.sqlite3"
        tokens = folder / "tokens"
        flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
        seed = ["seed", "--users", str(users), "--tokens-out", str(tokens)]
        subprocess.run(
            [*flask, *seed], cwd=ROOT, env=self.environment(self.database, 0), check=True, stdout=subprocess.DEVNULL
        )
        #: tokens[0] is u1's
        self.tokens = [line.split()[1] for line in tokens.read_text().splitlines()]

    def environment(self, database: Path, port: int) -> dict[str, str]:
        """Settings as deployed, but that one address may be everybody."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "MYAPP_SECRET_KEY": "a secret that only the benchmark knows",
            "MYAPP_DATABASE_URL": self.url or f"sqlite:///{database}",
            "MYAPP_PORT": str(port),
            "MYAPP_RATE_LIMITS": self.rate_limits,
            "MYAPP_MAX_CLIENTS_PER_USER": "0",
            "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0",
        }


def _copy(database: Path, to: Path) -> None:
    """With what a command has left beside it: none closes its connections at its end."""
    with contextlib.closing(sqlite3.connect(database)) as old, contextlib.closing(sqlite3.connect(to)) as new:
        old.backup(new)


class Server(ABC):
    """One server process tree, started on entering and gone on leaving.

    It speaks HTTP on `port`; the load goes to `load_port`. `worker` and `router` are process ids.
    """

    #: a path that is answered with 200 when the server is ready
    ready = ""
    #: whether a connection carries more than one request
    is_kept = True
    dialect: Dialect

    def __init__(self, world: World, kind: str) -> None:
        self.kind = kind
        self.port = self.load_port = free_port()
        self.folder = world.folder / f"{kind}-{self.port}"
        self.folder.mkdir()
        self.log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.worker = 0
        self.router: int | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command line."""

    @abstractmethod
    def environ(self) -> dict[str, str]:
        """Its environment."""

    @abstractmethod
    def parked(self, transport: str) -> int:
        """How many clients the worker says wait in it."""

    def __enter__(self) -> Server:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=self.environ(), stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_until_it_answers()
            self.worker = self.process.pid
            self.learn()
        except BaseException:
            self._end()
            raise
        return self

    def learn(self) -> None:  # noqa: B027 - most have nothing to learn
        """It answers: find in its log what is needed."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind} does not answer; the end of its log:\n{self.log.read_text()[-3000:]}")
            with contextlib.suppress(urllib.error.URLError, OSError):
                self.get(self.ready)
                return
            time.sleep(0.05)

    def _end(self) -> None:
        """SIGTERM, then SIGKILL for the whole group; its files go too."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):  # what is left is killed next
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        shutil.rmtree(self.folder)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def wait_parked(self, transport: str, count: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while (now := self.parked(transport)) != count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{now} {transport} clients are parked, not {count}")
            time.sleep(0.05)


class AppServer(Server):
    """The application. With `probed` it has the routes of bench.probed in front of it.

    uWSGI runs with uwsgi.ini as it is. "uwsgi" is asked through its HTTP router, as deployed without nginx;
    "uwsgi-socket" at the socket that this router itself, or an nginx with uwsgi_pass, would ask: the worker's own.
    """

    ready = "/readyz"

    def __init__(self, world: World, kind: str, *, probed: bool = False, settings: Mapping[str, str] = {}) -> None:
        super().__init__(world, kind)
        self.is_kept = kind != "uwsgi-socket"
        self.dialect: AppDialect = AppDialect(self.port, world.tokens, is_uwsgi=not self.is_kept)
        self._probed = probed
        database = self.folder / "bench.sqlite3"
        if not world.url:
            _copy(world.database, database)
        self._environ = {**world.environment(database, self.port), **settings}
        if kind == "uwsgi-socket":
            # by default half of its descriptors, as the router needs two for each client
            self._environ["MYAPP_MAX_CLIENTS"] = "0"

    def command(self) -> list[str]:
        if self.kind == "pywsgi":
            return [sys.executable, *(("-m", "bench.probed") if self._probed else ("wsgi.py",))]
        uwsgi = [str(Path(sys.executable).parent / "uwsgi"), "--ini", "uwsgi.ini"]
        return uwsgi + (["--module", "bench.probed:application"] if self._probed else [])

    def environ(self) -> dict[str, str]:
        return self._environ

    def learn(self) -> None:
        if self.kind == "pywsgi":
            return
        self.worker = self._logged(r"spawned uWSGI worker 1 \(pid: (\d+)")
        if self.kind == "uwsgi":
            self.router = self._logged(r"spawned uWSGI http 1 \(pid: (\d+)")
        else:
            self.load_port = self._logged(r"uwsgi socket 0 bound to TCP address 127\.0\.0\.1:(\d+)")

    def _logged(self, pattern: str) -> int:
        found = re.search(pattern, self.log.read_text())
        if found is None:
            raise RuntimeError(f"uWSGI's log has no {pattern!r}")
        return int(found[1])

    def parked(self, transport: str) -> int:
        found = re.search(rf'^myapp_parked_clients{{transport="{transport}"}} (\S+)', self.get("/metrics"), re.M)
        return int(float(found[1])) if found else 0

    def turns(self) -> tuple[float, float]:
        """Of a probed worker's loop since this was last asked, in ms: the longest turn, and the most CPU of one."""
        found = json.loads(self.get("/bench/turns"))
        return float(found["longest"]), float(found["working"])


class PeerServer(Server):
    """One of bench.peers."""

    ready = "/bench/empty"
    dialects = {"flask-sock": PeerDialect, "flask-socketio": SocketioDialect, "bare": BareDialect}
    modules = {"flask-sock": "with_flask_sock", "flask-socketio": "with_socketio", "bare": "bare"}

    def __init__(self, world: World, kind: str) -> None:
        super().__init__(world, kind)
        self.dialect = self.dialects[kind](self.port)

    def command(self) -> list[str]:
        return [sys.executable, "-m", f"bench.peers.{self.modules[self.kind]}", str(self.port)]

    def environ(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    def parked(self, transport: str) -> int:
        return int(self.get("/bench/parked")) if transport == "websocket" else 0
