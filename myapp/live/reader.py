"""Reading a client's WebSocket frames (RFC 6455 section 5): bytes in, messages out. No I/O.

Clients send little and rarely, so a reader is made when bytes arrive and dropped when it stands between two messages:
a connection that waits costs nothing here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from .frames import BINARY, CLOSE, CONTINUATION, LONGEST_MESSAGE, PING, PONG, TEXT, CloseCode

#: The most frames in one read. A client sends one in 25 s.
MOST_FRAMES = 256

_CONTROL = frozenset((CLOSE, PING, PONG))
_KNOWN = _CONTROL | {CONTINUATION, TEXT, BINARY}

#: Close codes that may come over the wire (RFC 6455 section 7.4 and the registry it opens).
_CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


class Message(NamedTuple):
    """A whole message, or a control frame. A Close has its code and reason in `code` and `payload`."""

    opcode: int
    payload: bytes
    code: int = 0


class ProtocolViolation(Exception):
    """The client broke the protocol: close with `code`, and read no further."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameReader:
    """Cuts a stream of bytes into messages, however it is split.

    `feed` yields what is complete, and raises ProtocolViolation at the first byte that cannot be right, after the
    messages before it were yielded; nothing after it is read.
    """

    __slots__ = ("_buffer", "_longest", "_message", "_most", "_opcode")

    def __init__(self, longest: int = LONGEST_MESSAGE, most: int = MOST_FRAMES) -> None:
        self._buffer = b""
        self._longest = longest
        self._most = most
        self._message = bytearray()  # the fragments so far
        self._opcode = 0  # of the message that is being put together, 0 for none

    @property
    def is_between(self) -> bool:
        """Whether it stands between two messages and remembers nothing."""
        return not self._buffer and not self._opcode

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. More than MOST_FRAMES frames in it are a flood: the event loop waits."""
        self._buffer += data
        for number in itertools.count():
            if (taken := self._frame()) is None:
                return
            if number == self._most:
                raise ProtocolViolation(CloseCode.TOO_MANY, "retry=10")
            final, opcode, payload = taken
            if opcode in _CONTROL:
                if opcode == CLOSE:  # nothing counts after it
                    self._buffer = b""
                    yield _close(payload)
                    return
                yield Message(opcode, payload)
            elif (message := self._fragment(final, opcode, payload)) is not None:
                yield message

    def _frame(self) -> tuple[bool, int, bytes] | None:
        """Take one whole frame off the buffer; what is wrong is said as early as it can be seen."""
        data = self._buffer
        if not data:
            return None
        first = data[0]
        opcode = first & 0x0F
        if first & 0x70:
            raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "reserved bits are set")
        if opcode not in _KNOWN:
            raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "unknown opcode")
        if opcode in _CONTROL and not first & 0x80:
            raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "fragmented control frame")
        if len(data) < 2:
            return None
        size = data[1] & 0x7F
        if not data[1] & 0x80:
            raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "unmasked frame")
        if opcode in _CONTROL and size > 125:
            raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "control frame too long")
        at = 2
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(data) < at:
                return None
            size = int.from_bytes(data[2:at], "big")
            if size < 126 or (at == 10 and size < 65536):
                raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "length not in its shortest form")
        if opcode not in _CONTROL:
            self._check_order(opcode)
            if len(self._message) + size > self._longest:
                raise ProtocolViolation(CloseCode.TOO_BIG, f"messages end at {self._longest} bytes")
        end = at + 4 + size
        if len(data) < end:
            return None
        self._buffer = data[end:]
        return bool(first & 0x80), opcode, unmask(data[at : at + 4], data[at + 4 : end])

    def _check_order(self, opcode: int) -> None:
        if opcode == CONTINUATION and not self._opcode:
            raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "nothing to continue")
        if opcode != CONTINUATION and self._opcode:
            raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "a message began inside another")

    def _fragment(self, final: bool, opcode: int, payload: bytes) -> Message | None:
        if opcode != CONTINUATION:
            self._opcode = opcode
        self._message += payload
        if not final:
            return None
        message = Message(self._opcode, bytes(self._message))
        self._opcode = 0
        self._message = bytearray()
        if message.opcode == TEXT:
            _check_text(message.payload)
        return message


def unmask(key: bytes, payload: bytes) -> bytes:
    """XOR with the repeated key (RFC 6455 section 5.3), as one operation on whole numbers."""
    size = len(payload)
    if not size:
        return b""
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def _check_text(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise ProtocolViolation(CloseCode.INVALID_TEXT, "text is not UTF-8") from None


def _close(payload: bytes) -> Message:
    """A Close frame's code and reason (RFC 6455 section 5.5.1)."""
    if not payload:
        return Message(CLOSE, b"", CloseCode.NO_STATUS)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code <= 4999):
        raise ProtocolViolation(CloseCode.PROTOCOL_ERROR, "a close code that cannot be")
    _check_text(payload[2:])
    return Message(CLOSE, payload[2:], code)
