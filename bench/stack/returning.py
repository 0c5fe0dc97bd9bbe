"""Thousands of clients that come back at once, each some events behind, while others look at pages."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .. import requests
from ..exchange import Result
from ..wire import Greeting
from . import people
from .running import WORKERS, Ours, ours

#: People who look at pages, and how many pages a second they look at together.
READERS, PAGES = 10, 10.0
#: Pages are asked for no longer than this.
MOST_SECONDS = 120
#: How often a client comes again that was refused.
TRIES = 20


@dataclass(frozen=True, slots=True)
class Returning:
    """`clients` in `coming`, the pages asked meanwhile, and the most connections that the workers had to PostgreSQL."""

    clients: int
    coming: Result
    pages: Result
    connections: int
    allowed: int

    @property
    def refused(self) -> Counter[int]:
        """Answers but 101, by status; 0 is a connection that was reset."""
        return Counter({status: count for status, count in self.coming.statuses.items() if status != 101})


def returning(clients: int, behind: int) -> Returning:
    """All begin to connect at the same moment; each is current when it was given all that it had missed."""
    with ours(clients + READERS, noted=False) as it, it.generator() as load, it.generator() as readers:
        people.fill(it.database_url, clients, behind)
        pages = _pages(it, clients)
        readers.call("exchange", pages, 1)  # warms it up
        made = [it.dialect.handshake(user) for user in range(1, clients + 1)]
        # hello, and the events
        greeting = Greeting(1 + behind)
        with _counted(it) as most:
            readers.begin("visit", pages * int(PAGES * MOST_SECONDS / READERS), PAGES)
            coming = load.call("connect", made, clients, greeting, TRIES)
            seen = readers.finish()
        pool = int(it.stack.settings.get("MYAPP_DATABASE_POOL", "5"))
        return Returning(clients, coming, seen, max(most), WORKERS * pool)


def _pages(it: Ours, clients: int) -> list[bytes]:
    """The first page, of people who have talked to all the others of them."""
    readers = range(clients + 1, clients + READERS + 1)
    with it.generator() as load:
        talk = [
            it.dialect.message(a, b, n) for n, (a, b) in enumerate((a, b) for a in readers for b in readers if a != b)
        ]
        load.call("exchange", talk, 4)
    cookies = [requests.sign_in(it.port, f"u{user}", f"127.0.2.{n + 1}") for n, user in enumerate(readers)]
    return [it.dialect.get("/", f"Cookie: {cookie}\r\n{requests.BROWSER}") for cookie in cookies]


@contextmanager
def _counted(it: Ours) -> Iterator[list[int]]:
    """How many connections the workers had to their database, looked at again and again."""
    seen = [0]
    is_over = threading.Event()

    def look() -> None:
        with people.connect(it.database_url) as own:
            while not is_over.wait(0.05):
                row = own.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchone()
                seen.append(int(str(row[0])) if row else 0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()
