"""Running the application: on gevent's pywsgi for `make run`, and what uWSGI needs besides its ini file."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import socket
import sys
import time
from typing import Any

import gevent
from flask import Flask
from gevent.event import Event
from gevent.pywsgi import WSGIServer

from . import ROOT, create_app
from .errors import ConfigError
from .extensions import Parts
from .health import health
from .live.anteroom import Anteroom
from .live.frames import CloseCode
from .live.takeover import TakeoverHandler, uwsgi_with_gevent
from .logs import say, set_up_logging
from .metrics_files import folder_of
from .schema import upgrade_schema
from .under_uwsgi import mend_requests

log = logging.getLogger(__name__)

#: Connections that wait to be accepted; the kernel caps it at somaxconn.
BACKLOG = 4096
#: Connections accepted in one turn of the event loop: each brings a request, and turns should be short.
MOST_ACCEPTS = 16
#: Seconds that running requests have to finish at a stop.
STOP_PATIENCE = 5.0


def main() -> int:
    """The command line of `python wsgi.py`; the process's exit status."""
    parser = argparse.ArgumentParser(description="Serve the application with gevent's own server.")
    parser.add_argument("--reload", action="store_true", help="for development: start anew when a file changes")
    asked = parser.parse_args()
    try:
        if asked.reload:
            return serve_and_reload()
        set_up_logging()
        app = create_app()
        upgrade_schema(app)
        return serve(app)
    except ConfigError as error:
        print(f"The settings do not allow a start:\n{error}", file=sys.stderr)
        return 2


def serve(app: Flask) -> int:
    """Serve until SIGINT or SIGTERM, then send everybody away politely. Raises ConfigError where it cannot listen."""
    parts: Parts = app.extensions["myapp"]
    listener = _listen(parts.settings.host, parts.settings.port)
    server = WSGIServer(listener, app, handler_class=TakeoverHandler, log=None, error_log=log)
    server.max_accept = MOST_ACCEPTS
    server.start()
    parts.database.open()
    parts.dispatcher.start()
    parts.chores.start()
    if parts.tasks.is_here:
        parts.tasks.start()
    freeze()
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(f"myapp is at http://{shown}:{port}/ (Ctrl-C stops it)")
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, stop.set)
    stop.wait()
    say("stopping")
    server.close()  # no new connections
    parts.chores.close()
    parts.tasks.close()
    parts.dispatcher.close(CloseCode.GOING_AWAY)
    _finish_requests()
    parts.database.close()
    return 0


def freeze() -> None:
    """Have the garbage collector never look at what is loaded by now: a full look at it stops the loop for 40 ms."""
    gc.collect()
    gc.freeze()


def _listen(host: str, port: int) -> Any:
    """A listening socket. Without TCP_NODELAY, inherited by what it accepts, each kept-alive request waits 40 ms."""
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise ConfigError(f"MYAPP_HOST {host!r}, MYAPP_PORT {port}: cannot listen there: {error}") from error
    return listener


def _finish_requests() -> None:
    """Wait for requests that run; kept-alive connections without one end with the process."""
    deadline = time.monotonic() + STOP_PATIENCE
    while TakeoverHandler.running and time.monotonic() < deadline:
        gevent.sleep(0.02)


def serve_and_reload() -> int:
    """Serve in a child that is started anew whenever a file of the application changes."""
    try:
        from watchfiles import DefaultFilter, run_process
    except ImportError:
        print("--reload needs the development tools: make dev", file=sys.stderr)
        return 2

    class Sources(DefaultFilter):  # type: ignore[misc]  # an optional dependency
        def __call__(self, change: Any, path: str) -> bool:
            return path.endswith((".py", ".html", ".js", ".css")) and bool(super().__call__(change, path))

    command = f"{sys.executable} {ROOT / 'wsgi.py'}"
    folders = [str(ROOT / name) for name in ("myapp", "templates", "static")]
    run_process(*folders, target=command, target_type="command", watch_filter=Sources())
    return 0


def prepare(app: Flask) -> None:
    """Have a uWSGI worker send its clients away when it ends; elsewhere say that sockets cannot be parked."""
    set_up_logging()
    parts: Parts = app.extensions["myapp"]
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is None:
        if not sys.argv[0].endswith(("flask", "flask/__main__.py")) or "run" in sys.argv[1:]:
            log.warning(
                "this server does not give its sockets away: polls work, /ws answers 503; "
                "use `make run` or `uwsgi --ini uwsgi.ini`"
            )
        return
    if uwsgi_with_gevent() is None:
        raise ConfigError("uWSGI runs without gevent: start it with `uwsgi --ini uwsgi.ini`")
    if any(name in uwsgi.opt for name in ("https", "https2", "https-socket")):
        raise ConfigError("uWSGI does TLS itself, so sockets cannot be parked: end TLS at nginx")
    if uwsgi.numproc != parts.settings.workers:
        has, told = uwsgi.numproc, parts.settings.workers
        raise ConfigError(f"uWSGI has {has} workers, but MYAPP_WORKERS is {told}: give both the same number")
    host = os.environ.get("MYAPP_HOST", "")
    if host != host.strip() or (":" in host and not host.startswith("[")):
        raise ConfigError(f"MYAPP_HOST is {host!r}: give uWSGI an IPv4 address, a name, or IPv6 in brackets, no blanks")
    mend_requests(app, uwsgi)
    dispatcher = parts.dispatcher
    app.wsgi_app = Anteroom(  # type: ignore[method-assign]  # Flask's documented place for middleware
        app.wsgi_app, "/ws", has_room=lambda waiting: not dispatcher.limits.is_reached(dispatcher.count + waiting)
    )
    own_health = health(app)
    if "lazy-apps" in uwsgi.opt:  # this is the worker, not its parent
        parts.database.open()
        parts.dispatcher.start()
        parts.chores.start()
        if parts.tasks.is_here:
            parts.tasks.start()
        if uwsgi.numproc > 1:
            own_health.metrics.share(folder_of(uwsgi.masterpid()), uwsgi.worker_id())
        freeze()
    started = time.time()

    def leave() -> None:
        seconds = parts.settings.drain_seconds if _is_replaced(uwsgi, started) else 0.0
        parts.chores.close()
        parts.tasks.close()
        parts.dispatcher.close(CloseCode.RESTARTING, seconds)
        own_health.metrics.copy()  # or the others never learn of its end

    uwsgi.atexit = leave


def _is_replaced(uwsgi: Any, started: float) -> bool:
    """Whether this worker ends in a chain reload, beside others that go on; or else all of them end.

    uWSGI ends its workers by the same signal either way: the file that asks for a reload has been touched, or has not.
    """
    file = uwsgi.opt.get("touch-chain-reload", b"")
    try:
        is_touched = os.stat(file).st_mtime > started
    except OSError:
        return False
    return uwsgi.numproc > 1 and is_touched
