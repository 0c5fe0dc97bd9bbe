"""The other side of the echo: frames as bytes, small and large, and a socket that gives them back."""

from __future__ import annotations

import struct
import time

from ..servers.wire import Ended, Frame, WebSocket
from ..unit.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close, masked

__all__ = ["BINARY", "CLOSE", "CONTINUATION", "PING", "PONG", "TEXT", "Frame", "Peer", "close", "large", "masked"]

MIB = 1024 * 1024
#: Seconds within which TCP ends after the last frame. A server that waits for an answer to its Close takes 5.
SOON = 3.0


def large(payload: bytes, opcode: int = TEXT, *, final: bool = True, key: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    """`masked`, for payloads of megabytes and of a multiple of four bytes."""
    size = len(payload)
    mask = int.from_bytes(key * (size // 4), "big")
    head = masked(b"", opcode, final=final)[:1] + b"\xff" + struct.pack("!Q", size)
    return head + key + (int.from_bytes(payload, "big") ^ mask).to_bytes(size, "big")


class Peer(WebSocket):
    """A client of the echo. Reads are linear in what they read, also of megabytes."""

    @classmethod
    def join(cls, port: int, path: str = "/", headers: dict[str, str] | None = None) -> Peer:
        """A client after its handshake."""
        peer = cls.open(port, path, headers)
        assert isinstance(peer, cls)
        return peer

    def read(self, size: int) -> bytes:
        if size <= len(self.buffer):
            return super().read(size)
        data, self.buffer = bytearray(self.buffer), b""
        while len(data) < size:
            piece = self.sock.recv(min(size - len(data), 65536))
            if not piece:
                raise Ended
            data += piece
        return bytes(data)

    def send_in_pieces(self, data: bytes, size: int) -> None:
        """Each piece in a packet of its own."""
        for at in range(0, len(data), size):
            self.send(data[at : at + size])

    def echoes(self, payload: bytes, opcode: int = TEXT) -> bool:
        """Whether the next frame is this message."""
        frame = self.read_frame()
        assert frame.opcode == opcode, frame
        return frame.payload == payload

    def is_alive(self) -> bool:
        """Whether nothing came so far, and a ping is answered."""
        self.send(masked(b"alive?", PING))
        return self.read_frame() == Frame(PONG, b"alive?")

    def is_ended(self) -> bool:
        """Whether the server ends TCP soon, by itself, and says nothing more before."""
        began = time.monotonic()
        rest = self.read_to_end()
        took = time.monotonic() - began
        assert rest == b"", rest
        return took < SOON

    def is_failed(self, code: int) -> bool:
        """Whether the server says a Close with this code next, and then ends TCP without waiting (section 7.1.7)."""
        frame = self.read_frame()
        assert frame.opcode == CLOSE, frame
        assert frame.code == code, frame
        assert 0 < len(frame.reason) <= 123
        return self.is_ended()
