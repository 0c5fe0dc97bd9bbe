"""Heartbeats and dead connections, with a real WebSocket server that keeps its own ideas of them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from myapp_client import NotSignedIn, Pace, ProtocolError

from ..support import wait_for
from .puppet import events, hello
from .speaking import Speakers

#: As long as nothing is to be dead.
PATIENT = Pace(first=0.02, longest=0.1, answer=20.0)
IMPATIENT = Pace(first=0.02, longest=0.1, answer=0.3)


class Scripted:
    """Says hello with a short heartbeat, then what `script` has for this connection, then pongs if `answers`.

    An entry is a text frame's content, or a close code. Where there is `by_seq`, it has what is said to whom by where
    they stand, however often they come.
    """

    def __init__(
        self,
        *script: list[str | bytes | int],
        answers: bool = True,
        by_seq: dict[str, list[str | bytes | int]] | None = None,
    ) -> None:
        self.script = list(script)
        self.by_seq = by_seq or {}
        self.answers = answers
        self.asked: list[dict[str, str]] = []
        self.heard: list[dict[str, Any]] = []
        self.server: Server = serve(self._talk, "127.0.0.1", 0, ping_interval=None, compression=None)
        self.url = f"http://127.0.0.1:{self.server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def _talk(self, ws: ServerConnection) -> None:
        assert ws.request is not None
        assert ws.request.headers["Authorization"] == "Bearer t"
        query = parse_qs(urlsplit(ws.request.path).query)
        self.asked.append({name: values[0] for name, values in query.items()})
        ws.send(hello(9, heartbeat=0.1))
        for entry in self.script.pop(0) if self.script else self.by_seq.get(self.asked[-1]["seq"], []):
            if isinstance(entry, int):
                ws.close(entry, "retry=0.1")
                return
            ws.send(entry, text=True)
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.heard.append(json.loads(ws.recv()))
                if self.answers:
                    ws.send(json.dumps({"type": "pong", "latest": 0}))

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()


@pytest.fixture
def scripts() -> Iterator[list[Scripted]]:
    made: list[Scripted] = []
    yield made
    for scripted in made:
        scripted.close()


def test_pings_carry_the_cursor_and_go_on_while_nothing_happens(speakers: Speakers, scripts: list[Scripted]) -> None:
    scripted = Scripted([events(1)], [])
    scripts.append(scripted)
    following = speakers(scripted.url, "t", pace=PATIENT).follow(0)
    following.next()

    def end() -> None:
        wait_for(lambda: len(scripted.heard) >= 3, "pings")
        following.close()

    ending = threading.Thread(target=end)
    ending.start()
    assert following.rest() == []
    ending.join()
    assert all(said == {"type": "ping", "seq": 1} for said in scripted.heard)
    assert len(scripted.asked) == 1


def test_a_connection_that_does_not_answer_is_made_anew_from_the_cursor(
    speakers: Speakers, scripts: list[Scripted]
) -> None:
    scripted = Scripted(answers=False, by_seq={"0": [events(1)], "1": [events(2)]})
    scripts.append(scripted)
    following = speakers(scripted.url, "t", pace=IMPATIENT).follow(0, transport="websocket")
    assert [event.seq for event in following.take(2)] == [1, 2]
    assert scripted.asked[0] == {"seq": "0"}
    assert {"seq": "1", "epoch": "e1"} in scripted.asked


def test_a_gap_a_double_and_a_restart_cost_nothing(speakers: Speakers, scripts: list[Scripted]) -> None:
    scripted = Scripted([events(1), events(3)], [events(1, 2), 1012], [events(2, 3), events(4), 4409], [events(5)])
    scripts.append(scripted)
    following = speakers(scripted.url, "t", pace=PATIENT).follow(0, transport="websocket")
    assert [event.seq for event in following.take(5)] == [1, 2, 3, 4, 5]
    assert [asked["seq"] for asked in scripted.asked] == ["0", "1", "2", "4"]


@pytest.mark.parametrize("frame", [b"\xff", b"x" * (5 * 1024 * 1024)], ids=["no UTF-8", "5 MB"])
def test_a_frame_that_is_not_understood_is_not_taken_for_a_mistake_of_ours(
    speakers: Speakers, scripts: list[Scripted], frame: bytes
) -> None:
    scripted = Scripted([events(1), frame], [events(2)])
    scripts.append(scripted)
    following = speakers(scripted.url, "t", pace=PATIENT).follow(0, transport="websocket")
    assert [event.seq for event in following.take(2)] == [1, 2]


@pytest.mark.parametrize(("code", "error"), [(4400, ProtocolError), (1009, ProtocolError), (4401, NotSignedIn)])
def test_final_close_codes_end_it_behind_what_came_before(
    speakers: Speakers, scripts: list[Scripted], code: int, error: type[Exception]
) -> None:
    scripted = Scripted([events(1), code])
    scripts.append(scripted)
    following = speakers(scripted.url, "t").follow(0)
    assert following.next().seq == 1
    with pytest.raises(error):
        following.next()
    assert following.rest() == []
    assert len(scripted.asked) == 1
