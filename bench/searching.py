"""`python -m bench.searching`: what a search takes beside very many messages of other people, and filling the index.

On SQLite and on PostgreSQL, in this process, without HTTP. The messages and posts are there before the index, as in an
update: it is filled in batches, for so long as each of which nothing else is written on SQLite. Then somebody with some
messages searches, and on SQLite a worker does nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

from flask import Flask

from myapp import create_app
from myapp.auth.people import Person
from myapp.db import Database
from myapp.schema import upgrade_schema
from myapp.search import catching_up, service
from myapp.search.query import parse
from tests.support import shared_postgres

from .process import machine, memory_bytes
from .report import Rows, plain

SECRET = "a secret that only the benchmark knows"
#: Words that are made up, of which the first are the most frequent; and of a text.
VOCABULARY, LENGTH = 20_000, 12
ME, OTHERS = 1, 2000
TIMES = 21


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--others", type=int, default=1_000_000, help="messages of other people")
    asked.add_argument("--own", type=int, default=5000, help="messages of who searches")
    asked.add_argument("--posts", type=int, default=100_000)
    given = asked.parse_args()
    print(machine(), flush=True)
    filled: Rows = [("index", "seconds", "batches", "longest, ms", "p99", "CPU, us a text", "MB", "memory grew, MB")]
    searched: dict[str, tuple[str, ...]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        urls = {
            "SQLite": lambda: f"sqlite:///{Path(folder) / 'many.sqlite3'}",
            "PostgreSQL": lambda: shared_postgres().new_database(),
        }
        for name, url in urls.items():
            app = create_app({"MYAPP_DATABASE_URL": url(), "MYAPP_SECRET_KEY": SECRET}, instance_path=folder)
            upgrade_schema(app)
            filled.append((name, *_fill(app, given.others, given.own, given.posts)))
            for row, figures in _search(app.extensions["myapp"].database):
                searched[row] = (*searched.get(row, ()), *figures)
            app.extensions["myapp"].database.close()
    head = (
        "search, ms: median and longest",
        *(f"{name}{more}" for name in urls for more in ("", ", longest", ", hits")),
    )
    print("", plain(filled), "", plain([head, *((row, *figures) for row, figures in searched.items())]), sep="\n")
    return 0


def _fill(app: Flask, others: int, own: int, posts: int) -> tuple[str, ...]:
    database: Database = app.extensions["myapp"].database
    _store(database, others, own, posts)
    print(f"{database.dialect}: all is stored", file=sys.stderr, flush=True)
    size, memory = _size(database), memory_bytes(os.getpid())
    batches: list[float] = []
    began, used = time.perf_counter(), time.process_time()
    while catching_up.catch_up(database, 60, note=batches.append):
        pass
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    print(f"{database.dialect}: all is indexed", file=sys.stderr, flush=True)
    batches.sort()
    return (
        f"{seconds:.0f}",
        str(len(batches)),
        f"{1000 * batches[-1]:.0f}",
        f"{1000 * batches[int(0.99 * len(batches))]:.1f}",
        f"{1e6 * cpu / (others + own + posts):.0f}",
        f"{(_size(database) - size) / 2**20:.0f}",
        f"{(memory_bytes(os.getpid()) - memory) / 2**20:.0f}",
    )


def _size(database: Database) -> int:
    """Bytes of the whole database."""
    with database.read() as connection:
        if connection.dialect == "sqlite":
            sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        else:
            sql = "SELECT pg_database_size(current_database())"
        return int(connection.driver.execute(sql).fetchone()[0])


def _words(chance: random.Random) -> Callable[[], str]:
    """Makes texts: few words are frequent, most are rare (Zipf)."""
    letters = "eeeeaaaiioounnrrttssllddhhgcmpbfvkwzj"
    known = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(VOCABULARY)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(VOCABULARY)))
    return lambda: " ".join(chance.choices(known, cum_weights=weights, k=LENGTH))


def _store(database: Database, others: int, own: int, posts: int) -> None:
    """By plain SQL, and none of it in the index."""
    chance = random.Random(7)
    text = _words(chance)

    def people() -> Iterator[str]:
        for number in range(1, OTHERS + 2):
            yield f"({number}, 'u{number}', 'u{number}', 'u{number}', false, 0)"

    def messages() -> Iterator[str]:
        mine = set(chance.sample(range(others + own), own))
        for number in range(others + own):
            a, b = chance.sample(range(2, OTHERS + 2), 2)
            a = ME if number in mine else a
            yield f"({a}, {b}, {min(a, b)}, {max(a, b)}, '{text()}', {number}, 1)"

    def feed() -> Iterator[str]:
        for number in range(posts):
            yield f"({chance.randint(2, OTHERS + 1)}, '{text()}', {number}, 1, 0, 0, 0)"

    _insert(database, "users (id, name, display_name, search_name, is_admin, created_at)", people())
    _insert(database, "messages (from_id, to_id, low_id, high_id, body, at, seq)", messages())
    _insert(database, "posts (author_id, body, at, version, likes, dislikes, replies)", feed())
    with database.transaction() as transaction:
        for kind in ("messages", "posts"):
            newest = f"(SELECT max(id) FROM {kind})"
            transaction.driver.execute(f"UPDATE search_marks SET upto = 0, goal = {newest} WHERE kind = '{kind}'")


def _insert(database: Database, where: str, rows: Iterator[str]) -> None:
    while some := [row for row, _ in zip(rows, range(5000), strict=False)]:
        with database.transaction() as transaction:
            transaction.driver.execute(f"INSERT INTO {where} VALUES {', '.join(some)}")


def _search(database: Database) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Time and hits of each query."""
    with database.read() as connection:
        [[body]] = connection.driver.execute(
            f"SELECT body FROM messages WHERE from_id = {ME} ORDER BY id LIMIT 1"
        ).fetchall()
    frequent = _words(random.Random(7))
    counted: dict[str, int] = {}
    for word in " ".join(frequent() for _ in range(2000)).split():
        counted[word] = counted.get(word, 0) + 1
    often = sorted(counted, key=lambda word: -counted[word])
    queries = {
        "a frequent word": often[0],
        "two frequent words": f"{often[0]} {often[1]}",
        "a phrase of them": f'"{often[0]} {often[1]}"',
        "words of an old message": body,
        "the beginning of many words": "e",
        "a word that nobody has": "qqqq",
    }
    for who, finder in (("messages", service.search_messages), ("posts", service.search_posts)):
        for name, query in queries.items():
            took, hits = [], 0
            for _ in range(TIMES):
                began = time.perf_counter()
                with database.snapshot() as connection:
                    found = finder(connection, Person(ME, "u1", "u1"), parse(query[:200]), service.NEWEST, 20)
                took.append(1000 * (time.perf_counter() - began))
                hits = len(found.hits)
            yield f"{who}: {name}", (f"{statistics.median(took):.1f}", f"{max(took):.1f}", str(hits))


if __name__ == "__main__":
    sys.exit(main())
