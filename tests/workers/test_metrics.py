"""Figures of several workers: whichever is asked tells those of all, also after one was killed; and what uWSGI logs."""

from __future__ import annotations

import os
import signal
import socket
import struct
from pathlib import Path

from myapp.metrics_files import in_memory

from ..servers.someone import Three
from ..servers.wire import WebSocket, fetch
from ..support import wait_for
from .conftest import Workers

FOLLOWS = 'myapp_follow_requests_total{transport="websocket"}'
PARKED = 'myapp_parked_clients{transport="websocket"}'
#: So many come when the figures of before are known.
MORE = 4


def figures(workers: Workers) -> dict[str, float]:
    """What one of the workers tells."""
    lines = fetch(workers.port, "GET", "/metrics").body.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def told_by_all(workers: Workers, name: str) -> set[float]:
    """So often asked that every worker has answered, most likely."""
    return {figures(workers).get(name, 0.0) for _ in range(12)}


def wait_until_all_tell(workers: Workers, name: str, value: float) -> None:
    """At the latest a second after it is so."""
    wait_for(lambda: told_by_all(workers, name) == {value}, f"all to tell {value:g} as {name}")


def open_in_both(workers: Workers, three: Three) -> list[WebSocket]:
    """The only ones there are. Once all tell how many, they have copied whatever was counted before, too."""
    opened: list[WebSocket] = []

    def is_empty() -> bool:
        return not any(said["clients"] for said in workers.ask_both("stats").values())

    def are_everywhere() -> bool:
        opened.append(three.bob.websocket())
        opened[-1].hello()
        return len(workers.clients_of(three.bob)) == 2

    wait_for(is_empty, "the clients of earlier tests to be gone")
    wait_until_all_tell(workers, PARKED, 0)
    wait_for(are_everywhere, "a client in each worker")
    wait_until_all_tell(workers, PARKED, len(opened))
    return opened


def test_every_worker_tells_the_figures_of_all_also_after_one_was_killed(workers: Workers, three: Three) -> None:
    opened = len(open_in_both(workers, three))
    follows = figures(workers)[FOLLOWS] + MORE
    for _ in range(MORE):
        three.bob.websocket().hello()
    wait_until_all_tell(workers, PARKED, opened + MORE)
    wait_until_all_tell(workers, FOLLOWS, follows)
    victim, lost = max(workers.clients_of(three.bob).items(), key=lambda item: item[1])
    os.kill(victim, signal.SIGKILL)
    wait_until_all_tell(workers, PARKED, opened + MORE - lost)
    wait_for(lambda: victim not in workers.stack.uwsgi.worker_pids(), "the worker to be gone")
    workers.wait_until_all_answer()
    assert told_by_all(workers, FOLLOWS) == {follows}
    three.bob.websocket().hello()
    wait_until_all_tell(workers, FOLLOWS, follows + 1)
    wait_until_all_tell(workers, 'myapp_bus_state{state="ok"}', 2)
    told = figures(workers)
    assert {name for name in told if "worker_memory" in name} == {
        f'myapp_worker_memory_bytes{{worker="{number}"}}' for number in (1, 2)
    }


def test_lag_from_commit_to_write_is_told_of_what_another_worker_pushed(workers: Workers, three: Three) -> None:
    count, total = (f'myapp_delivery_lag_seconds_{what}{{how="push"}}' for what in ("count", "sum"))
    sockets = open_in_both(workers, three)
    told = figures(workers)
    before, sum_before = told[count], told[total]
    three.alice.send(three.bob, "hi")
    for one in sockets:
        assert next(iter(one.events(1)))
    wait_for(lambda: figures(workers)[count] >= before + 2, "both to count it")
    assert 0 < figures(workers)[total] - sum_before < 5


def test_figures_are_kept_in_files_for_each_worker(workers: Workers) -> None:
    folders = Path(in_memory()).glob(f"myapp-metrics-{os.getuid()}/*-{workers.stack.uwsgi.pid}-*")
    (folder,) = folders
    assert sorted(file.name for file in folder.glob("counter_*")) == ["counter_1.db", "counter_2.db"]


def uwsgi_bytes(path: str, query: str, token: str) -> bytes:
    """The head of a POST as nginx's `uwsgi_pass` sends it, of whose body nothing has come."""
    given = {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": f"{path}?{query}",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "100",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_X_REQUEST_ID": "gone-before-its-answer",
    }
    words = (word.encode() for pair in given.items() for word in pair)
    body = b"".join(struct.pack("<H", len(word)) + word for word in words)
    return struct.pack("<BHB", 0, len(body), 0) + body


def test_uwsgi_does_not_log_the_query_of_a_client_that_went_before_its_answer(workers: Workers, three: Three) -> None:
    log = workers.stack.uwsgi.log

    def is_answered() -> bool:
        """One that was gone before the worker took its connection is not."""
        with socket.create_connection(("127.0.0.1", workers.stack.uwsgi.port)) as gone:
            gone.sendall(uwsgi_bytes("/messages", "ticket=ticket_secret", three.bob.token))
            assert three.bob.get("/badges").status == 200
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "id=gone-before-its-answer" in log()

    wait_for(is_answered, "the answer that nobody took")
    assert three.bob.get("/badges").status == 200
    assert "ticket_secret" not in log()
