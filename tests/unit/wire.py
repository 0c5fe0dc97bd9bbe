"""The client's side of a WebSocket as bytes (RFC 6455 section 5): masked frames out, server frames in."""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def masked(
    payload: bytes,
    opcode: int = TEXT,
    *,
    final: bool = True,
    key: bytes = b"\x12\x9a\x00\xff",
    rsv: int = 0,
    is_masked: bool = True,
    size_bytes: int | None = None,
) -> bytes:
    """One frame of a client; with `size_bytes` 0, 2 or 8 the length is written in that form, right or wrong."""
    size = len(payload)
    if size_bytes is None:
        size_bytes = 0 if size < 126 else 2 if size < 65536 else 8
    first = (0x80 if final else 0) | rsv | opcode
    length = {0: size, 2: 126, 8: 127}[size_bytes]
    head = bytes((first, (0x80 if is_masked else 0) | length)) + (
        size.to_bytes(size_bytes, "big") if size_bytes else b""
    )
    if not is_masked:
        return head + payload
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return masked((struct.pack("!H", code) if code is not None else b"") + reason, CLOSE)


class Frame(NamedTuple):
    """A frame of the server's."""

    opcode: int
    payload: bytes

    @property
    def json(self) -> Any:
        assert self.opcode == TEXT, self
        return json.loads(self.payload)

    @property
    def code(self) -> int:
        """The code of a Close frame."""
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2], "big")

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


def frames(data: bytes) -> tuple[list[Frame], bytes]:
    """The server's whole frames in `data`, and what is left. A frame that breaks the protocol fails the test."""
    found = []
    while len(data) >= 2:
        assert data[0] & 0xF0 == 0x80, f"not a final frame without reserved bits: {data[:20]!r}"
        assert not data[1] & 0x80, "a server does not mask"
        size, at = data[1], 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        if len(data) < at + size:
            break
        found.append(Frame(data[0] & 0x0F, data[at : at + size]))
        data = data[at + size :]
    return found, data
