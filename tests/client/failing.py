"""A real HTTP server that records what it is asked and answers, or fails, as the test says."""

from __future__ import annotations

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class FailingServer:
    """Answers by `script`, one entry a request, the last for all that follow: `answer(...)`, or one of BREAKS.

    `asked` is what it was asked, in order.
    """

    BREAKS = ("cut before the answer", "cut in the answer", "reset")

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: list[tuple[int, dict[str, str], bytes] | str] = []
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size)) if size else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer._answer(self, Asked(self.command, self.path, headers, body))

            do_GET = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815 - the base class looks for these names

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def _answer(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)
            said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        handler.close_connection = True
        if said == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif said == "cut in the answer":
            handler.wfile.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{"accep')
        elif isinstance(said, tuple):
            status, headers, body = said
            handler.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answer(status: int, body: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """JSON; of an error, a problem. Header names have `_` for `-`."""
    kind = "application/problem+json" if status >= 400 else "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": kind, **named}, json.dumps(body).encode()


def problem(status: int, detail: str, errors: dict[str, str] | None = None, **headers: str) -> Any:
    body = {"type": "about:blank", "title": "Wrong", "status": status, "detail": detail}
    return answer(status, body if errors is None else {**body, "errors": errors}, **headers)
