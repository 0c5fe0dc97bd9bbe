"""The figures of one process, and those that several keep for each other."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.parser import text_string_to_metric_families

from myapp import metrics_files
from myapp.errors import ConfigError
from myapp.health import health
from myapp.live.dispatcher import Dispatcher
from myapp.metrics import open_descriptors, resident_memory

from ..support import ROOT, make_app


def figures(app: Flask) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = health(app).metrics.text(True, {"queued": 2, "running": 1}, 3.5).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(app: Flask, name: str, **labels: str) -> float | None:
    return figures(app).get((f"myapp_{name}", frozenset(labels.items())))


def dispatcher_of(app: Flask) -> Dispatcher:
    found: Dispatcher = app.extensions["myapp"].dispatcher
    return found


def test_what_was_counted_is_told_and_not_told_twice(app: Flask) -> None:
    counts = dispatcher_of(app).counts
    counts["delivered"] += 3
    counts["closes_4401"] += 1
    counts["stream_closes_1012"] += 2
    counts["refused_places"] += 4
    for _ in range(2):
        assert figure(app, "delivered_total") == 3
    counts["delivered"] += 2
    assert figure(app, "delivered_total") == 5
    assert figure(app, "websocket_closes_total", code="4401") == 1
    assert figure(app, "stream_closes_total", code="1012") == 2
    assert figure(app, "refused_total", reason="places") == 4


def test_what_never_happened_is_told_as_0(app: Flask) -> None:
    told = figures(app)
    for name in ("delivered", "catch_ups", "sweep_finds", "resets", "callback_failures"):
        assert told[f"myapp_{name}_total", frozenset()] == 0
    assert figure(app, "follow_requests_total", transport="sse") == 0
    assert figure(app, "parked_clients", transport="long-poll") == 0
    assert figure(app, "delivery_lag_seconds_count", how="push") == 0


def test_a_count_that_is_no_figure_is_left_alone(app: Flask) -> None:
    dispatcher_of(app).counts["something_else"] += 1
    assert "something_else" not in health(app).metrics.text(True, {"queued": 2, "running": 1}, 3.5).decode()


def test_a_lag_is_in_its_bucket_and_all_above(app: Flask) -> None:
    for seconds in (0.0004, 0.7, 100.0):
        dispatcher_of(app).lags["push"].observe(seconds)
    for _ in range(2):
        for bound, count in (("0.0005", 1), ("0.5", 1), ("1.0", 2), ("60.0", 2), ("+Inf", 3)):
            assert figure(app, "delivery_lag_seconds_bucket", how="push", le=bound) == count
    assert figure(app, "delivery_lag_seconds_sum", how="push") == pytest.approx(100.7004)


def test_bus_state_is_1_where_it_is(app: Flask) -> None:
    assert figure(app, "bus_state", state="ok") == 1
    assert figure(app, "bus_state", state="away") == 0


def test_two_applications_of_one_process_have_figures_of_their_own(app: Flask, tmp_path: Path) -> None:
    other = make_app(tmp_path / "other")
    dispatcher_of(app).counts["delivered"] += 1
    assert (figure(app, "delivered_total"), figure(other, "delivered_total")) == (1, 0)
    other.extensions["myapp"].database.close()


def test_process_knows_its_memory_and_descriptors(app: Flask) -> None:
    assert 10_000_000 < (resident_memory() or 0) < 2_000_000_000
    before = open_descriptors() or 0
    with open(os.devnull):
        assert (open_descriptors() or 0) == before + 1
    assert (figure(app, "worker_memory_bytes", worker="0") or 0) > 10_000_000


def test_every_figure_says_what_it_is(app: Flask) -> None:
    text = health(app).metrics.text(True, {"queued": 2, "running": 1}, 3.5).decode()
    families = list(text_string_to_metric_families(text))
    assert len(families) >= 20
    assert all(family.documentation for family in families)


# -- several processes

#: a process that counts as worker number argv[2], tells its figures, and ends when its input does
WORKER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from collections import Counter
from myapp.access import Traffic
from myapp.live.histogram import LAG_BOUNDS, Histogram
from myapp.metrics import Metrics
lags = {how: Histogram(LAG_BOUNDS) for how in ("push", "read")}
dispatcher = SimpleNamespace(counts=Counter(), parked=Counter(), lags=lags, bus_state="ok", bus_counts={}, lag=0.0)
dispatcher.limits = SimpleNamespace(clients=10)
metrics = Metrics(dispatcher, SimpleNamespace(use=lambda: (0, 1)), Traffic(), {"done": 0})
metrics.share(Path(sys.argv[1]), int(sys.argv[2]))
for line in sys.stdin:
    dispatcher.counts["delivered"] += int(line)
    dispatcher.parked["websocket"] += int(line)
    lags["push"].observe(0.3)
    told = sorted(metrics.text(True, {"queued": 2, "running": 1}, 3.5).decode().splitlines())
    wanted = ("myapp_delivered_total", 'myapp_delivery_lag_seconds_count{how="p', 'myapp_parked_clients{transport="w')
    print(*(line.rpartition(" ")[2] for line in told if line.startswith(wanted)), flush=True)
"""


