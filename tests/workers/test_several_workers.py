"""What one worker does, clients of all workers see: events, ends of sessions, presence, typing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from ..servers.someone import Browser, Three, people_of
from ..servers.wire import Ended, WebSocket, fetch
from ..support import ROOT
from .conftest import Workers
from .everywhere import one_in_each, sockets_in_each

#: "Within one second", and what the machine may add.
AT_ONCE = 1.0


def test_each_message_reaches_the_clients_of_all_workers_once(workers: Workers, three: Three) -> None:
    sockets = sockets_in_each(workers, three.bob)
    for number in range(20):
        three.alice.send(three.bob, f"hi {number}")
    for ws in sockets:
        assert [event["data"]["body"] for event in ws.events(20)] == [f"hi {number}" for number in range(20)]


def test_long_polls_and_streams_in_all_workers_are_answered(workers: Workers, three: Three) -> None:
    waiting = one_in_each(workers, three.bob, lambda: three.bob.long_poll(0, timeout=20))
    three.alice.send(three.bob, "hi")
    for wire in waiting:
        assert [event["data"]["body"] for event in wire.read_answer().json()["events"]] == ["hi"]


def closed_within(sockets: list[WebSocket], seconds: float, code: int) -> None:
    """All are closed with this code before so many seconds are over."""
    began = time.monotonic()
    for ws in sockets:
        assert ws.read_frame().code == code
    assert time.monotonic() - began < seconds


def test_signing_out_closes_the_windows_of_that_session_in_all_workers(workers: Workers, three: Three) -> None:
    server = three.bob.server
    bob = people_of(server, password=True).bob
    browser, other = Browser(bob), Browser(bob)
    sockets = one_in_each(workers, bob, browser.websocket)
    stays = other.websocket()
    for ws in [*sockets, stays]:
        ws.hello()
    assert browser.change("POST", "/auth/logout").status == 204
    closed_within(sockets, AT_ONCE + 1, 4401)
    three.alice.send(bob, "still here")
    assert [event["data"]["body"] for event in stays.events(1)] == ["still here"]


def test_token_that_is_revoked_closes_its_clients_in_all_workers(workers: Workers, three: Three) -> None:
    sockets = sockets_in_each(workers, three.bob)
    (token,) = three.bob.get("/auth/tokens").json()["tokens"]
    assert fetch(three.bob.port, "DELETE", f"/auth/tokens/{token['id']}", three.bob.headers).status == 204
    closed_within(sockets, AT_ONCE + 1, 4401)


def test_command_that_sets_a_password_closes_all_windows(workers: Workers, three: Three) -> None:
    bob = people_of(three.bob.server, password=True).bob
    sockets = one_in_each(workers, bob, Browser(bob).websocket)
    for ws in sockets:
        ws.hello()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "password", bob.name]
    environ = {**workers.stack.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environ, input=b"another password\n", check=True, capture_output=True)
    closed_within(sockets, AT_ONCE + 1, 4401)


def test_who_is_online_by_one_worker_is_so_for_all(workers: Workers, three: Three) -> None:
    watching = sockets_in_each(workers, three.carol)
    for ws in watching:
        ws.say(f'{{"type": "watch", "topics": ["presence:{three.bob.name}"]}}')
        assert ws.next()["data"] == {"state": "offline"}
    ws = three.bob.websocket()
    ws.hello()
    for watcher in watching:
        assert watcher.next()["data"] == {"state": "online"}
    said = {three.alice.get(f"/presence?users={three.bob.name}").json()[three.bob.name] for _ in range(6)}
    assert said == {"online"}
    ws.close()
    for watcher in watching:
        assert watcher.next()["data"] == {"state": "offline"}


def test_typing_is_seen_in_all_workers_until_the_message_is_sent(workers: Workers, three: Three) -> None:
    watching = sockets_in_each(workers, three.bob)
    for ws in watching:
        ws.say(f'{{"type": "watch", "topics": ["typing:{three.alice.name}"]}}')
        assert ws.next()["data"] == {"state": "idle"}
    assert three.alice.post("/messages/typing", {"to": three.bob.name}).status == 204
    for ws in watching:
        assert ws.next()["data"] == {"state": "typing"}
    three.alice.send(three.bob, "done")
    for ws in watching:
        assert [event["data"]["body"] for event in ws.events(1)] == ["done"]
        assert ws.next()["data"] == {"state": "idle"}


def test_people_of_a_killed_worker_come_back_elsewhere_or_are_offline_within_thirty_seconds(
    workers: Workers, three: Three
) -> None:
    ws = three.bob.websocket()
    ws.hello()
    (pid,) = workers.clients_of(three.bob)
    watching = sockets_in_each(workers, three.carol)
    for watcher in watching:
        watcher.say(f'{{"type": "watch", "topics": ["presence:{three.bob.name}"]}}')
        while watcher.next()["data"] != {"state": "online"}:  # the other worker hears of it a moment later
            pass
    three.alice.send(three.bob, "before")
    assert [event["data"]["body"] for event in ws.events(1)] == ["before"]
    os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    three.alice.send(three.bob, "while there was one worker")
    again = three.bob.websocket(1)
    again.hello()
    assert [event["data"]["body"] for event in again.events(1)] == ["while there was one worker"]
    again.close()
    told = 0
    for watcher in watching:
        watcher.sock.settimeout(35)
        try:
            assert watcher.next()["data"] == {"state": "offline"}
            told += 1
        except Ended:  # it waited in the worker that was killed
            continue
    assert told > 0
    assert time.monotonic() - killed_at < 30
    workers.wait_until_all_answer()
