"""Alive, ready, and the ids of requests."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import Any

import gevent
import pytest

from myapp import health
from myapp.live.dispatcher import Dispatcher

from .conftest import Site


@pytest.fixture
def hanging(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Its database answers nothing."""
    site.reads = 0  # type: ignore[attr-defined]

    @contextmanager
    def hang() -> Any:
        site.reads += 1  # type: ignore[attr-defined]
        gevent.sleep(60)
        yield

    monkeypatch.setattr(site.app.extensions["myapp"].database, "read", hang)
    return site


def test_process_whose_database_hangs_says_so_within_2_seconds(hanging: Site) -> None:
    began = time.monotonic()
    answer = hanging.guest().get("/readyz")
    assert time.monotonic() - began < 2
    assert (answer.status_code, answer.get_json()["database"]) == (503, "does not answer within 1.5 s")
    assert answer.get_json()["bus"] == "ok"


def test_database_that_hangs_is_asked_once_and_after_a_while_anew(
    hanging: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    for _ in range(5):
        assert hanging.guest().get("/readyz").status_code == 503
    assert hanging.reads == 1  # type: ignore[attr-defined]
    monkeypatch.setattr(health, "LONGEST", 0.0)
    assert hanging.guest().get("/readyz").status_code == 503
    assert hanging.reads == 2  # type: ignore[attr-defined]


def test_database_that_hangs_is_down_in_the_figures_and_the_process_alive(
    hanging: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    assert "myapp_database_up 0.0" in hanging.guest().get("/metrics").text
    assert hanging.guest().get("/healthz").status_code == 200
    monkeypatch.undo()


def test_database_that_answers_is_up_in_the_figures(site: Site) -> None:
    assert "myapp_database_up 1.0" in site.guest().get("/metrics").text


@pytest.mark.parametrize("state", ["away", "deaf", "starting"])
def test_process_without_its_bus_is_not_ready_and_says_why(
    state: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dispatcher, "bus_state", state)
    answer = site.guest().get("/readyz")
    assert (answer.status_code, answer.get_json()["bus"]) == (503, state)
    assert answer.headers["Retry-After"]
    assert site.guest().get("/healthz").status_code == 200
    assert f'myapp_bus_state{{state="{state}"}} 1.0' in site.guest().get("/metrics").text


def test_requests_are_counted_by_area_and_class_of_status(site: Site) -> None:
    (alice,) = site.programs("alice")
    alice.get("/badges")
    alice.get("/users/nobody")
    alice.get("/nothing/here")
    text = alice.get("/metrics").text
    assert 'myapp_requests_total{area="messages",status="2xx"} 1.0' in text
    assert 'myapp_requests_total{area="auth",status="4xx"} 1.0' in text
    assert 'myapp_requests_total{area="none",status="4xx"} 1.0' in text
    assert 'myapp_request_seconds_count{area="messages"} 1.0' in text


def test_resets_and_refusals_are_counted(site: Site) -> None:
    (alice,) = site.programs("alice")
    assert alice.get("/messages/poll?seq=99").get_json()["reset"]
    assert alice.get("/messages/stream").status_code == 503  # a test's client gives no socket
    text = alice.get("/metrics").text
    assert "myapp_resets_total 1.0" in text
    assert 'myapp_refused_total{reason="server"} 1.0' in text


# -- ids of requests


@pytest.mark.parametrize("path", ["/healthz", "/badges", "/nothing", "/auth/login", "/static/style.css"])
def test_answer_has_the_requests_id(path: str, site: Site) -> None:
    given = "0123456789abcdef"
    headers = {"X-Request-ID": given}
    assert site.guest().get(path, headers=headers, buffered=True).headers.getlist("X-Request-ID") == [given]
    own = [site.guest().get(path, buffered=True).headers["X-Request-ID"] for _ in range(2)]
    assert len({given, *own}) == 3


def test_line_of_the_access_log_says_who_asked_and_which_request(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    (alice,) = site.programs("alice")
    ticket = alice.post("/auth/ticket").get_json()["ticket"]
    with caplog.at_level("INFO", "myapp.access"):
        alice.get("/badges", headers={"X-Request-ID": "by-token"})
        site.guest().get(f"/messages/poll?ticket={ticket}", headers={"X-Request-ID": "by-ticket"})
        site.guest().get("/healthz", headers={"X-Request-ID": "by-nobody"})
    lines = [record.getMessage() for record in caplog.records if record.name == "myapp.access"]
    assert [text[text.index(" user=") :] for text in lines] == [
        " user=1 id=by-token",
        " user=1 id=by-ticket",
        " user=- id=by-nobody",
    ]
    assert ticket not in caplog.text


def test_failure_is_logged_on_one_line_whatever_the_path(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alice,) = site.programs("alice")
    site.app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("myapp.auth.people.by_name", fail)
    with caplog.at_level(logging.ERROR):
        assert alice.get("/users/a%0Ab").status_code == 500
    assert "\n" not in next(record for record in caplog.records if record.name == "myapp.web").getMessage()
