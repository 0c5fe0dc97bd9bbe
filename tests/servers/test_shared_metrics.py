"""A uWSGI with two workers: whichever is asked tells the figures of all, also after one was killed; and its own log."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support import BIN, ROOT, AppServer, free_port, wait_for
from .someone import Three, people_of
from .wire import fetch, request_bytes

OPENED = 6


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """A uWSGI with two workers; `sharing.py` is the module in place of wsgi."""
    folder = tmp_path_factory.mktemp("two-workers")
    ini = (ROOT / "uwsgi.ini").read_text()
    for name, value in (("module", "tests.servers.sharing:application"), ("workers", "2")):
        ini, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", ini, flags=re.MULTILINE)
        assert count == 1
    direct = free_port()
    (folder / "two.ini").write_text(f"{ini}http-socket = 127.0.0.1:{direct}\n")
    server = AppServer("uwsgi", folder, command=[str(BIN / "uwsgi"), "--ini", str(folder / "two.ini")])
    server.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "metrics")
    server.direct = direct  # type: ignore[attr-defined]  # the workers' own socket, as behind uwsgi_pass
    yield server.start()
    server.kill()
    server.app.extensions["myapp"].database.close()


@pytest.fixture
def people(two: AppServer) -> Three:
    return people_of(two)


def told(server: AppServer) -> dict[str, str]:
    """What each worker tells that answers now, by its process."""
    texts: dict[str, str] = {}

    def both() -> bool:
        answer = fetch(server.port, "GET", "/metrics")
        texts[answer.header("x-process") or ""] = answer.body.decode()
        living = [pid for pid in texts if is_alive(int(pid))]
        return len(living) == 2

    wait_for(both, "both workers to answer")
    return {pid: text for pid, text in texts.items() if is_alive(int(pid))}


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def figure(text: str, name: str) -> float:
    return float(next(line for line in text.splitlines() if line.startswith(name + " ")).rpartition(" ")[2])


def all_tell(server: AppServer, name: str, value: float) -> None:
    """Every worker tells this value, at the latest a second after it was so."""
    wait_for(lambda: {figure(text, name) for text in told(server).values()} == {value}, f"all to tell {name} {value:g}")


def test_every_worker_tells_the_figures_of_all_also_after_one_was_killed(two: AppServer, people: Three) -> None:
    follows, parked = (
        'myapp_follow_requests_total{transport="websocket"}',
        'myapp_parked_clients{transport="websocket"}',
    )
    answered_by = []
    for _ in range(OPENED):
        people.bob.websocket().hello()
    all_tell(two, follows, OPENED)
    all_tell(two, parked, OPENED)
    answered_by = list(told(two))
    os.kill(int(answered_by[0]), signal.SIGKILL)
    wait_for(lambda: not is_alive(int(answered_by[0])), "the worker to be gone")
    both = told(two)
    assert answered_by[0] not in both and answered_by[1] in both
    lost = OPENED - figure(both[answered_by[1]], parked)
    assert lost >= 0
    people.bob.websocket().hello()
    all_tell(two, follows, OPENED + 1)
    all_tell(two, parked, OPENED + 1 - lost)
    for text in told(two).values():
        assert 'myapp_worker_memory_bytes{worker="1"}' in text
        assert 'myapp_worker_memory_bytes{worker="2"}' in text
        assert text.count("myapp_worker_memory_bytes{") == 2


def test_figures_are_kept_in_a_folder_of_the_master(two: AppServer) -> None:
    assert two.process is not None
    (folder,) = Path(two.environ["PROMETHEUS_MULTIPROC_DIR"]).iterdir()
    assert f"-{two.process.pid}-" in folder.name
    assert sorted(file.name for file in folder.glob("counter_*")) == ["counter_1.db", "counter_2.db"]


def test_uwsgi_does_not_log_the_query_of_a_client_that_went_before_its_answer(two: AppServer, people: Three) -> None:
    people.alice.send(people.bob, "x" * 3900)
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", two.direct)) as gone:  # type: ignore[attr-defined]
            gone.sendall(request_bytes("GET", "/messages/poll?ticket=ticket_secret", people.bob.headers))
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert fetch(two.direct, "GET", "/healthz").status == 200  # type: ignore[attr-defined]
    assert "ticket_secret" not in two.log()
