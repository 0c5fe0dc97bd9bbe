"""Bare sockets: one epoll loop that parses next to nothing. What it needs is the kernel's share and the generator's."""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections import defaultdict

from ..events import WAKE_UP, as_text, frame

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#: The generator does not look at the key: what an answer of that length costs counts.
ACCEPTED += b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
USER = re.compile(rb"[?&]user=(\w+)")


class BareServer:
    """Answers WebSocket handshakes with a hello and everything else as common.py says."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self._listener.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._open: dict[int, socket.socket] = {}
        self._rooms: defaultdict[str, set[int]] = defaultdict(set)
        self._user: dict[int, str] = {}
        self._hello = _frame(as_text({"type": "hello", "protocol": 1, "epoch": "bare", "seq": 0, "latest": 0}))

    def run(self) -> None:
        while True:
            for fd, _event in self._poll.poll():
                if fd == self._listener.fileno():
                    self._accept()
                else:
                    self._received(fd, self._open[fd].recv(65536))

    def _accept(self) -> None:
        while True:
            try:
                sock, _address = self._listener.accept()
            except BlockingIOError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open[sock.fileno()] = sock
            self._poll.register(sock, select.EPOLLIN)

    def _received(self, fd: int, data: bytes) -> None:
        user = self._user.get(fd)
        if not data:
            self._rooms[self._user.pop(fd, "")].discard(fd)
            self._open.pop(fd).close()
        elif user is not None:
            return  # a heartbeat
        elif data.startswith(b"GET /ws"):
            found = USER.search(data)
            assert found is not None
            self._user[fd] = found[1].decode()
            self._rooms[self._user[fd]].add(fd)
            self._open[fd].send(ACCEPTED + self._hello)
        else:
            status, body = self._answer(data)
            self._open[fd].send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    def _answer(self, request: bytes) -> tuple[bytes, bytes]:
        if request.startswith(b"POST /messages"):
            asked = json.loads(request.partition(b"\r\n\r\n")[2])
            self._push(as_text(frame(1, asked["body"], asked["to"])), [asked["from"], asked["to"]])
            return b"201 Created", b"{}"
        if request.startswith(b"GET /bench/parked"):
            return b"200 OK", b"%d" % len(self._user)
        if request.startswith(b"GET /bench/deliver"):
            first, last, frames, pause = (
                int(found[1])
                for name in (b"from", b"upto", b"frames", b"pause")
                if (found := re.search(rb"[?&]%s=(\d+)" % name, request))
            )
            for number in range(frames):
                self._push(as_text(frame(number, WAKE_UP)), [f"u{user}" for user in range(first, last + 1)])
                time.sleep(pause / 1000)
        return b"200 OK", b""

    def _push(self, text: str, users: list[str]) -> None:
        data = _frame(text)
        for user in users:
            for fd in self._rooms[user]:
                self._open[fd].send(data)


def _frame(text: str) -> bytes:
    data = text.encode()
    head = bytes((0x81, len(data))) if len(data) < 126 else b"\x81\x7e" + len(data).to_bytes(2, "big")
    return head + data


if __name__ == "__main__":
    BareServer(int(sys.argv[1])).run()
