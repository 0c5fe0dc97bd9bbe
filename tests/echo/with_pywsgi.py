"""Serving the echo with gevent's pywsgi."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import gevent
import gevent.socket
from gevent.event import Event
from gevent.pywsgi import WSGIServer

from myapp.live.takeover import TakeoverHandler

from .app import make_app, make_dispatcher


def serve(listener: socket.socket, say_address: Callable[[], None]) -> int:
    """Serve until SIGINT or SIGTERM, then say goodbye to everybody; the exit status."""
    dispatcher = make_dispatcher()
    own = gevent.socket.socket(fileno=listener.detach())
    server = WSGIServer(own, make_app(dispatcher), handler_class=TakeoverHandler, log=None)
    server.start()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, stop.set)
    say_address()
    stop.wait()
    server.close()
    dispatcher.close()
    return 0
