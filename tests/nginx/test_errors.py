"""What nginx itself says: while the application is away, to too many requests; and what it writes into its logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stack import Nginx

from ..support import wait_for
from .conftest import Upstream

FOLLOWING = ("/ws", "/messages/stream", "/messages/long-poll", "/messages/poll")
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x" * 24,
}


def test_while_the_application_is_away_a_browser_gets_a_page(alone: Nginx) -> None:
    answer = httpx.get(f"{alone.url}/chats/bob", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (answer.headers["retry-after"], answer.headers["refresh"]) == ("5", "5")
    assert "Back in a moment" in answer.text and "稍候即回" in answer.text


def test_while_the_application_is_away_a_form_is_not_sent_again(alone: Nginx) -> None:
    answer = httpx.post(f"{alone.url}/chats/bob", data={"body": "hi"}, headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "refresh" not in answer.headers


def test_while_the_application_is_away_a_program_gets_a_problem(alone: Nginx) -> None:
    answer = httpx.post(f"{alone.url}/messages", json={"to": "bob", "body": "hi"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["status"] == 503


def test_while_the_application_is_away_pages_of_others_load_their_modules_all_the_same(alone: Nginx) -> None:
    answer = httpx.get(f"{alone.url}/static/embed.js")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache"
    assert "javascript" in answer.headers["content-type"] and "export { Inbox }" in answer.text


def test_nothing_tells_nginxs_version(alone: Nginx) -> None:
    assert httpx.get(f"{alone.url}/").headers["server"] == "nginx"


def test_pages_of_errors_are_no_addresses(alone: Nginx) -> None:
    assert httpx.get(f"{alone.url}/nginx-errors/429.html").status_code == 404


def _logs(folder: Path) -> str:
    return "".join(file.read_text(errors="replace") for file in folder.rglob("*.log"))


@pytest.mark.parametrize("headers", [{}, UPGRADE], ids=["plain", "upgrade"])
def test_a_ticket_is_in_no_log_while_the_application_is_away(alone: Nginx, headers: dict[str, str]) -> None:
    for path in FOLLOWING:
        assert httpx.get(f"{alone.url}{path}?seq=0&ticket=very-secret", headers=headers).status_code == 503
    wait_for(lambda: all(f'"GET {path}" 503' in _logs(alone.folder) for path in FOLLOWING), "the lines in the log")
    assert "very-secret" not in _logs(alone.folder)


def test_a_ticket_is_in_no_log_when_the_application_hangs_up(before_upstream: Nginx, upstream: Upstream) -> None:
    for path in FOLLOWING:
        assert httpx.get(f"{before_upstream.url}{path}?ticket=very-secret").status_code == 503
    assert b"very-secret" in upstream.heads[0]
    assert "very-secret" not in _logs(before_upstream.folder)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_safe_request_that_was_not_answered_goes_to_another_worker(
    method: str, before_upstream: Nginx, upstream: Upstream
) -> None:
    assert httpx.request(method, f"{before_upstream.url}/badges").status_code == 503
    assert len(upstream.heads) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_unsafe_request_that_was_not_answered_is_not_repeated(
    method: str, before_upstream: Nginx, upstream: Upstream
) -> None:
    assert httpx.request(method, f"{before_upstream.url}/messages", json={}).status_code == 503
    assert len(upstream.heads) == 1


def test_what_a_client_says_about_itself_is_replaced(before_upstream: Nginx, upstream: Upstream) -> None:
    said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "gopher", "X-Request-ID": "my-own"}
    httpx.get(f"{before_upstream.url}/badges", headers=said)
    head = upstream.heads[0]
    assert b"203.0.113.9" not in head and b"gopher" not in head and b"my-own" not in head
    log = before_upstream.home / "access.log"  # written behind the answer
    assert wait_for(
        lambda: any(word.encode() in head for word in log.read_text().split()[-5:-4]), "its line in the log"
    )


@pytest.fixture
def strict(way: str, tmp_path: Path) -> Iterator[Nginx]:
    """nginx that takes two requests an hour from an address."""
    nginx = Nginx(tmp_path, "127.0.0.1:1", uwsgi=way == "uwsgi_pass")
    nginx.replaced = {"rate=1000r/s": "rate=1r/m", "burst=6000": "burst=3"}
    yield nginx.start()
    nginx.stop()


def test_too_many_requests_from_one_address_get_a_429(strict: Nginx) -> None:
    answers = [httpx.get(f"{strict.url}/messages/poll?ticket=very-secret") for _ in range(5)]
    answers.append(httpx.get(f"{strict.url}/static/embed.js"))
    for answer in answers[-2:]:
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "5"
    assert "very-secret" not in _logs(strict.folder)
