"""Whether this worker is alive and ready, and its figures."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from .db import Database
from .extensions import database, parts
from .inbox import epoch
from .live.dispatcher import Dispatcher
from .web import answer

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)

TRANSPORTS = ("short-poll", "long-poll", "sse", "websocket")


@bp.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return answer({"status": "ok"})


@bp.get("/readyz")
def ready() -> Response:
    """Whether to send requests here; each part's state is in the body."""
    checks = {
        "database": _database_state(database()),
        "bus": "ok",  # in memory: it cannot be away
        "server": "draining" if parts().dispatcher.is_draining else "ok",
    }
    fine = all(state == "ok" for state in checks.values())
    if fine:
        return answer({"status": "ok", **checks})
    return answer({"status": "unavailable", **checks}, 503, {"Retry-After": "2"})


def _database_state(opened: Database) -> str:
    try:
        opened.check_file()
        with opened.read() as connection:
            epoch(connection)
    except Exception as error:  # whatever it is, it is the answer
        log.error("readiness: the database does not answer: %s", error)
        return f"does not answer ({type(error).__name__})"
    return "ok"


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(parts().dispatcher))
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")


class _Collector:
    """The dispatcher's plain counts as Prometheus metrics, read when they are asked for."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def collect(self) -> Iterator[Metric]:
        counts = self._dispatcher.counts
        parked = GaugeMetricFamily("myapp_parked_clients", "Clients that wait here", labels=["transport"])
        for transport in ("long-poll", "sse", "websocket"):
            parked.add_metric([transport], self._dispatcher.parked[transport])
        yield parked
        follows = CounterMetricFamily("myapp_follow_requests", "Requests to follow an inbox", labels=["transport"])
        for transport in TRANSPORTS:
            follows.add_metric([transport], counts[f"follow_{transport}"])
        yield follows
        closes = CounterMetricFamily("myapp_websocket_closes", "WebSockets closed, by code", labels=["code"])
        for name in sorted(name for name in counts if name.startswith("closes_")):
            closes.add_metric([str(int(name.removeprefix("closes_")))], counts[name])
        yield closes
        for name, text in (
            ("delivered", "Events handed to parked clients"),
            ("catch_ups", "Reads for clients that were not current"),
            ("sweep_finds", "Users for whom the sweep found news that no notification had brought"),
            ("callback_failures", "Parked clients closed because their callback failed"),
        ):
            yield CounterMetricFamily(f"myapp_{name}", text, counts[name])
