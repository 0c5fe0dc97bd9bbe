"""Peers that are slow, stopped or gone, on real servers: what they cost the others, and what they are given."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..support import ROOT, AppServer, wait_for
from .checker import stored
from .conftest import Servers
from .slow_story import LONG, MESSAGES, WITHIN, Story, cpu, slow_stream, slow_websocket, start_impatient
from .someone import Someone, people_of
from .talk import Talk, kept_for_slow_ones, probe
from .wire import TEXT, Wire, fetch

MIB = 1024 * 1024
#: A frame ends at 64 KB; with its head, the answer's and the badges this is enough.
MOST_KEPT = 80_000


@pytest.fixture(scope="module")
def impatient(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """A server that says who is behind, and whose patience tests can shorten."""
    servers = Servers(kind, tmp_path_factory.mktemp(f"{kind}-impatient"))
    server = start_impatient(servers, COMMENTS)
    yield server
    servers.end()


@pytest.fixture(scope="module")
def story(impatient: AppServer) -> Story:
    return Story(impatient)


def test_others_messages_cost_the_server_no_more_beside_slow_ones(story: Story) -> None:
    """CPU for each message of ten who talk: within 20 % of what it is without."""
    print(f"{story.server.kind}: CPU beside slow ones to without: {story.ratio(cpu):.2f} ({len(story.alone)} rounds)")
    assert story.ratio(cpu) <= WITHIN


def test_slow_ones_cost_bounded_memory(story: Story) -> None:
    """Two who miss 8 MB each."""
    assert max(story.memory_beside) - min(story.memory_alone) < 4 * MIB
    assert len(story.kept) == 2 * len(story.beside)
    assert max(story.kept) <= MOST_KEPT


def test_slow_websocket_is_given_every_event_whole_and_once(story: Story) -> None:
    assert len(story.stored) > MESSAGES + 300
    assert story.by_websocket == story.stored


def test_slow_stream_is_given_every_event_whole_and_once(story: Story) -> None:
    assert story.by_stream == story.stored


def test_no_callback_failed_for_slow_ones(story: Story) -> None:
    assert story.failures == 0


# -- stopped, gone, too slow

#: Seconds between two comments of a stream, and after which one who is sent away reads on: there were others' deadlines
#: meanwhile, and there is still a lot of time.
COMMENTS, TAKES_ITS_TIME = 0.2, 0.5
#: Seconds within which something happens at once on a busy machine too: much fewer than patience lasts, where it lasts.
AT_ONCE = 10.0


@pytest.fixture(scope="module")
def reader(impatient: AppServer) -> Someone:
    """Somebody with more in their inbox than all buffers on the way take."""
    alice, bob, _ = people_of(impatient)
    talk = Talk(impatient, alice, bob)
    talk.post_many(MESSAGES, LONG)
    talk.end()
    return bob


@pytest.fixture(scope="module")
def in_store(reader: Someone) -> list[Any]:
    """What the reader has to be given."""
    return stored(reader)


@pytest.fixture
def quiet(impatient: AppServer) -> Iterator[AppServer]:
    """The server with nobody parked and its usual patience, before and behind the test."""
    no_one_is_left(impatient)
    yield impatient
    Wire.close_all()
    fetch(impatient.port, "POST", "/_patience/30/5")
    no_one_is_left(impatient)


def no_one_is_left(server: AppServer) -> None:
    wait_for(lambda: probe(server)["clients"] == 0, "everybody to be gone")


@pytest.fixture(params=["websocket", "stream"])
def stopped(request: pytest.FixtureRequest, quiet: AppServer, reader: Someone) -> Iterator[subprocess.Popen[bytes]]:
    """A process that follows by this transport, and was stopped before it read anything."""
    command = [sys.executable, "-m", "tests.servers.stoppable", str(reader.port), reader.token, request.param]
    process = subprocess.Popen([*command, str(MESSAGES)], cwd=ROOT, stdout=subprocess.PIPE)
    status = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert status is not None and status.si_code == os.CLD_STOPPED
    wait_for(lambda: kept_for_slow_ones(quiet), "it to be behind")
    yield process
    process.kill()
    process.communicate()


def test_stopped_process_reads_everything_when_it_goes_on(stopped: subprocess.Popen[bytes]) -> None:
    stopped.send_signal(signal.SIGCONT)
    said, _ = stopped.communicate(timeout=60)
    assert (said, stopped.returncode) == (b"complete\n", 0)


def test_stopped_process_that_is_killed_is_gone_at_once(stopped: subprocess.Popen[bytes], quiet: AppServer) -> None:
    stopped.kill()
    wait_for(lambda: probe(quiet)["clients"] == 0, "it to be gone", patience=AT_ONCE)


@pytest.mark.parametrize("connect", [slow_websocket, slow_stream])
def test_client_that_is_reset_while_it_is_behind_is_gone_at_once(
    connect: Callable[[Someone], Wire], quiet: AppServer, reader: Someone
) -> None:
    wire = connect(reader)
    wait_for(lambda: kept_for_slow_ones(quiet), "it to be behind")
    wire.cut()
    wait_for(lambda: probe(quiet)["clients"] == 0, "it to be gone", patience=AT_ONCE)


def test_websocket_that_half_closes_is_gone_at_once(quiet: AppServer, reader: Someone) -> None:
    ws = slow_websocket(reader, MESSAGES)
    ws.hello()
    wait_for(lambda: probe(quiet)["clients"] == 1, "it to be parked")
    ws.sock.shutdown(socket.SHUT_WR)
    assert ws.read_to_end() == b""
    wait_for(lambda: probe(quiet)["clients"] == 0, "it to be gone", patience=AT_ONCE)


@pytest.mark.parametrize("connect", [slow_websocket, slow_stream])
def test_client_that_half_closes_while_it_is_behind_is_gone_when_patience_ends(
    connect: Callable[[Someone], Wire], quiet: AppServer, reader: Someone
) -> None:
    """pywsgi sees it at once; uWSGI's router does not look at a client before what it has for it is out."""
    fetch(quiet.port, "POST", "/_patience/0.5/0.5")
    wire = connect(reader)
    wait_for(lambda: kept_for_slow_ones(quiet), "it to be behind")
    wire.sock.shutdown(socket.SHUT_WR)
    wait_for(lambda: probe(quiet)["clients"] == 0, "it to be gone", patience=AT_ONCE)


