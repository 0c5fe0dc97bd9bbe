"""The figures of this process for Prometheus, or those of all workers of this uWSGI.

What is counted while requests and clients are served are plain numbers of the dispatcher and of the traffic. They are
copied into prometheus-client's metrics when somebody asks, and once a second where several workers share their figures
(see `metrics_files`), so whoever is asked tells those of all. Nothing here is called for a request or an event.
"""

from __future__ import annotations

import logging
import os
from collections import Counter as Numbers
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from . import metrics_files
from .access import DURATION_BOUNDS, Traffic
from .db import Database
from .live import bus, histogram
from .live.dispatcher import Dispatcher
from .live.histogram import LAG_BOUNDS

log = logging.getLogger(__name__)

#: Seconds between two copies where workers share their figures.
COPY_EVERY = 1.0
TRANSPORTS = ("long-poll", "sse", "websocket")

REASONS = ("places", "address", "descriptors", "late", "draining", "server")

#: The dispatcher's counts, by their names there.
PLAIN = {
    "delivered": "Events handed to parked clients",
    "catch_ups": "Reads for clients that were not current",
    "sweep_finds": "Users for whom the sweep found news that no notification had brought",
    "too_many_of_user": "Clients sent away because their user, who has as many as may be, opened another one",
    "resets": "Clients that were told to load everything anew: another epoch, or an impossible cursor",
    "callback_failures": "Parked clients closed because their callback failed",
}
#: Those that are many of a kind: what their names begin with, the metric, its label, and what it is.
KINDS = (
    ("follow_", "follow_requests", "transport", "Requests to follow an inbox"),
    ("closes_", "websocket_closes", "code", "WebSockets closed, by code"),
    ("stream_closes_", "stream_closes", "code", "Event streams ended by the server, by the code that they were told"),
    ("refused_", "refused", "reason", "Followers turned away for want of a place"),
    ("bus_", "bus_events", "what", "What happened to the bus between the workers"),
)


class CopiedHistogram(Histogram):
    """A histogram that was counted elsewhere."""

    def add(self, counts: Iterable[int], total: float) -> None:
        """So many more values in each bucket, and so much more in their sum."""
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        if total:
            self._sum.inc(total)


