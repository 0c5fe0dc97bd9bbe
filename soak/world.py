"""What a run consists of: the real stack, the proxy before Redis, the people, and what is known of them."""

from __future__ import annotations

import contextlib
import random
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from stack import Stack, wait_for

from .asking import Asker
from .backup import ROOT, Backup
from .disk import Disk
from .ledger import Ledger
from .readers import Reader
from .record import Record
from .redis_proxy import RedisProxy
from .tables import read_epoch, read_heads
from .transports import WAYS
from .wire import Ended, fetch
from .writers import Writer

#: Of so many readers of a run one has no way of its own; the others keep to one each, in turn.
RESTLESS_EVERY = 6
#: All people of a run have one address, and some have many readers.
WITHOUT_LIMITS = {
    "MYAPP_RATE_LIMITS": "off",
    "MYAPP_MAX_CLIENTS_PER_USER": "0",
    "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0",
}


class World:
    """Start it once; `close` ends everything that it started."""

    def __init__(self, folder: Path, record: Record, *, with_disk: bool, workers: int = 2) -> None:
        self.record = record
        self.folder = folder
        self.writers: list[Writer] = []
        self.readers: list[Reader] = []
        self.disk = Disk(folder / "postgres")
        self._with_disk = with_disk
        self.proxy = RedisProxy()
        self.stack = Stack(folder, workers=workers, environ={"MYAPP_REDIS_URL": self.proxy.url, **WITHOUT_LIMITS})
        self.proxy.upstream = self.stack.redis.port
        self.ledger: Ledger

    def start(self, people: int) -> None:
        """All programs answer, and there are so many people with a token each."""
        if self._with_disk:
            self.disk.mount()
        self.proxy.start()
        self.stack.start()
        self.tokens = self._seed(people)
        name = urlsplit(self.stack.environ["MYAPP_DATABASE_URL"]).path.lstrip("/")
        self.backup = Backup(self.stack.postgres, name, self.stack.environ, self.folder)
        self.dsn = self.backup.dsn(name)
        self.ledger = Ledger(read_epoch(self.dsn))
        wait_for(self.is_ready, "the stack to be ready")

    def _seed(self, people: int) -> dict[str, str]:
        file = self.folder / f"tokens-{secrets.token_hex(4)}"
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "seed", f"--users={people}", f"--tokens-out={file}"]
        subprocess.run(command, cwd=ROOT, env=self.stack.environ, check=True, capture_output=True, timeout=120)
        tokens = dict(line.split() for line in file.read_text().splitlines())
        file.unlink()
        return tokens

    def populate(self, readers: int, rate: float, seed: int) -> None:
        """One writer for each of the people, about `rate` messages a second in all; and the readers, in turn."""
        lots = random.Random(seed)
        users = list(self.tokens)
        for user in users:
            others = [other for other in users if other != user]
            asker = Asker(self.port, self.tokens[user], self.record)
            each = rate / len(users)
            self.writers.append(
                Writer(user, others, asker, self.ledger, self.record, rate=each, seed=lots.randrange(10**9))
            )
        ways = list(WAYS)
        for number in range(readers):
            user = users[number % len(users)]
            way = (
                None
                if number % RESTLESS_EVERY == RESTLESS_EVERY - 1
                else ways[(number + number // len(users)) % len(ways)]
            )
            asker = Asker(self.port, self.tokens[user], self.record)
            self.readers.append(
                Reader(number, user, asker, self.ledger, self.record, way=way, seed=lots.randrange(10**9))
            )

    @property
    def port(self) -> int:
        """nginx's."""
        return self.stack.nginx.port

    @property
    def loaded(self) -> int:
        """How often a worker of this uWSGI has loaded the application and begun to serve."""
        return self.stack.uwsgi.log_of_this_run().count("WSGI app 0 (mountpoint='') ready")

    def is_ready(self) -> bool:
        """Whether nginx says that the application is, several times in a row: each worker may be the one asked."""
        try:
            return all(fetch(self.port, "GET", "/readyz").status == 200 for _ in range(4))
        except (OSError, Ended, AssertionError):
            return False

    def metric(self, name: str) -> float:
        """A figure of /metrics, of all workers together; 0 where it is not there yet."""
        lines = fetch(self.port, "GET", "/metrics").body.decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")), 0.0)

    def seq_of(self, user: str) -> int:
        """The last seq of an inbox, as the tables have it."""
        return self.seqs()[user]

    def seqs(self) -> dict[str, int]:
        return read_heads(self.dsn)

    def close(self) -> None:
        for reader in self.readers:
            reader.end()
        for writer in self.writers:
            writer.finish()
        with contextlib.suppress(Exception):
            self.proxy.close()
        try:
            self.stack.kill()
        finally:
            self.disk.unmount()
