"""The application on a real server with a database of its own, and the processes that its CPU is counted in."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("uwsgi", "pywsgi")
PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class World:
    """A folder with a seeded database, of which each server gets a copy, so that none inherits another's messages."""

    def __init__(self, folder: Path, users: int, rate_limits: str) -> None:
        self.folder = folder
        self.rate_limits = rate_limits
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
            "MYAPP_DATABASE_URL": f"sqlite:///{database}",
            "MYAPP_PORT": str(port),
            "MYAPP_RATE_LIMITS": self.rate_limits,
            "MYAPP_MAX_CLIENTS_PER_USER": "0",
            "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0",
        }


class Server:
    """One server process tree, started on entering and gone on leaving.

    uWSGI runs with uwsgi.ini and is asked through its HTTP router, as deployed without nginx. With `probed` the same
    application has the routes of bench.probed in front of it.
    """

    def __init__(self, world: World, kind: str, *, probed: bool = False) -> None:
        self.kind = kind
        self.port = free_port()
        self.folder = world.folder / f"{kind}-{self.port}"
        self.folder.mkdir()
        database = self.folder / "bench.sqlite3"
        shutil.copy(world.database, database)
        self.environ = world.environment(database, self.port)
        self.log = self.folder / "log"
        if kind == "uwsgi":
            self.command = [str(Path(sys.executable).parent / "uwsgi"), "--ini", "uwsgi.ini"]
            self.command += ["--module", "bench.probed:application"] if probed else []
        else:
            self.command = [sys.executable, *(("-m", "bench.probed") if probed else ("wsgi.py",))]
        self.process: subprocess.Popen[bytes] | None = None
        self.worker = 0
        self.router: int | None = None

    def __enter__(self) -> Server:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._end()
            raise
        self.worker = self._pid("worker 1") if self.kind == "uwsgi" else self.process.pid
        self.router = self._pid("http 1") if self.kind == "uwsgi" else None
        return self

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
                self.get("/readyz")
                return
            time.sleep(0.05)

    def _pid(self, what: str) -> int:
        found = re.search(rf"spawned uWSGI {what} \(pid: (\d+)", self.log.read_text())
        if found is None:
            raise RuntimeError(f"uWSGI's log names no {what}")
        return int(found[1])

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

    def parked(self, transport: str) -> int:
        """How many clients the worker says wait in it."""
        found = re.search(rf'^myapp_parked_clients{{transport="{transport}"}} (\S+)', self.get("/metrics"), re.M)
        return int(float(found[1])) if found else 0

    def turns(self) -> tuple[float, float]:
        """Of a probed worker's loop since this was last asked, in ms: the longest turn, and the most CPU of one."""
        found = json.loads(self.get("/bench/turns"))
        return float(found["longest"]), float(found["working"])

    def wait_parked(self, transport: str, count: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while (now := self.parked(transport)) != count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{now} {transport} clients are parked, not {count}")
            time.sleep(0.05)