class Metrics:
    """Of one application; what prometheus-client needs is made with the first use, after the fork.

    `share` has all workers of this uWSGI tell the figures of all; without it a process tells its own.
    """

    def __init__(
        self, dispatcher: Dispatcher, database: Database, traffic: Traffic, task_runs: Mapping[str, int]
    ) -> None:
        self._dispatcher = dispatcher
        self._database = database
        self._traffic = traffic
        self._task_runs = task_runs
        self._folder: Path | None = None
        self._worker = "0"
        self._registry: CollectorRegistry | None = None
        self._made: dict[str, Any] = {}
        #: what was copied of each number and of each histogram
        self._copied: Numbers[Any] = Numbers()
        self._copied_histograms: dict[Any, tuple[list[int], float]] = {}

    def share(self, folder: Path, worker: int) -> None:
        """Keep the figures in files in `folder` from now on, as worker number `worker`. Call it before any other use.

        A counter is the worker's, whichever process it is; a gauge ends with the process.
        """
        metrics_files.keep_in(folder, worker)
        self._folder = folder
        self._worker = str(worker)
        gevent.spawn(self._keep_up)

    def _keep_up(self) -> None:
        while True:
            try:
                self.copy()
            except Exception:  # safety net: the others' figures would stand still for ever
                log.exception("copying the figures failed")
            gevent.sleep(COPY_EVERY)

    def text(self, is_database_up: bool, tasks: Mapping[str, float], oldest: float) -> bytes:
        """All figures in Prometheus' text format; of the database's: whether it is up, how many tasks there are in
        each state, and for how many seconds the first of those that wait has done so.
        """
        self.copy()
        self._made["database_up"].set(is_database_up)
        self._made["tasks_waiting_seconds"].set(oldest)
        for state, count in tasks.items():
            self._made["tasks"].labels(state).set(count)
        if self._folder is None:
            assert self._registry is not None
            return generate_latest(self._registry)
        metrics_files.forget_dead(self._folder)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, path=str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(everybody)

    # -- copying

    def copy(self) -> None:
        """Bring the metrics up to the counts."""
        if self._registry is None:
            self._make()
        for name, value in (*self._dispatcher.counts.items(), *self._dispatcher.bus_counts.items()):
            more = value - self._copied[name]
            if more and (counter := self._counter(name)) is not None:
                counter.inc(more)
                self._copied[name] = value
        for (area, digit), value in self._traffic.counts.items():
            more = value - self._copied[area, digit]
            if more:
                self._made["requests"].labels(area, f"{digit}xx").inc(more)
                self._copied[area, digit] = value
        for outcome, value in self._task_runs.items():
            more = value - self._copied["task", outcome]
            if more:
                self._made["task_runs"].labels(outcome).inc(more)
                self._copied["task", outcome] = value
        for area, durations in self._traffic.durations.items():
            self._copy_histogram("request_seconds", area, durations)
        for how, lags in self._dispatcher.lags.items():
            self._copy_histogram("delivery_lag_seconds", how, lags)
        self._copy_gauges()

    def _counter(self, name: str) -> Any:
        """The counter of one of the dispatcher's counts, None where it is not told."""
        if name in PLAIN:
            return self._made[name]
        for prefix, metric, _label, _text in KINDS:
            if name.startswith(prefix):
                value = name.removeprefix(prefix)
                return self._made[metric].labels(str(int(value)) if prefix.endswith("closes_") else value)
        return None

    def _copy_histogram(self, name: str, label: str, counted: histogram.Histogram) -> None:
        zeros = [0] * len(counted.counts)
        counts, total = self._copied_histograms.get((name, label), (zeros, 0.0))
        now = list(counted.counts)
        if now != counts:
            self._made[name].labels(label).add(
                (new - old for new, old in zip(now, counts, strict=True)), counted.sum - total
            )
            self._copied_histograms[name, label] = now, counted.sum

    def _copy_gauges(self) -> None:
        made, dispatcher = self._made, self._dispatcher
        for transport in TRANSPORTS:
            made["parked_clients"].labels(transport).set(dispatcher.parked[transport])
        made["parking_places"].set(dispatcher.limits.clients)
        for state in bus.STATES:
            made["bus_state"].labels(state).set(dispatcher.bus_state == state)
        in_use, most = self._database.use()
        made["database_connections_in_use"].set(in_use)
        made["database_connections"].set(most)
        for name, value in (
            ("worker_loop_lag_seconds", dispatcher.lag),
            ("worker_memory_bytes", resident_memory()),
            ("worker_open_descriptors", open_descriptors()),
        ):
            if value is not None:
                made[name].labels(self._worker).set(value)

    # -- the metrics

    def _make(self) -> None:
        """All of them, and those with labels whose values are known at 0: what never happened is told too."""
        self._registry = CollectorRegistry()
        counter, gauge, timed = (partial(self._add, kind) for kind in (Counter, Gauge, CopiedHistogram))
        for name, text in PLAIN.items():
            counter(name, text)
        for _prefix, name, label, text in KINDS:
            counter(name, text, label)
        for transport in ("short-poll", *TRANSPORTS):
            self._made["follow_requests"].labels(transport)
        for reason in REASONS:
            self._made["refused"].labels(reason)
        counter("requests", "Requests by area of the application and class of the answer's status", "area", "status")
        counter("task_runs", "Runs of tasks in this very server, by how they ended", "outcome")
        for outcome in self._task_runs:
            self._made["task_runs"].labels(outcome)
        timed("request_seconds", "Seconds until a request was answered, or parked", "area", buckets=DURATION_BOUNDS)
        lag = "Seconds from the commit of an event to its write: pushed by a notification, or read from the database"
        timed("delivery_lag_seconds", lag, "how", buckets=LAG_BOUNDS)
        for how in self._dispatcher.lags:
            self._made["delivery_lag_seconds"].labels(how)
        gauge("parked_clients", "Clients that wait here", "transport")
        gauge("parking_places", "Clients that may wait; 0: as many as there are descriptors")
        gauge("bus_state", "Workers whose bus is in this state", "state")
        gauge("database_connections_in_use", "Connections to the database that are in use")
        gauge("database_connections", "Connections to the database that are kept")
        gauge("database_up", "Whether the database answered when this was asked", multiprocess_mode="livemostrecent")
        gauge("tasks", "Tasks of ours that wait or run anywhere", "state", multiprocess_mode="livemostrecent")
        waits = "Seconds for which the first of the tasks that wait has done so"
        gauge("tasks_waiting_seconds", waits, multiprocess_mode="livemostrecent")
        gauge("worker_loop_lag_seconds", "By how much the event loop is late, smoothed", "worker")
        gauge("worker_memory_bytes", "Resident memory of the process", "worker")
        gauge("worker_open_descriptors", "Open files and sockets of the process", "worker")

    def _add(self, kind: Any, name: str, text: str, *labels: str, **options: Any) -> None:
        if kind is Gauge:
            options.setdefault("multiprocess_mode", "livesum")
        self._made[name] = kind(f"myapp_{name}", text, labels, registry=self._registry, **options)


def resident_memory() -> int | None:
    """Bytes of memory of this process; None where the system does not tell it this way."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def open_descriptors() -> int | None:
    """How many this process has. Counted by the kernel (Linux 6.2): to list 20,000 stops the loop for milliseconds."""
    try:
        return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))
    except OSError:
        return None
