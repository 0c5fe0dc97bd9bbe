"""Plain flask-sock on gevent's pywsgi: simple-websocket finds the socket in the request's input by itself.

GET /ws?user=NAME   a WebSocket that gets what is pushed to NAME
"""

from __future__ import annotations

# ruff: noqa: E402 - gevent's patch must run before anything else is imported
from gevent import monkey

monkey.patch_all()

from collections import defaultdict
from typing import Any

from flask import Flask, request
from flask_sock import Sock

from ..events import as_text
from .common import add_views, serve

app = Flask(__name__)
sock = Sock(app)
rooms: defaultdict[str, set[Any]] = defaultdict(set)


@sock.route("/ws")  # type: ignore[untyped-decorator]  # flask-sock ships no types
def follow(ws: Any) -> None:
    room = rooms[request.args["user"]]
    room.add(ws)
    try:
        while True:
            ws.receive()
    finally:
        room.discard(ws)


def push(frame: dict[str, Any], users: list[str]) -> None:
    text = as_text(frame)
    for user in users:
        for ws in tuple(rooms[user]):
            ws.send(text)


if __name__ == "__main__":
    add_views(app, push, lambda: sum(map(len, rooms.values())))
    serve(app)
