"""Bytes as the load generator reads them: HTTP answers, WebSocket frames (RFC 6455), Engine.IO's heartbeat. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
#: Every event has it once.
_EVENT = b'"kind":"message"'
#: Masked, with a key of zeros: a Pong, and Engine.IO's answer "3" to its ping "2".
_PONG, _EIO_PONG = b"\x8a\x80\0\0\0\0", b"\x81\x81\0\0\0\x003"


class Ended(Exception):
    """The server ended a connection that was to stay."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a WebSocket begins: the server's first `frames`, and what the client says (bytes) after the first of them."""

    frames: int
    say: bytes = b""


def text_frame(text: str) -> bytes:
    """A client's: masked, with a key of zeros; at most 125 bytes."""
    data = text.encode()
    return bytes((0x81, 0x80 | len(data), 0, 0, 0, 0)) + data


def status(answer: bytes) -> int:
    """The status of an HTTP answer once it is complete, else 0."""
    head, found, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if not found or (length is not None and len(body) < int(length[1])):
        return 0
    return int(head[9:12])


def split(data: bytes) -> tuple[int, bytes, bytes]:
    """How many events are in the complete frames, the rest behind these, and the heartbeats to answer with.

    A frame in which no event is seen, such as a compressed one, counts as one. Raises Ended at a Close frame.
    """
    count, at, beats = 0, 0, b""
    while len(data) - at >= 2:
        first, size, body = data[at], data[at + 1], at + 2
        if size == 126:
            size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if body + size > len(data):
            break
        if first & 0xF == _CLOSE:
            raise Ended(f"the server closed a WebSocket with {data[body : body + size]!r}")
        if first & 0xF == _PING:
            beats += _PONG
        elif first == 0x81 and size == 1 and data[body] == 0x32:
            beats += _EIO_PONG
        else:
            count += data.count(_EVENT, body, body + size) or 1
        at = body + size
    return count, data[at:], beats


def texts(data: bytes) -> list[bytes]:
    """What the text frames say that a server sent one behind the other."""
    found, at = [], 0
    while at < len(data):
        size, body = data[at + 1], at + 2
        if size == 126:
            size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if data[at] & 0xF == _TEXT:
            found.append(data[body : body + size])
        at = body + size
    return found
