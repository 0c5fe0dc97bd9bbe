"""PostgreSQL under the real servers: a bounded pool, a server that dies and comes back, two servers on one database."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from ..postgres import PostgresServer
from ..support import AppServer, make_tables, wait_for
from .checker import Checker, stored
from .conftest import Servers
from .someone import Someone, _cookie, _csrf, people_of, wait_until_parked
from .wire import Answer, Wire, fetch, upgrade_bytes

POOL, SOCKETS, POLLS = 5, 1000, 200
HTML = {"Accept": "text/html"}


class Watch:
    """How many connections to a database there have been at once, but for those of tests and of PostgreSQL itself."""

    def __init__(self, postgres: PostgresServer, url: str) -> None:
        self.most = 0
        self._postgres = postgres
        self._name = url.rpartition("/")[2]
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._postgres.connect() as connection:
            while not self._ends.wait(0.01):
                query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
                self.most = max(self.most, connection.execute(query, [self._name]).fetchone()[0])

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()


def leave_to_the_server(server: AppServer) -> None:
    """Close the test's own connections to its database."""
    server.app.extensions["myapp"].database.close()


def at_once(count: int, what: Any) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return [done.result() for done in [pool.submit(what, number) for number in range(count)]]


def test_pages_are_answered_and_the_pool_is_kept_while_many_wait(start: Servers, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    server = start(database_url=url, DATABASE_POOL=str(POOL))
    people = [someone for _ in range(4) for someone in people_of(server)]
    leave_to_the_server(server)
    with Watch(postgres, url) as watch:
        sockets = [people[number % len(people)].websocket() for number in range(SOCKETS)]
        polls = [people[number % len(people)].long_poll(timeout=50) for number in range(POLLS)]
        for transport, count in (("websocket", SOCKETS), ("long-poll", POLLS)):
            wait_for(lambda t=transport, n=count: server.metric("myapp_parked_clients", transport=t) == n, transport)
        pages = at_once(20, lambda number: people[number % len(people)].get("/", HTML).status)
        sends = at_once(20, lambda number: people[number % 3].send(people[3], "hello")["seq"])
    assert pages == [200] * 20
    assert len(sends) == 20
    assert 1 < watch.most <= POOL
    for number in range(3, SOCKETS, len(people)):
        sockets[number].hello()
        assert [event["seq"] for event in sockets[number].events(20)] == [*range(1, 21)]
    for number in range(3, POLLS, len(people)):
        assert polls[number].read_answer().json()["events"]


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One that the test may kill."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"), make_tables).start()
    yield server
    server.stop()


def badges(who: Someone) -> Answer:
    return who.get("/badges")


def test_killed_postgresql_that_comes_back_is_used_again_at_once_and_nothing_is_lost(
    start: Servers, own_postgres: PostgresServer
) -> None:
    server = start(database_url=own_postgres.new_database(), DATABASE_POOL=str(POOL))
    alice, bob, _ = people_of(server)
    leave_to_the_server(server)
    ws, checker = bob.websocket(), Checker()
    ws.hello()
    alice.send(bob, "before")
    checker.take(ws.next())
    polling = bob.long_poll(1, timeout=50)
    wait_until_parked(bob, "long-poll")
    assert {answer.status for answer in at_once(3 * POOL, lambda _: badges(alice))} == {200}  # all connections are open
    own_postgres.kill()
    for answer in (badges(alice), alice.get("/", HTML), alice.post("/messages", {"to": bob.name, "body": "lost"})):
        assert answer.status == 503
        assert int(answer.header("retry-after") or 0) > 0
    own_postgres.start()
    assert [answer.status for answer in at_once(3 * POOL, lambda _: badges(alice))] == [200] * 3 * POOL
    alice.send(bob, "after")
    while checker.cursor < 2:
        checker.take(ws.next())
    assert polling.read_answer().json()["seq"] == 2
    checker.finish(stored(bob))
    assert [event["data"]["body"] for event in checker.events] == ["before", "after"]


