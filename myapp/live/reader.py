"""Reading a client's WebSocket frames (RFC 6455 section 5): bytes in, messages out. No I/O.

Clients send little and rarely, so a reader is made when bytes arrive and dropped when it stands between two messages:
a connection that waits costs nothing here. Every byte is looked at once, when it arrives, however the stream is cut:
payload is unmasked, and its UTF-8 checked, piece by piece.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import NamedTuple

from .frames import BINARY, CLOSE, CONTINUATION, LONGEST_MESSAGE, PING, PONG, TEXT, CloseCode

#: The most frames in one read. A client sends one in 25 s.
MOST_FRAMES = 256

#: Bytes of the longest head: two, a length of eight, a key of four.
_LONGEST_HEAD = 14
#: How many bytes of length follow, by what stands in the second byte (RFC 6455 section 5.2).
_LENGTH_BYTES = {126: 2, 127: 8}

_CONTROL = frozenset((CLOSE, PING, PONG))
_KNOWN = _CONTROL | {CONTINUATION, TEXT, BINARY}
#: The first bytes of the frames that clients send: final, a text or ping or pong.
_SHORT = frozenset((0x80 | TEXT, 0x80 | PING, 0x80 | PONG))

#: Close codes that may come over the wire (RFC 6455 section 7.4 and the registry it opens), besides 3000 to 4999.
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
    messages before it were yielded. Nothing is read after that, or after a Close. Of an unfinished message it keeps
    what has arrived: at most `longest` bytes, and the eighth by which a bytearray grows in advance.
    """

    __slots__ = (
        *("_longest", "_most", "is_over"),
        *("_message", "_opcode", "_tail"),  # of the message
        *("_control", "_frame", "_head", "_is_final", "_key", "_left"),  # of the frame
    )

    def __init__(self, longest: int = LONGEST_MESSAGE, most: int = MOST_FRAMES) -> None:
        # what is not set here is set when a frame or message begins
        self._longest = longest
        self._most = most
        #: whether it reads no further: a Close came, or the protocol was broken
        self.is_over = False
        self._opcode = 0  # of the message that is being put together, 0 for none
        self._head = b""  # of a frame, until it is complete
        self._frame = -1  # the opcode of the frame whose payload comes, -1 for none

    @property
    def is_between(self) -> bool:
        """Whether it stands between two messages and remembers nothing."""
        return self._frame < 0 and not (self._opcode or self._head or self.is_over)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. More than `most` frames in it are a flood: the event loop waits."""
        # a shortcut for what clients nearly always send: one whole short frame, its head of six bytes
        size = len(data) - 6
        if 0 <= size < 126 and data[1] == 0x80 | size and data[0] in _SHORT and self.is_between:
            payload = unmask(data[2:6], data[6:])
            if data[0] != 0x80 | TEXT or (size <= self._longest and _is_text(payload)):
                return iter((Message(data[0] & 0x0F, payload),))
        return self._read(data)

    def _read(self, data: bytes) -> Iterator[Message]:
        at = frames = 0
        try:
            while not self.is_over:
                if self._frame < 0:
                    if at == len(data):
                        return
                    frames += 1
                    if frames > self._most:
                        raise ProtocolViolation(CloseCode.TOO_MANY, "retry=10")
                    at = self._take_head(data, at)
                    if self._frame < 0:
                        return
                piece = data[at : at + self._left]
                at += len(piece)
                message = self._take_payload(piece)
                if message is not None:
                    yield message
                elif self._left:
                    return
        except ProtocolViolation:
            self._end()
            raise

    def _end(self) -> None:
        """From here on nothing counts, neither what comes nor what was kept."""
        self.is_over = True
        self._opcode = 0
        self._head = b""
        self._frame = -1
        self._message = bytearray()

    def _take_head(self, data: bytes, at: int) -> int:
        """Take a frame's head, or as much as there is; return where in `data` it ends."""
        known = len(self._head)
        head = self._head + data[at : at + _LONGEST_HEAD - known]
        end = self._check_head(head)
        if len(head) < end:
            self._head = head
            return len(data)
        self._head = b""
        self._frame = head[0] & 0x0F
        self._is_final = head[0] >= 0x80
        self._key = head[end - 4 : end]
        self._control = b""
        if self._frame in (TEXT, BINARY):
            self._opcode = self._frame
            self._message = bytearray()
            self._tail = b""  # the first bytes of a character
        return at + end - known

    def _check_head(self, head: bytes) -> int:
        """Check what there is of a head, byte by byte; say how long it is, or at least is. Sets _left when it can."""
        self._check_first(head[0])
        if len(head) < 2:
            return 6
        opcode = head[0] & 0x0F
        size = head[1] & 0x7F
        if not head[1] & 0x80:
            raise _broken("unmasked frame")
        if opcode in _CONTROL and size > 125:
            raise _broken("control frame too long")
        if opcode == CLOSE and size == 1:
            raise _broken("half a close code")
        end = 2 + _LENGTH_BYTES.get(size, 0)
        if size == 127 and head[2:3] > b"\x7f":
            raise _broken("length with its highest bit set")
        if len(head) >= end:
            if size > 125:
                size = int.from_bytes(head[2:end], "big")
                if size < (126 if end == 4 else 65536):
                    raise _broken("length not in its shortest form")
            if opcode not in _CONTROL and size + (len(self._message) if self._opcode else 0) > self._longest:
                raise ProtocolViolation(CloseCode.TOO_BIG, f"messages end at {self._longest} bytes")
            self._left = size
        return end + 4

    def _check_first(self, first: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise _broken("reserved bits are set")
        if opcode not in _KNOWN:
            raise _broken("unknown opcode")
        if opcode in _CONTROL:
            if first < 0x80:
                raise _broken("fragmented control frame")
        elif opcode == CONTINUATION and not self._opcode:
            raise _broken("nothing to continue")
        elif opcode != CONTINUATION and self._opcode:
            raise _broken("a message began inside another")

    def _take_payload(self, piece: bytes) -> Message | None:
        """Take the next piece of the frame's payload; the message or control frame that it completes."""
        payload = unmask(self._key, piece)
        self._left -= len(piece)
        is_whole = not self._left
        if self._frame in _CONTROL:
            message = self._take_control(payload, is_whole)
        else:
            message = self._take_data(payload, is_whole and self._is_final)
        if is_whole:
            self._frame = -1
        else:
            turn = len(piece) % 4
            self._key = self._key[turn:] + self._key[:turn]
        return message

    def _take_control(self, payload: bytes, is_whole: bool) -> Message | None:
        self._control += payload
        message = Message(self._frame, self._control)
        if self._frame == CLOSE:
            message = _close(self._control, is_whole)
            if is_whole:
                self._end()
        return message if is_whole else None

    def _take_data(self, payload: bytes, is_last: bool) -> Message | None:
        if self._opcode == TEXT:
            self._tail = _check_text(self._tail, payload, is_last)
        if not is_last:
            self._message += payload
            return None
        if self._message:
            self._message += payload
            payload = bytes(self._message)
            self._message = bytearray()
        message = Message(self._opcode, payload)
        self._opcode = 0
        return message


def unmask(key: bytes, payload: bytes) -> bytes:
    """XOR with the repeated key (RFC 6455 section 5.3), as one operation on whole numbers."""
    size = len(payload)
    if not size:
        return b""
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def _broken(reason: str) -> ProtocolViolation:
    return ProtocolViolation(CloseCode.PROTOCOL_ERROR, reason)


def _not_text() -> ProtocolViolation:
    return ProtocolViolation(CloseCode.INVALID_TEXT, "text is not UTF-8")


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_text(tail: bytes, payload: bytes, is_last: bool) -> bytes:
    """Check UTF-8 that goes on behind `tail`, which is part of a character; what is part of one at the new end.

    Raises ProtocolViolation at the first byte that no character goes on with (RFC 3629 section 4), or when the last
    character is not whole at the end.
    """
    if not tail and payload.isascii():
        return b""
    data = tail + payload
    try:
        _text, used = codecs.utf_8_decode(data, "strict", is_last)
    except UnicodeDecodeError:
        raise _not_text() from None
    if data[used : used + 1] == b"\xed" and data[used + 1 : used + 2] > b"\x9f":
        raise _not_text()  # a surrogate, which Python refuses only at its third byte
    return data[used:]


def _close(payload: bytes, is_whole: bool) -> Message:
    """A Close frame's code and reason (RFC 6455 section 5.5.1), or the first bytes of them."""
    if len(payload) < 2:
        return Message(CLOSE, b"", CloseCode.NO_STATUS)
    code = int.from_bytes(payload[:2], "big")
    if not (code in _CLOSE_CODES or 3000 <= code <= 4999):
        raise _broken("a close code that cannot be")
    _check_text(b"", payload[2:], is_whole)
    return Message(CLOSE, payload[2:], code)
