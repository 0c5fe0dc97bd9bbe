"""Following an inbox where no socket can be had: short polls, long polls that wait in their thread, and /ws."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from .conftest import Program, Site, is_problem

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def poll(program: Program, query: str = "", path: str = "/messages/poll") -> Any:
    answer = program.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def seqs(page: Any) -> list[int]:
    return [event["seq"] for event in page["events"]]


# -- short polls


def test_answer_of_a_poll_has_the_fields_of_the_contract(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    alice.send("bob", "hi")
    page = poll(bob)
    assert set(page) == {"epoch", "events", "seq", "latest", "badges", "snapshots", "reset", "next"}
    assert (page["seq"], page["latest"], page["reset"], page["snapshots"]) == (1, 1, False, {})
    assert page["badges"]["messages"] == 1
    assert set(page["events"][0]) == {"seq", "kind", "at", "data"}


def test_poll_of_an_empty_inbox_is_empty(site: Site) -> None:
    (alice,) = site.programs("alice")
    page = poll(alice)
    assert (page["events"], page["seq"], page["latest"]) == ([], 0, 0)
    assert page["next"] > 0


def test_poll_gives_what_follows_the_cursor(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    for _ in range(5):
        alice.send("bob")
    assert seqs(poll(bob, "seq=3")) == [4, 5]
    page = poll(bob, "seq=5")
    assert (seqs(page), page["seq"], page["latest"]) == ([], 5, 5)


def test_limit_cuts_the_page_and_says_to_ask_again_at_once(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    for _ in range(5):
        alice.send("bob")
    page = poll(bob, "limit=2")
    assert (seqs(page), page["seq"], page["latest"], page["next"]) == ([1, 2], 2, 5, 0)
    page = poll(bob, "limit=2&seq=4")
    assert seqs(page) == [5]
    assert page["next"] > 0


def test_page_ends_at_a_hundred_events_when_not_asked_otherwise(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    for _ in range(101):
        alice.send("bob")
    assert seqs(poll(bob)) == list(range(1, 101))
    assert seqs(poll(bob, "limit=500")) == list(range(1, 102))


@pytest.mark.parametrize("path", ["/messages/poll", "/messages/long-poll"])
def test_reset_is_told_for_another_epoch_or_a_cursor_beyond(path: str, both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    alice.send("bob")
    epoch = poll(bob)["epoch"]
    for query in ("epoch=other", f"epoch={epoch}&seq=2", "seq=9007199254740991", "seq=1&epoch=other"):
        page = poll(bob, query, path)
        assert (page["reset"], page["events"], page["seq"], page["latest"]) == (True, [], 1, 1)
        assert page["epoch"] == epoch
    assert not poll(bob, f"epoch={epoch}")["reset"]


def test_reset_is_told_once_after_a_backup_was_restored(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    alice.send("bob")
    before = poll(bob)
    site.app.test_cli_runner().invoke(args=["inbox", "new-epoch"])
    page = poll(bob, f"seq={before['seq']}&epoch={before['epoch']}")
    assert page["reset"]
    assert page["epoch"] != before["epoch"]
    alice.send("bob")
    page = poll(bob, f"seq={page['seq']}&epoch={page['epoch']}")
    assert (page["reset"], seqs(page)) == (False, [2])


def test_poll_is_never_kept_by_a_cache(site: Site) -> None:
    (alice,) = site.programs("alice")
    assert alice.get("/messages/poll").headers["Cache-Control"] == "no-store"


def test_browser_follows_with_its_cookie(site: Site) -> None:
    browser = site.browser("alice")
    assert browser.get("/messages/poll").get_json()["latest"] == 0


def test_polls_are_counted_by_transport(site: Site) -> None:
    (alice,) = site.programs("alice")
    poll(alice)
    poll(alice)
    poll(alice, "timeout=0", "/messages/long-poll")
    text = alice.get("/metrics").text
    assert 'myapp_follow_requests_total{transport="short-poll"} 2.0' in text
    assert 'myapp_follow_requests_total{transport="long-poll"} 1.0' in text
    assert 'myapp_follow_requests_total{transport="websocket"} 0.0' in text


# -- long polls


def test_long_poll_answers_at_once_when_there_is_something(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    alice.send("bob")
    began = time.monotonic()
    page = poll(bob, "timeout=50", "/messages/long-poll")
    assert time.monotonic() - began < 5
    assert (seqs(page), page["next"]) == ([1], 0)


def test_long_poll_waits_for_what_is_to_come(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(poll(bob, "timeout=20", "/messages/long-poll")))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    alice.send("bob", "at last")
    waiting.join(10)
    assert [event["data"]["body"] for page in answers for event in page["events"]] == ["at last"]


def test_long_poll_is_empty_after_its_timeout(site: Site) -> None:
    (alice,) = site.programs("alice")
    began = time.monotonic()
    page = poll(alice, "timeout=0.4", "/messages/long-poll")
    assert 0.4 <= time.monotonic() - began < 5
    assert (page["events"], page["next"]) == ([], 0)


@pytest.mark.parametrize("timeout", ["0", "0.0", "0.000000", "00"])
def test_long_poll_without_time_answers_at_once(timeout: str, site: Site) -> None:
    (alice,) = site.programs("alice")
    assert poll(alice, f"timeout={timeout}", "/messages/long-poll")["events"] == []


def test_long_poll_answers_at_once_when_the_server_drains(site: Site) -> None:
    (alice,) = site.programs("alice")
    site.app.extensions["myapp"].dispatcher.is_draining = True
    began = time.monotonic()
    page = poll(alice, "timeout=50", "/messages/long-poll")
    assert time.monotonic() - began < 5
    assert page["events"] == []


@pytest.mark.parametrize("path", ["/messages/long-poll?timeout=50", "/messages/poll"])
def test_head_never_waits(path: str, site: Site) -> None:
    (alice,) = site.programs("alice")
    began = time.monotonic()
    answer = alice.open(path, "HEAD")
    assert time.monotonic() - began < 5
    assert (answer.status_code, answer.data) == (200, b"")


def test_long_poll_with_a_body_is_refused(site: Site) -> None:
    (alice,) = site.programs("alice")
    is_problem(alice.get("/messages/long-poll?timeout=0", data=b"x"), 400)


def test_long_poll_of_a_session_that_ended_is_refused(site: Site) -> None:
    browser = site.browser("alice")
    browser.post("/auth/logout")
    is_problem(browser.get("/messages/long-poll"), 401)


def test_waiting_long_poll_holds_no_connection_to_the_database(both_sites: Site) -> None:
    """More of them than the pool has connections, and a page is served all the same."""
    alice, bob = both_sites.programs("alice", "bob")
    pages: list[Any] = []

    def wait() -> None:
        pages.append(poll(Program(both_sites.app, bob.token), "timeout=20", "/messages/long-poll"))

    threads = [threading.Thread(target=wait) for _ in range(15)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        assert alice.get("/messages/conversations").status_code == 200
    alice.send("bob")
    for thread in threads:
        thread.join(20)
    assert [seqs(page) for page in pages] == [[1]] * 15


# -- WebSocket


def test_websocket_where_no_socket_can_be_had_names_the_command_to_use(site: Site) -> None:
    (alice,) = site.programs("alice")
    answer = alice.get("/ws", headers=UPGRADE)
    is_problem(answer, 503)
    detail = answer.get_json()["detail"]
    assert "make run" in detail
    assert "uwsgi --ini uwsgi.ini" in detail


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_plain_request_to_the_websocket_is_told_to_upgrade(method: str, site: Site) -> None:
    answer = site.guest().open("/ws", method)
    assert answer.status_code == 426
    assert answer.headers["Sec-WebSocket-Version"] == "13"
    assert answer.headers["Upgrade"] == "websocket"
    if method == "GET":
        is_problem(answer, 426)


def test_upgrade_without_connection_header_is_malformed(site: Site) -> None:
    headers = {name: value for name, value in UPGRADE.items() if name != "Connection"}
    is_problem(site.guest().get("/ws", headers=headers), 400)


# -- the process


def test_process_is_alive_and_ready(site: Site) -> None:
    assert site.guest().get("/healthz").get_json() == {"status": "ok"}
    answer = site.guest().get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")


def test_draining_process_is_not_ready_and_says_why(site: Site) -> None:
    site.app.extensions["myapp"].dispatcher.is_draining = True
    answer = site.guest().get("/readyz")
    assert (answer.status_code, answer.get_json()["server"]) == (503, "draining")
    assert site.guest().get("/healthz").status_code == 200


def test_process_without_its_database_is_not_ready_and_says_why(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(site.app.extensions["myapp"].database, "read", away)
    answer = site.guest().get("/readyz")
    assert answer.status_code == 503
    assert "ConnectionError" in answer.get_json()["database"]
