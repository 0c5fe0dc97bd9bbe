"""Flask-SocketIO as it is deployed with several processes: Redis as its message queue, PostgreSQL for its messages.

GET  /socket.io/?EIO=4&transport=websocket&user=NAME   a WebSocket that gets what is sent to NAME, its room
POST /messages {"to", "body"}                          by bearer token: one row, then one frame to either side

The database is asked on the driver itself, with statements that it prepares, each its own transaction: one reads whose
token it is, one stores the message. What it does not do: keep what a client missed, and a place in it; count what is
unread; take a message once that was sent twice; look at who follows.
"""

from __future__ import annotations

# ruff: noqa: E402 - gevent's patch must run before anything else is imported
from gevent import monkey

monkey.patch_all()

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import Any

import psycopg
from flask import Flask, abort, request
from flask_socketio import SocketIO, join_room  # type: ignore[import-untyped]  # ships no types

from .common import serve

#: Connections to the database of each process, as many as the application's.
POOL = 5

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", message_queue=os.environ["PEER_REDIS_URL"])
idle: LifoQueue[psycopg.Connection[Any]] = LifoQueue()


@contextmanager
def connection() -> Iterator[psycopg.Connection[Any]]:
    borrowed = idle.get()
    try:
        yield borrowed
    finally:
        idle.put(borrowed)


@socketio.on("connect")  # type: ignore[untyped-decorator]  # as above
def connect() -> None:
    join_room(request.args["user"])


@app.get("/bench/empty")
def empty() -> str:
    return ""


@app.post("/messages")
def messages() -> tuple[dict[str, Any], int]:
    digest = hashlib.sha256(request.headers["Authorization"].removeprefix("Bearer ").encode()).hexdigest()
    asked = request.get_json()
    at = time.time_ns() // 1_000_000
    with connection() as database:
        found = database.execute(
            "SELECT sender.id, sender.name, receiver.id FROM tokens JOIN users sender ON sender.id = tokens.user_id,"
            " users receiver WHERE tokens.token_hash = %s AND receiver.name = %s",
            (digest, asked["to"]),
            prepare=True,
        ).fetchone()
        if found is None:
            abort(401)
        sender_id, sender, to_id = found
        stored = database.execute(
            "INSERT INTO messages (from_id, to_id, body, at) VALUES (%s, %s, %s, %s) RETURNING id",
            (sender_id, to_id, asked["body"], at),
            prepare=True,
        ).fetchone()
    assert stored is not None
    message = {"id": stored[0], "from": sender, "to": asked["to"], "body": asked["body"], "at": at}
    socketio.emit("events", {"kind": "message", "data": message}, to=[sender, asked["to"]])
    return message, 201


if __name__ == "__main__":
    for _ in range(POOL):
        idle.put(psycopg.connect(os.environ["PEER_DATABASE_URL"].replace("+psycopg", ""), autocommit=True))
    serve(app)
