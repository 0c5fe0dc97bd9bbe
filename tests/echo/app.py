"""The application: flask-sock's route, our handshake, our takeover. Under uWSGI it is the module in place of wsgi."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import flask_sock
from flask import Flask, Response, request

from myapp.live import handshake, takeover
from myapp.live.dispatcher import Dispatcher
from myapp.live.limits import Limits
from myapp.live.memory_bus import MemoryBus
from myapp.live.websocket import QUIET
from myapp.messages.following import NoAnswer, Taken

from .client import EchoClient

#: Everybody is this user, whose inbox stays empty.
NOBODY = 0


class EmptyPage:
    """What is in the inbox."""

    epoch, events, seq, latest, badges, reset = "", (), 0, 0, "{}", False


def read_heads(users: Sequence[int]) -> tuple[str, dict[int, int]]:
    return "", dict.fromkeys(users, 0)


def make_app(dispatcher: Dispatcher) -> Flask:
    """The application on any path: a WebSocket, or an answer that says what a handshake lacks."""
    # simple-websocket's Server would shake hands by itself
    flask_sock.Server = lambda environ, **options: None
    app = Flask(__name__)
    sock = flask_sock.Sock(app)

    def echo(upgrade: None, path: str = "") -> None:
        switching = handshake.accept(request.environ)
        place = dispatcher.enter(NOBODY)
        try:
            taken = takeover.take(request.environ)
            client = EchoClient(dispatcher, place, taken.fd, "", 0, "")
            client.send(switching)
            dispatcher.park(client, EmptyPage, dispatcher.now + QUIET)
            client.take_pending(taken.pending)
        finally:
            dispatcher.exit(NOBODY)
        raise Taken

    @app.get("/")
    @app.get("/<path:path>")
    def plain(path: str = "") -> Response:
        """What Werkzeug takes for no WebSocket."""
        handshake.accept(request.environ)
        raise handshake.BadHandshake("The handshake is malformed.")

    for rule in ("/", "/<path:path>"):
        sock.route(rule, endpoint=f"echo {rule}")(echo)

    @app.errorhandler(Taken)
    def taken(error: Taken) -> Response:
        return NoAnswer()

    @app.errorhandler(handshake.BadHandshake)
    def malformed(error: handshake.BadHandshake) -> Response:
        return Response(f"{error}\n", 400, content_type="text/plain")

    @app.errorhandler(handshake.OtherVersion)
    def other_version(error: handshake.OtherVersion) -> Response:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        return Response(f"{error}\n", 426, headers, content_type="text/plain")

    return app


def make_dispatcher() -> Dispatcher:
    """A dispatcher without a limit, and without anything to dispatch."""

    def read(user: int, after: int, epoch: str, limit: int) -> Any:
        return EmptyPage

    return Dispatcher(MemoryBus(), read, read_heads, limits=Limits(0), http_date=str)


if "uwsgi" in sys.modules:
    dispatcher = make_dispatcher()
    application = make_app(dispatcher)
    sys.modules["uwsgi"].atexit = dispatcher.close  # type: ignore[attr-defined]
