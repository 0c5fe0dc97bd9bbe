"""A client in a process of its own, which stops itself (SIGSTOP) as soon as it follows an inbox.

`python -m tests.servers.stoppable PORT TOKEN TRANSPORT COUNT`. When it is let go on it reads so many events, and says
"complete" if they were 1, 2, 3, ...
"""

from __future__ import annotations

import os
import signal
import sys

from .stream import EventStream
from .talk import read_stream, read_websocket
from .wire import WebSocket, bearer, request_bytes

WINDOW = 4096


def main(port: int, token: str, transport: str, count: int) -> None:
    headers = bearer(token)
    if transport == "websocket":
        ws = WebSocket.open(port, "/ws?seq=0", headers, receive_buffer=WINDOW)
        os.kill(os.getpid(), signal.SIGSTOP)
        events = read_websocket(ws, count)
    else:
        stream = EventStream(port, receive_buffer=WINDOW)
        stream.send(request_bytes("GET", "/messages/stream?seq=0", headers))
        assert stream.read_answer("HEAD").status == 200
        os.kill(os.getpid(), signal.SIGSTOP)
        events = read_stream(stream, count)
    assert [event["seq"] for event in events] == list(range(1, count + 1))
    print("complete")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
