"""Clients that do not read, and many who sign in at once: nobody else waits for them."""

from __future__ import annotations

import select
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from myapp.auth import people, service
from myapp.auth.passwords import hash_password
from myapp.extensions import database

from ..support import PASSWORD, AppServer, wait_for
from .checker import Checker, stored
from .conftest import Servers
from .someone import Someone, people_of
from .wire import WebSocket, Wire, fetch, request_bytes

SLOW, MESSAGES, SIZE = 10, 700, 4000
MIB = 1024 * 1024


def memory(server: AppServer) -> int:
    resident: int = fetch(server.port, "GET", "/_probe").json()["memory"]
    return resident


def send_many(sender: Someone, to: Someone, count: int) -> None:
    """One after the other, as fast as it goes."""
    with sender.server.client(sender.token) as client:
        for number in range(count):
            answer = client.post("/messages", json={"to": to.name, "body": f"{number} ".ljust(SIZE, "x")})
            assert answer.status_code == 201


def test_clients_that_stop_reading_cost_no_memory_hold_up_nobody_and_catch_up(start: Servers) -> None:
    """Ten who do not read would cost 28 MB if what they miss were kept for them."""
    server = start(probed=True)
    alice, bob, _ = people_of(server)
    slow = [WebSocket.open(server.port, "/ws", bob.headers, receive_buffer=4096) for _ in range(SLOW)]
    for ws in slow:
        ws.hello()
    quick, quick_checker = bob.websocket(), Checker()
    quick.hello()
    before = memory(server)
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(send_many, alice, bob, MESSAGES)
        while quick_checker.cursor < MESSAGES:
            quick_checker.take(quick.next())
        sending.result()
    assert memory(server) - before < 12 * MIB
    everything = stored(bob)
    quick_checker.finish(everything)
    for ws in slow[:2]:
        checker = Checker()
        while checker.cursor < MESSAGES:
            checker.take(ws.next())
        checker.finish(everything)
        ws.leave()
    for ws in slow[2:]:
        ws.cut()
    quick.leave()
    wait_for(lambda: fetch(server.port, "GET", "/_probe").json()["clients"] == 0, "everybody to be gone")


def login_request(who: Someone) -> bytes:
    """A login of this person, with a CSRF token of its own."""
    page = fetch(who.port, "GET", "/auth/login", {"Accept": "text/html"})
    token = page.body.decode().partition('name="csrf-token" content="')[2].partition('"')[0]
    cookie = (page.header("set-cookie") or "").partition(";")[0]
    form = {"username": who.name, "password": PASSWORD, "csrf_token": token}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie, "Connection": "close"}
    return request_bytes("POST", "/auth/login", headers, urlencode(form).encode())


@pytest.fixture
def bob_with_password(server: AppServer) -> Someone:
    """Whose password is hashed as everybody's: other tests' people have hashes that are quickly verified."""
    bob = people_of(server).bob
    with server.app.app_context(), database().transaction() as transaction:
        service.set_password(transaction, people.by_name(transaction, bob.name).id, hash_password(PASSWORD))
    return bob


def test_requests_are_answered_while_fifty_logins_are_in_flight(bob_with_password: Someone) -> None:
    """Fifty hashes take a core for seconds. Other requests are answered between them, not after them."""
    request = login_request(bob_with_password)
    logins = [Wire(bob_with_password.port) for _ in range(50)]
    for wire in logins:
        wire.send(request)
    answered = 0
    while len(ready(logins)) < len(logins):
        assert fetch(bob_with_password.port, "GET", "/healthz").status == 200
        answered += 1
    assert answered >= 50
    assert {wire.read_answer().status for wire in logins} == {303}


def ready(wires: list[Wire]) -> list[object]:
    """Those whose answer has come."""
    return select.select([wire.sock for wire in wires], [], [], 0)[0]
