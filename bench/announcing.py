"""`python -m bench.announcing`: what it costs to tell everyone, and for how long an inbox is locked meanwhile.

First to those who are connected, each of another user: a POST /api/announcements, until the last of them has its event,
which by then is stored in that user's inbox. Beside it, in the same run, what Flask-SocketIO's broadcast of the same
frame costs, which stores nothing. Then to very many who are not connected, in this process, on SQLite and on
PostgreSQL, with the time of each batch: for so long at most its inboxes were locked.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from myapp import create_app
from myapp.announcements import service as announcements
from myapp.announcements.batches import announce
from myapp.db import Database
from myapp.inbox import badges
from myapp.notifications.content import check
from myapp.schema import upgrade_schema
from tests.support import shared_postgres

from .events import WAKE_UP
from .measuring import Bench, bench
from .process import machine, memory_bytes
from .report import Rows, plain
from .requests import post
from .servers import ROOT, AppServer, World

KINDS = ("uwsgi-socket", "pywsgi", "flask-socketio")
SECRET = "a secret that only the benchmark knows"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--connected", type=int, default=2000)
    asked.add_argument("--users", type=int, default=100_000)
    asked.add_argument("--times", type=int, default=10, help="announcements to those who are connected")
    asked.add_argument("--server", nargs="+", choices=KINDS, default=KINDS, help="for those who are connected")
    given = asked.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, given.connected + 500)), hard))
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        print("", plain(_connected(Path(folder), given.server, given.connected, given.times)), sep="\n", flush=True)
        print("", plain(_absent(Path(folder), given.users)), sep="\n", flush=True)
    return 0


def _connected(folder: Path, kinds: Sequence[str], count: int, times: int) -> Rows:
    world = World(folder, count, "off")
    token = _system_token(world)
    rows: Rows = [(f"to {count:,} connected users", "CPU, us each", "all have it, ms: median", "slowest")]
    for kind in kinds:
        with bench(world, kind) as it:
            it.park(range(1, count + 1))
            request = _request(it, token)
            it.load.call("deliver", request, 2, count)  # warms it up
            figure, result = it.cost(times * count, "deliver", request, times, count)
            took = [1000 * latency for latency in result.latencies]
            rows.append((kind, f"{1000 * figure.value:.1f}", f"{statistics.median(took):.0f}", f"{max(took):.0f}"))
    return rows


def _request(it: Bench, token: str) -> bytes:
    if not isinstance(it.server, AppServer):
        return it.dialect.get("/bench/announce")
    headers = f"Authorization: Bearer {token}\r\n"
    made = post(it.server.port, "/api/announcements", json.dumps({"title": WAKE_UP}), headers)
    return it.server.dialect.wrap(made)


def _system_token(world: World) -> str:
    """A system in the seeded database, which every server gets a copy of."""

    def flask(*args: str) -> str:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *args]
        environ = world.environment(world.database, 0)
        return subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout

    flask("systems", "add", "bench")
    return flask("systems", "token", "bench").strip()


def _absent(folder: Path, count: int) -> Rows:
    title = f"to {count:,} users who are away"
    rows: Rows = [(title, "seconds", "batches", "longest, ms", "p99", "CPU, us each", "memory, MB: before", "after")]
    server = shared_postgres()
    urls = {"SQLite": f"sqlite:///{folder / 'many.sqlite3'}", "PostgreSQL": server.new_database()}
    for name, url in urls.items():
        app = create_app({"MYAPP_DATABASE_URL": url, "MYAPP_SECRET_KEY": SECRET}, instance_path=str(folder))
        upgrade_schema(app)
        rows.append((name, *_tell(app, count)))
        app.extensions["myapp"].database.close()
    return rows


def _tell(app: Flask, count: int) -> tuple[str, ...]:
    database: Database = app.extensions["myapp"].database
    _fill(database, count)
    with database.transaction() as transaction:
        number, _ = announcements.create(transaction, check("Maintenance on Sunday", "From three to four."))
    batches: list[float] = []
    memory, began, used = memory_bytes(os.getpid()), time.perf_counter(), time.process_time()
    announce(database, number, note=batches.append)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    with database.read() as connection:
        found = announcements.by_number(connection, number)
    assert found.reached == count, f"{found.reached} have it"
    batches.sort()
    longest, p99 = 1000 * batches[-1], 1000 * batches[int(0.99 * len(batches))]
    memories = (f"{memory / 2**20:.0f}", f"{memory_bytes(os.getpid()) / 2**20:.0f}")
    return (f"{seconds:.1f}", str(len(batches)), f"{longest:.0f}", f"{p99:.0f}", f"{1e6 * cpu / count:.1f}", *memories)


def _fill(database: Database, count: int) -> None:
    """Users with inboxes, by plain SQL: `flask seed` makes tokens too."""
    for start in range(1, count + 1, 5000):
        numbers = range(start, min(start + 5000, count + 1))
        users = ", ".join(f"({n}, 'u{n}', 'u{n}', 'u{n}', false, 0)" for n in numbers)
        inboxes = ", ".join(f"({n}, 0, 0, '{badges.NONE}')" for n in numbers)
        with database.transaction() as transaction:
            columns = "id, name, display_name, search_name, is_admin, created_at"
            transaction.driver.execute(f"INSERT INTO users ({columns}) VALUES {users}")
            transaction.driver.execute(f"INSERT INTO inboxes (user_id, seq, trimmed, badges) VALUES {inboxes}")


if __name__ == "__main__":
    sys.exit(main())
