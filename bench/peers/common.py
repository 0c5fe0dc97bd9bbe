"""What the peers have in common: their server and their views.

GET /bench/empty    an empty view: what every request costs at the least
GET /bench/parked   how many clients are connected
GET /bench/deliver  `frames` frames to the users `from` to `upto`, one every `pause` ms
GET /bench/announce a frame to everyone who is connected, where that is known
POST /messages      {"from", "to", "body"}: one frame to either side
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import gevent
from flask import Flask, request
from gevent import socket
from gevent.pywsgi import WSGIServer

from ..events import WAKE_UP, announcement_frame, frame

#: Connections that wait to be accepted, as many as the application's own server lets wait.
BACKLOG = 4096
#: Sends one frame that holds this to all clients of these users.
Push = Callable[[dict[str, Any], list[str]], None]


def add_views(
    app: Flask,
    push: Push,
    parked: Callable[[], int],
    announce: Callable[[dict[str, Any]], None] = lambda frame: None,
) -> None:
    """All views but the WebSocket's."""
    sent = 0

    def tell_everyone() -> str:
        announce(announcement_frame(1))
        return ""

    def messages() -> tuple[dict[str, Any], int]:
        nonlocal sent
        sent += 1
        asked = request.get_json()
        push(frame(sent, asked["body"], asked["to"]), [asked["from"], asked["to"]])
        return {"id": sent}, 201

    def deliver() -> dict[str, Any]:
        asked = {name: int(request.args[name]) for name in ("from", "upto", "frames", "pause")}
        users = [f"u{number}" for number in range(asked["from"], asked["upto"] + 1)]
        for number in range(asked["frames"]):
            # by the hundred, so that a first message to all does not make one long queue
            for start in range(0, len(users), 100):
                push(frame(number, WAKE_UP), users[start : start + 100])
                gevent.sleep(asked["pause"] / 1000)
        return {"delivered": asked["frames"]}

    app.add_url_rule("/bench/empty", "empty", lambda: "")
    app.add_url_rule("/bench/parked", "parked", lambda: str(parked()))
    app.add_url_rule("/bench/deliver", "deliver", deliver)
    app.add_url_rule("/bench/announce", "announce", tell_everyone)
    app.add_url_rule("/messages", "messages", messages, methods=["POST"])


def serve(app: Any) -> None:
    """Serve with gevent's own server on the port of the command line until the process is ended."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # without it every answer on a kept-alive connection waits 40 ms
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen(BACKLOG)
    WSGIServer(listener, app, log=None).serve_forever()
