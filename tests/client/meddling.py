"""A proxy between client and server that passes HTTP on and breaks WebSockets, as proxies in the wild do."""

from __future__ import annotations

import contextlib
import socket
import threading

ANSWERS = {
    "426": b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
    "cut": b"",
}


class MeddlingProxy:
    """`upgrades` says what becomes of a handshake: `pass`, or one of BREAKS; `swallow`: passed on, and then silence.

    `handshakes` counts them. `cut_all` ends every connection in whatever it does.
    """

    BREAKS = (*ANSWERS, "swallow")

    def __init__(self, port: int, upgrades: str = "pass") -> None:
        self.upgrades = upgrades
        self.handshakes = 0
        self.polls = 0
        self._upstream = port
        self._is_closed = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """One connection; only its first request is looked at."""
        head = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in head and (data := client.recv(65536)):
                head += data
        is_upgrade = b"upgrade: websocket" in head.lower()
        self.handshakes += is_upgrade
        self.polls += b"/messages/long-poll" in head
        if not head or (is_upgrade and self.upgrades in ANSWERS):
            with contextlib.suppress(OSError):
                client.sendall(ANSWERS[self.upgrades] if head else b"")
            self._end(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream))
            server.sendall(head)
        except OSError:
            self._end(client)
            return
        with self._lock:
            self._open.add(server)
        self._start(self._pump, client, server, False)
        self._pump(server, client, is_upgrade and self.upgrades == "swallow")

    def _pump(self, source: socket.socket, target: socket.socket, swallow: bool) -> None:
        seen = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if swallow and b"\r\n\r\n" in seen:
                    continue
                seen += data
                if swallow and b"\r\n\r\n" in seen:
                    data = data[: len(data) - len(seen.partition(b"\r\n\r\n")[2])]
                target.sendall(data)
        self._end(source), self._end(target)

    def _end(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()

    def cut_all(self) -> None:
        with self._lock:
            opened = list(self._open)
        for sock in opened:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(20)
