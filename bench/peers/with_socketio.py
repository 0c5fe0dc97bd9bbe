"""Flask-SocketIO on gevent's pywsgi. Its WebSockets are simple-websocket's too where gevent-websocket, which it would
prefer and which is no longer maintained, is not installed.

GET /socket.io/?EIO=4&transport=websocket&user=NAME   a WebSocket that gets what is pushed to NAME, its room
"""

from __future__ import annotations

# ruff: noqa: E402 - gevent's patch must run before anything else is imported
from gevent import monkey

monkey.patch_all()

from typing import Any

from flask import Flask, request
from flask_socketio import SocketIO, join_room  # type: ignore[import-untyped]  # ships no types

from .common import add_views, serve

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")
connected = 0


@socketio.on("connect")  # type: ignore[untyped-decorator]  # as above
def connect() -> None:
    global connected
    connected += 1
    join_room(request.args["user"])


@socketio.on("disconnect")  # type: ignore[untyped-decorator]  # as above
def disconnect() -> None:
    global connected
    connected -= 1


def push(frame: dict[str, Any], users: list[str]) -> None:
    socketio.emit("events", frame, to=users)


def announce(frame: dict[str, Any]) -> None:
    socketio.emit("events", frame)


if __name__ == "__main__":
    add_views(app, push, lambda: connected, announce)
    serve(app)
