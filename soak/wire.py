"""HTTP and WebSocket over a plain blocking socket, so that who uses it decides about every byte."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

#: Seconds that reading waits for the next bytes.
PATIENCE = 20.0

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Ended(Exception):
    """The server has ended the connection."""


class Answer(NamedTuple):
    """A whole HTTP answer. Header names are in lower case, in the order of the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


class Frame(NamedTuple):
    """One WebSocket frame from the server."""

    opcode: int
    payload: bytes

    def json(self) -> Any:
        assert self.opcode == TEXT, self
        return json.loads(self.payload)

    @property
    def code(self) -> int:
        """The close code."""
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2], "big")

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


class Wire:
    """One TCP connection. Reading waits at most PATIENCE seconds, then raises TimeoutError."""

    #: what a test has opened and not closed, for the fixture that closes it
    opened: ClassVar[set[Wire]] = set()

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(PATIENCE)
        try:
            self.sock.connect(("127.0.0.1", port))
        except OSError:
            self.sock.close()
            raise
        self.opened.add(self)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes. Raises Ended."""
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_until(self, end: bytes) -> bytes:
        """Everything up to and with `end`. Raises Ended."""
        while end not in self.buffer:
            self._more()
        data, _, self.buffer = self.buffer.partition(end)
        return data + end

    def read_available(self) -> bytes:
        """What has arrived, at least one byte. Raises Ended."""
        if not self.buffer:
            self._more()
        data, self.buffer = self.buffer, b""
        return data

    def read_to_end(self) -> bytes:
        """Everything until the server ends the connection; a reset is an end too."""
        with contextlib.suppress(Ended, ConnectionError):
            while True:
                self._more()
        data, self.buffer = self.buffer, b""
        return data

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise Ended
        self.buffer += data

    def is_readable(self, patience: float) -> bool:
        """Whether something has arrived, or does within `patience` seconds: bytes or an end."""
        return bool(self.buffer) or bool(select.select([self.sock], [], [], max(0.0, patience))[0])

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has arrived, neither bytes nor an end. Does not wait."""
        if self.buffer:
            return False
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        finally:
            self.sock.settimeout(PATIENCE)
        return False

    def read_answer(self, method: str = "GET") -> Answer:
        """The next HTTP answer."""
        first, *lines = self.read_until(b"\r\n\r\n").decode("latin-1").rstrip("\r\n").split("\r\n")
        version, status, *_ = first.split(" ")
        assert version in ("HTTP/1.1", "HTTP/1.0"), first
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        answer = Answer(int(status), headers, b"")
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        if "chunked" in (answer.header("transfer-encoding") or ""):
            return answer._replace(body=self._chunks())
        length = answer.header("content-length")
        return answer._replace(body=self.read_to_end() if length is None else self.read(int(length)))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.read_until(b"\r\n"), 16):
            body += self.read(size)
            self.read(2)
        self.read_until(b"\r\n")
        return body

    def cut(self) -> None:
        """End the connection without a word: the server sees a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.sock.close()
        self.opened.discard(self)

    @classmethod
    def close_all(cls) -> None:
        for wire in tuple(cls.opened):
            wire.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def request_bytes(
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> bytes:
    """A request as it goes over the wire; the connection is kept unless the headers say otherwise."""
    own = {"Host": "127.0.0.1", **(headers or {})}
    if body is not None:
        own.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def fetch(
    port: int,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    data: Any = None,
    body: bytes | None = None,
) -> Answer:
    """One request on a connection of its own; `data` is sent as JSON."""
    own = {"Connection": "close", **(headers or {})}
    if data is not None:
        body = json.dumps(data).encode()
        own["Content-Type"] = "application/json"
    with Wire(port) as wire:
        wire.send(request_bytes(method, path, own, body))
        return wire.read_answer(method)


def upgrade_bytes(path: str, headers: dict[str, str] | None = None, without: tuple[str, ...] = ()) -> bytes:
    """A WebSocket handshake; `without` leaves headers out."""
    own = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
        **(headers or {}),
    }
    return request_bytes("GET", path, {name: value for name, value in own.items() if name not in without})


def frame_bytes(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """One masked frame, as clients send them (RFC 6455 section 5.2)."""
    size = len(payload)
    first = (0x80 if final else 0) | opcode
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class WebSocket(Wire):
    """A WebSocket client. `answer` is the answer to its handshake."""

    answer: Answer

    @classmethod
    def open(
        cls, port: int, path: str = "/ws", headers: dict[str, str] | None = None, *, receive_buffer: int | None = None
    ) -> WebSocket:
        """Shake hands; the answer must be a 101."""
        wire = cls(port, receive_buffer=receive_buffer)
        wire.send(upgrade_bytes(path, headers))
        wire.answer = wire.read_answer()
        assert wire.answer.status == 101, wire.answer
        return wire

    def read_frame(self) -> Frame:
        """The next frame, of whatever kind; it must be final and unmasked."""
        first, second = self.read(2)
        assert first & 0xF0 == 0x80, f"not a final frame: {first:#x}"
        assert not second & 0x80, "servers do not mask"
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(self.read(2), "big")
        elif size == 127:
            size = int.from_bytes(self.read(8), "big")
        return Frame(first & 0x0F, self.read(size))

    def read_message(self) -> Frame:
        """The next frame that is no ping; pings are answered as a browser would."""
        while (frame := self.read_frame()).opcode == PING:
            self.send(frame_bytes(PONG, frame.payload))
        return frame

    def next(self) -> Any:
        """The next text frame's JSON. Nothing else may come but pings, which are answered."""
        return self.read_message().json()

    def hello(self) -> Any:
        said = self.next()
        assert said["type"] == "hello", said
        return said

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """The next `count` events; only frames of events may come."""
        while count > 0:
            said = self.next()
            assert said["type"] == "events", said
            assert len(said["events"]) <= count, said
            count -= len(said["events"])
            yield from said["events"]

    def say(self, text: str | bytes) -> None:
        self.send(frame_bytes(TEXT, text if isinstance(text, bytes) else text.encode()))

    def read_close(self) -> Frame:
        """The Close frame, skipping what comes before it."""
        deadline = time.monotonic() + PATIENCE
        while (frame := self.read_frame()).opcode != CLOSE:
            assert time.monotonic() < deadline, "no Close frame"
        return frame

    def say_close(self, code: int = 1000, reason: str = "") -> None:
        self.send(frame_bytes(CLOSE, struct.pack("!H", code) + reason.encode()))

    def leave(self) -> None:
        """Close politely: both Close frames, then the end of TCP."""
        self.say_close()
        self.read_close()
        self.read_to_end()
        self.close()