def test_websocket_too_slow_for_too_long_is_closed_with_4409_and_comes_back_from_its_cursor(
    quiet: AppServer, reader: Someone, in_store: list[Any]
) -> None:
    fetch(quiet.port, "POST", "/_patience/0.5/20")
    ws = slow_websocket(reader)
    wait_for(lambda: probe(quiet)["parked"]["websocket"] == 0, "it to be sent away")
    time.sleep(TAKES_ITS_TIME)
    ws.hello()
    given: list[Any] = []
    while (frame := ws.read_frame()).opcode == TEXT:
        given += frame.json()["events"]
    assert frame.code == 4409
    assert float(frame.reason.removeprefix("retry=")) < 10
    ws.say_close(4409)
    assert ws.read_to_end() == b""
    wait_for(lambda: probe(quiet)["clients"] == 0, "its descriptor to be closed", patience=AT_ONCE)
    assert 0 < len(given) < MESSAGES
    again = slow_websocket(reader, len(given))
    again.hello()
    given += again.events(MESSAGES - len(given))
    assert given == in_store


def test_stream_too_slow_for_too_long_is_closed_with_4409_and_comes_back_from_its_cursor(
    quiet: AppServer, reader: Someone, in_store: list[Any]
) -> None:
    fetch(quiet.port, "POST", "/_patience/0.5/20")
    stream = slow_stream(reader)
    wait_for(lambda: probe(quiet)["parked"]["sse"] == 0, "it to be sent away")
    time.sleep(TAKES_ITS_TIME)
    given: list[Any] = []
    while (block := stream.next()).event != "close":
        given += [block.json()] if block.id else []
    assert block.json()["code"] == 4409
    assert 0 < block.json()["retry"] < 10
    assert stream.read_to_end() == b""
    assert 0 < len(given) < MESSAGES
    again = slow_stream(reader, len(given)).began()
    given += again.events(MESSAGES - len(given))
    assert given == in_store


@pytest.mark.parametrize("connect", [slow_websocket, slow_stream])
def test_client_that_is_sent_away_and_reads_nothing_costs_nothing_soon(
    connect: Callable[[Someone], Wire], quiet: AppServer, reader: Someone
) -> None:
    fetch(quiet.port, "POST", "/_patience/0.5/0.5")
    descriptors = probe(quiet)["descriptors"]
    wires = [connect(reader) for _ in range(5)]
    wait_for(lambda: probe(quiet)["clients"] == 0, "them to be ended", patience=AT_ONCE)
    wait_for(lambda: probe(quiet)["descriptors"] <= descriptors, "their descriptors to be closed")
    assert all(wire.read_to_end() for wire in wires)