def test_connections_that_postgresql_ends_fail_no_request(start: Servers, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    alice, bob, _ = people_of(start(database_url=url))
    leave_to_the_server(alice.server)
    for _ in range(3):
        at_once(POOL, lambda _: badges(alice))
        name = url.rpartition("/")[2]
        postgres.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        assert alice.send(bob, "goes through")
        assert [answer.status for answer in at_once(POOL, lambda _: badges(alice))] == [200] * POOL


def test_database_that_only_reads_is_read_and_writes_are_told_to_come_again(
    start: Servers, postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    server = start(database_url=url)
    alice, bob, _ = people_of(server)
    name = url.rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
    assert badges(alice).status == 200  # though the token's first use cannot be noted
    answer = alice.post("/messages", {"to": bob.name, "body": "not now"})
    assert (answer.status, answer.header("retry-after")) == (503, "2")


def test_too_many_connections_are_told_as_not_now(start: Servers, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    name = url.rpartition("/")[2]
    alice, *_ = people_of(start(database_url=url))
    leave_to_the_server(alice.server)
    postgres.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    postgres.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
    assert badges(alice).status == 503
    postgres.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    assert badges(alice).status == 200


def test_lock_that_is_not_had_in_time_is_told_as_not_now(start: Servers, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    alice, bob, _ = people_of(start(database_url=f"{url}?options=-c%20lock_timeout%3D200ms"))
    with postgres.connect(url.rpartition("/")[2]) as other, other.transaction():
        other.execute("SELECT 1 FROM inboxes FOR UPDATE")
        answer = alice.post("/messages", {"to": bob.name, "body": "not now"})
    assert (answer.status, answer.header("retry-after")) == (503, "2")
    alice.send(bob, "now")


def answered(wires: list[Wire]) -> list[Wire]:
    ready = select.select([wire.sock for wire in wires], [], [], 0)[0]
    return [wire for wire in wires if wire.sock in ready]


def test_handshakes_that_wait_for_a_database_that_hangs_are_told_to_come_again(
    start: Servers, postgres: PostgresServer
) -> None:
    url, most = postgres.new_database(), 3
    server = start(database_url=f"{url}?options=-c%20lock_timeout%3D0", DATABASE_POOL=str(most))
    bob, *_ = people_of(server)
    leave_to_the_server(server)
    first = bob.websocket()
    first.hello()
    first.close()  # or the look whether its token still holds may wait for the lock, on one of the connections
    wait_until_parked(bob, "websocket", 0)
    with postgres.connect(url.rpartition("/")[2]) as other, other.transaction():
        other.execute("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE")
        wires = [Wire(server.port) for _ in range(most + 20)]
        for wire in wires:
            wire.send(upgrade_bytes("/ws", bob.headers))
        assert fetch(server.port, "GET", "/auth/login", HTML).status == 200
        wait_for(lambda: len(answered(wires)) == 20, "all but those that were let in to be answered")
        refused = answered(wires)
        for wire in refused:
            answer = wire.read_answer()
            assert (answer.status, answer.header("content-type")) == (503, "application/problem+json")
            assert int(answer.header("retry-after") or 0) > 0
            assert answer.json()["detail"]
    for wire in wires:
        assert wire in refused or wire.read_answer("HEAD").status == 101


# -- two servers on one database


@pytest.fixture
def pair(start: Servers, postgres: PostgresServer) -> tuple[AppServer, AppServer]:
    url = postgres.new_database()
    return start(database_url=url), start(database_url=url)


def test_key_that_two_servers_are_sent_at_once_is_one_message(pair: tuple[AppServer, AppServer]) -> None:
    alice, bob, _ = people_of(pair[0])
    twins = [alice, Someone(pair[1], alice.name, alice.token)]
    for round_ in range(10):
        data = {"to": bob.name, "body": "once", "key": f"key {round_}"}
        answers = at_once(4, lambda number, data=data: twins[number % 2].post("/messages", data))
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 201]
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert bob.latest == 10


def registered(server: AppServer, name: str, ready: threading.Barrier) -> int:
    """The status of signing up with this name, as a browser does, together with others."""
    page = fetch(server.port, "GET", "/auth/register", HTML)
    form = {"username": name, "password": "correct horse", "csrf_token": _csrf(page)}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": _cookie(page), **HTML}
    ready.wait()
    return fetch(server.port, "POST", "/auth/register", headers, body=urlencode(form).encode()).status


def test_name_that_is_registered_at_two_servers_at_once_is_one_persons(pair: tuple[AppServer, AppServer]) -> None:
    for round_ in range(3):
        ready = threading.Barrier(4, timeout=20)
        statuses = at_once(4, lambda n, r=round_, b=ready: registered(pair[n % 2], f"wanted{r}", b))
        assert sorted(statuses) == [303, 409, 409, 409]
