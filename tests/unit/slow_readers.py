"""The far ends of parked clients' sockets: they read as slowly as a test wants, and check every byte."""

from __future__ import annotations

import json
import re
import socket
import struct
from abc import ABC, abstractmethod
from typing import Any

from myapp.live.clients import ParkedClient

from . import wire
from .parking import HEAD


class Peer(ABC):
    """The far end of a parked client's socket. It fails the test at the first byte that cannot be right.

    `events` is what it was given, whole; `close` the code and the seconds by which it was sent away; `controls` are
    pings and pongs, `said_pongs` those in JSON, `told` is what was said by `push=new`.
    """

    def __init__(self, client: ParkedClient, sock: socket.socket) -> None:
        self.client: Any = client
        self.sock = sock
        self.events: list[Any] = []
        self.close: tuple[int, float | None] | None = None
        self.is_ended = False
        self.is_reset = False
        self.half = b""
        # of WebSockets
        self.controls: list[wire.Frame] = []
        self.told: list[int] = []
        self.said_pongs: list[int] = []

    def read(self, most: int = 1 << 18) -> int:
        """Take what has come, at most so many bytes; say how many it were."""
        try:
            data = self.sock.recv(most)
        except BlockingIOError:
            return 0
        except ConnectionResetError:
            self.is_reset = True
            data = b""
        self.is_ended = not data
        self.half = self.take(self.half + data)
        return len(data)

    def drain(self) -> int:
        """Take everything that has come."""
        taken = 0
        while size := self.read():
            taken += size
        return taken

    @abstractmethod
    def take(self, data: bytes) -> bytes:
        """Take what is whole and give back the rest."""

    @property
    def cursor(self) -> int:
        return self.events[-1]["seq"] if self.events else 0

    @property
    def pongs(self) -> list[bytes]:
        return [frame.payload for frame in self.controls if frame.opcode == wire.PONG]

    def write(self, data: bytes) -> None:
        assert self.sock.send(data) == len(data)

    def answer_pings(self) -> None:
        for frame in self.controls:
            if frame.opcode == wire.PING:
                self.write(wire.masked(frame.payload, wire.PONG))
        self.controls = [frame for frame in self.controls if frame.opcode != wire.PING]

    def shut(self) -> None:
        """Say that nothing more comes, and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End TCP by a reset, as a machine does that has forgotten the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class WebSocketPeer(Peer):
    def take(self, data: bytes) -> bytes:
        found, rest = wire.frames(data)
        for frame in found:
            assert self.close is None, "nothing follows a Close frame"
            if frame.opcode == wire.TEXT:
                self._take_text(frame.json)
            elif frame.opcode == wire.CLOSE:
                name, _, seconds = frame.reason.partition("=")
                self.close = frame.code, float(seconds) if name == "retry" else None
            else:
                assert frame.opcode in (wire.PING, wire.PONG), frame
                self.controls.append(frame)
        return rest

    def _take_text(self, said: Any) -> None:
        if said["type"] == "new":
            self.told.append(said["seq"])
        elif said["type"] == "events":
            self.events += said["events"]
            assert said["seq"] == self.cursor <= said["latest"]
        else:
            assert said["type"] == "pong", said
            self.said_pongs.append(said["latest"])


class StreamPeer(Peer):
    """`comments` counts the comment lines."""

    comments = 0

    def take(self, data: bytes) -> bytes:
        *blocks, rest = data.split(b"\n\n")
        for block in blocks:
            assert self.close is None, "nothing follows the last event"
            if block == b":":
                self.comments += 1
            else:
                self._take_block(dict(line.split(": ", 1) for line in block.decode().split("\n")))
        return rest

    def _take_block(self, fields: dict[str, str]) -> None:
        retry = fields.pop("retry", None)
        kind, data = fields.pop("event"), json.loads(fields.pop("data"))
        if kind == "message":
            assert int(fields.pop("id")) == data["seq"]
            self.events.append(data)
        elif kind == "close":
            assert data["retry"] == (int(retry) / 1000 if retry else None)
            self.close = data["code"], data["retry"]
        else:
            assert kind == "badges", kind
        assert not fields, fields


class LongPollPeer(Peer):
    """It has one answer. `is_answered` says that it came whole."""

    is_answered = False

    def take(self, data: bytes) -> bytes:
        if not self.is_ended or not data:
            return data
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.startswith(HEAD.rstrip()), head[:300]
        (length,) = re.findall(rb"\r\nContent-Length: (\d+)\r\n", head)
        assert len(body) <= int(length)
        if len(body) < int(length):
            return data  # the connection was cut
        self.events += json.loads(body)["events"]
        self.is_answered = True
        return b""
