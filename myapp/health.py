"""Whether this worker is alive and ready, and its figures."""

from __future__ import annotations

import logging
import math
import time
from typing import Any, Literal

import gevent
from flask import Blueprint, Flask, Response, current_app

from . import access
from .db import NOT_NOW, Database
from .extensions import database, parts
from .inbox import epoch
from .metrics import Metrics
from .openapi import ANYONE, Answer, describe
from .shapes import Shape
from .tasks import recovery
from .web import answer

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)

#: Seconds that the database has for its answer.
PATIENCE = 1.5
#: Seconds after which one that never came is no longer waited for: its connection may be dead without knowing it.
LONGEST = 10.0


#: Of tasks, while the database does not say.
UNKNOWN = recovery.Standing(math.nan, math.nan, math.nan)


class Alive(Shape):
    """The process answers."""

    status: Literal["ok"]


class Ready(Shape):
    """Each part's state: `ok`, or what is wrong with it."""

    status: Literal["ok", "unavailable"]
    database: str
    bus: str
    server: Literal["ok", "draining"]


class Health:
    """What one application says of itself."""

    def __init__(self, metrics: Metrics, database: Database) -> None:
        self.metrics = metrics
        self._database = database
        self._asking: Any = None
        self._asked_at = 0.0

    def database(self) -> str:
        """ "ok", or what is wrong, within PATIENCE. Where the database hangs, one question hangs, however many ask."""
        asking = self._asking
        is_over = asking is None or asking.ready() or asking.parent is not gevent.get_hub()
        if not is_over and time.monotonic() - self._asked_at > LONGEST:
            asking.kill(block=False)
            is_over = True
        if is_over:
            self._asked_at = time.monotonic()
            self._asking = asking = gevent.spawn(_ask, self._database)
        asking.join(PATIENCE)
        return str(asking.value) if asking.ready() else f"does not answer within {PATIENCE:g} s"


def _ask(database: Database) -> str:
    try:
        database.check_file()
        with database.read() as connection:
            epoch(connection)
    except Exception as error:  # whatever it is, it is the answer
        log.error("readiness: the database does not answer: %s", error)
        return f"does not answer ({type(error).__name__})"
    return "ok"


def init_app(app: Flask) -> None:
    own = app.extensions["myapp"]
    metrics = Metrics(own.dispatcher, own.database, access.traffic(app), own.tasks.workers.counts)
    app.extensions["myapp_health"] = Health(metrics, own.database)
    app.register_blueprint(bp)


def health(app: Flask | None = None) -> Health:
    """The health of this application, or of the one at hand."""
    found: Health = (app or current_app).extensions["myapp_health"]
    return found


@bp.get("/healthz")
@describe("Whether the process answers", tag="operations", who=ANYONE, answers={200: Alive})
def alive() -> Response:
    """The process answers."""
    return answer({"status": "ok"})


@bp.get("/readyz")
@describe(
    "Whether to send requests here",
    tag="operations",
    who=ANYONE,
    answers={200: Ready, 503: Answer(Ready, "Not now.", {"Retry-After": "Seconds."})},
)
def ready() -> Response:
    """Whether to send requests here; each part's state is in the body."""
    dispatcher = parts().dispatcher
    checks = {
        "database": health().database(),
        "bus": dispatcher.bus_state,
        "server": "draining" if dispatcher.is_draining else "ok",
    }
    if all(state == "ok" for state in checks.values()):
        return answer({"status": "ok", **checks})
    return answer({"status": "unavailable", **checks}, 503, {"Retry-After": "2"})


@bp.get("/metrics")
@describe(
    "Figures of all workers of this host",
    tag="operations",
    who=ANYONE,
    answers={200: Answer(None, "Prometheus' text format.", content="text/plain")},
)
def metrics() -> Response:
    """Prometheus' text format."""
    own = health()
    is_up = own.database() == "ok"
    standing = _standing() if is_up else UNKNOWN
    tasks = {"queued": standing.queued, "running": standing.running}
    text = own.metrics.text(is_up, tasks, standing.oldest)
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _standing() -> recovery.Standing:
    try:
        with database().read() as connection:
            return recovery.standing(connection)
    except NOT_NOW as error:
        log.warning("the figures of tasks are missing, the database does not answer: %s", error)
        return UNKNOWN