class Worker:
    def __init__(self, folder: Path, number: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, more: int) -> list[float]:
        """Have it count and say what all have: delivered, lags, parked."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{more}\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]

    def kill(self) -> None:
        with self.process:
            self.process.kill()


def test_figures_of_all_workers_are_told_by_each_and_never_go_back(tmp_path: Path) -> None:
    first, second = Worker(tmp_path, 1), Worker(tmp_path, 2)
    try:
        assert first.count(1) == [1, 1, 1]
        assert second.count(10) == [11, 2, 11]
        assert first.count(100) == [111, 3, 111]
        second.kill()
        assert first.count(0) == [111, 4, 101]
        second = Worker(tmp_path, 2)
        assert second.count(1000) == [1111, 5, 1101]
        assert len(list(tmp_path.glob("counter_*"))) == 2
    finally:
        first.kill()
        second.kill()


def test_folder_is_a_masters_own_and_those_of_masters_that_are_gone_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics_files.VARIABLE, str(tmp_path / "metrics"))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as master:
        gone = metrics_files.folder_of(master.pid)
        (gone / "counter_1.db").touch()
        assert metrics_files.folder_of(os.getpid()) != gone
        assert metrics_files.folder_of(master.pid) == gone
        assert (gone / "counter_1.db").exists()
        master.kill()
    own = metrics_files.folder_of(os.getpid())
    assert list((tmp_path / "metrics").iterdir()) == [own]


def test_number_that_a_later_process_was_given_is_not_taken_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics_files.VARIABLE, str(tmp_path))
    own = metrics_files.folder_of(os.getpid())
    before = own.with_name(own.name + "0")
    own.rename(before)
    assert metrics_files.folder_of(os.getpid()) == own
    assert not before.exists()


def test_folder_that_cannot_be_made_is_told_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(metrics_files.VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="PROMETHEUS_MULTIPROC_DIR"):
        metrics_files.folder_of(os.getpid())


#: a process that counts in a file whose ground is taken away: what a map of it was kills then
CUT = """
import os, sys
from pathlib import Path
from myapp.metrics_files import keep_in
keep_in(Path(sys.argv[1]), 1)
from prometheus_client import CollectorRegistry, Counter
counter = Counter("counted", "", registry=CollectorRegistry())
counter.inc()
os.truncate(Path(sys.argv[1]) / "counter_1.db", 0)
counter.inc()
assert ".db" not in Path("/proc/self/maps").read_text()
"""


def test_disk_that_fails_under_the_figures_kills_nobody(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CUT, str(tmp_path)], cwd=ROOT, check=True)


def kept(file: Path) -> dict[str, float]:
    return {key: value for key, value, _at, _position in MmapedDict.read_all_values_from_file(file)}  # type: ignore[no-untyped-call]


def test_figures_that_a_full_disk_does_not_take_are_written_when_it_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "counter_1.db"
    figures = metrics_files.WrittenDict(str(file))
    figures.write_value("before", 1, 0)
    write = os.pwrite

    def full(fd: int, data: bytes, at: int) -> int:
        """One that takes the first bytes and no more."""
        if len(data) > 8:
            raise OSError(errno.ENOSPC, "full")
        return write(fd, data[:4], at)

    with monkeypatch.context() as on_a_full_disk:
        on_a_full_disk.setattr(os, "pwrite", full)
        for number in range(2000):  # more than a new file takes
            figures.write_value(f"while it was full {number}", number, 0)
        figures.write_value("before", 2, 0)
        assert figures.read_value("before") == (2, 0)  # type: ignore[no-untyped-call]
        assert kept(file) == {"before": 1}
    assert caplog.text.count("/metrics lacks these figures") == 1
    figures.write_value("after", 3, 0)
    expected = {"before": 2, "after": 3, **{f"while it was full {number}": number for number in range(2000)}}
    assert kept(file) == expected
    figures.close()
    again = metrics_files.WrittenDict(str(file))
    assert all(again.read_value(key) == (value, 0) for key, value in expected.items())  # type: ignore[no-untyped-call]
    again.close()


def test_figures_whose_file_cannot_be_made_are_counted_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    figures = metrics_files.WrittenDict(str(tmp_path / "gone" / "counter_1.db"))
    figures.write_value("counted", 1, 0)
    assert figures.read_value("counted") == (1, 0)  # type: ignore[no-untyped-call]
    assert caplog.text.count("/metrics lacks these figures") == 1


def test_tasks_are_told_by_state_and_their_runs_by_outcome(app: Flask) -> None:
    app.extensions["myapp"].tasks.workers.counts["failed"] += 2
    for _ in range(2):
        assert figure(app, "task_runs_total", outcome="failed") == 2
    assert figure(app, "task_runs_total", outcome="done") == 0
    assert figure(app, "tasks", state="queued") == 2
    assert figure(app, "tasks", state="running") == 1
    assert figure(app, "tasks_waiting_seconds") == 3.5
