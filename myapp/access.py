"""Requests as they are told about: their ids, the access log, and how many there were.

A line has the path and no query, and nothing of what was sent: a query can carry a ticket, a header a token.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import secrets
import time
from collections import Counter
from typing import Any

from flask import Flask, Request, g, request

from .live.histogram import Histogram

log = logging.getLogger("myapp.access")

#: The header in which a request's id comes from a proxy, and goes back to the client.
HEADER = "X-Request-ID"
LINE = '%(address)s "%(method)s %(path)s" %(status)d %(ms).1f ms user=%(user)s id=%(request_id)s'
#: Endpoints of files that are the same for everybody.
STATIC = ("static", "static_version", "static_embed")
#: Bounds for the seconds that a request takes; one that waits for events, until it is parked.
DURATION_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_is_id = re.compile(r"[A-Za-z0-9._-]{8,64}").fullmatch
_numbers = itertools.count(1)
_prefix = ""


def _choose_prefix() -> None:
    global _prefix
    _prefix = secrets.token_hex(4)


_choose_prefix()
os.register_at_fork(after_in_child=_choose_prefix)


def id_of(environ: dict[str, Any]) -> str:
    """The id that a proxy or the client gave the request, if it looks like one; else a new one, unlike any other."""
    given = environ.get("HTTP_X_REQUEST_ID")
    return given if given is not None and _is_id(given) else f"{_prefix}-{next(_numbers):x}"


class Traffic:
    """Requests that were answered or parked: how many, by area and the status's first digit, and how long they took.

    An area is a blueprint, `static`, or `none` (there is no such address).
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()
        self.durations: dict[str, Histogram] = {}
        self._areas: dict[str | None, str] = {}

    def note(self, endpoint: str | None, status: int, seconds: float) -> None:
        area = self._areas.get(endpoint)
        if area is None:
            area = "static" if endpoint in STATIC else (endpoint or "none").partition(".")[0]
            self._areas[endpoint] = area
            self.durations.setdefault(area, Histogram(DURATION_BOUNDS))
        self.counts[area, status // 100] += 1
        self.durations[area].observe(seconds)


def init_app(app: Flask) -> Traffic:
    """Give each request its id and its start, before anything else is done for it."""
    counted = app.extensions["myapp_traffic"] = Traffic()

    @app.before_request
    def begin() -> None:
        own: Any = g._get_current_object()  # the proxy looks for it at every attribute
        own.started = time.perf_counter()
        own.request_id = id_of(request.environ)

    return counted


def traffic(app: Flask) -> Traffic:
    """What was counted of this application's requests."""
    found: Traffic = app.extensions["myapp_traffic"]
    return found


def user_of(context: Any) -> int | str | None:
    """Who is asking, as far as the request has found out: a user's id, or `system:<name>`; `context` is Flask's `g`."""
    identity = context.get("follower") or context.get("identity")
    if identity is not None:
        return int(identity.id)
    system = context.get("system")
    return None if system is None else f"system:{system.name}"


def printable(path: str) -> str:
    """A path of a request on one line."""
    return path if path.isprintable() else path.encode("unicode_escape").decode()


def log_request(asked: Request, status: int, took: float, context: Any) -> None:
    """The line of a request that was answered just now, after `took` seconds."""
    if log.isEnabledFor(logging.INFO):
        _write(asked.method, asked.path, status, took, asked.remote_addr, user_of(context), context.request_id)


def log_parked(path: str, transport: str, address: str, started: float, user: int, request_id: str) -> None:
    """The line of a request that waited and was answered just now."""
    if log.isEnabledFor(logging.INFO):
        _write("GET", path, 200, time.perf_counter() - started, address, user, request_id, transport)


def _write(
    method: str,
    path: str,
    status: int,
    took: float,
    address: str | None,
    user: int | str | None,
    request_id: str,
    transport: str | None = None,
) -> None:
    # one mapping: `LINE` takes its fields by name, and `logs` has them as they are
    fields = {
        "address": address or "-",
        "method": method if method.isalpha() and method.isascii() else "?",
        "path": printable(path),
        "status": status,
        "ms": round(1000 * took, 1),
        "user": user or "-",
        "request_id": request_id,
        "transport": transport,
    }
    log.info(LINE, fields)
