"""What a task gave, sent by nginx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stack import Nginx

from ..support import AppServer, wait_for


@pytest.fixture
def bob(nginx: Nginx, tokens: list[str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=nginx.url, headers={"Authorization": f"Bearer {tokens[1]}"}, timeout=20) as client:
        yield client


def done(bob: httpx.Client, **params: Any) -> str:
    """Have a task give a file; where it is."""
    task = bob.post("/tasks", json={"kind": "give", "params": params}).json()["id"]

    def result_url() -> str | None:
        url: str | None = bob.get(f"/tasks/{task}").json()["result_url"]
        return url

    found = wait_for(result_url, "the task to be done")
    assert found is not None
    return found


def files(server: AppServer) -> set[Path]:
    return set((server.folder / "results").iterdir())


def test_result_comes_by_nginx_with_all_that_the_application_says_of_it(bob: httpx.Client) -> None:
    answer = bob.get(done(bob, name="Übersicht 1.html", size=1000))
    assert (answer.status_code, answer.content) == (200, b"0123456789" * 100)
    headers = answer.headers
    assert headers["content-type"].startswith("text/html")
    assert headers["content-disposition"] == (
        "attachment; filename=\"_bersicht 1.html\"; filename*=UTF-8''%C3%9Cbersicht%201.html"
    )
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert headers["x-request-id"] and "x-accel-redirect" not in headers and "content-encoding" not in headers
    assert headers["accept-ranges"] == "bytes" and headers["etag"]  # of nginx itself


def test_part_of_a_result_can_be_had_while_it_is_the_same(bob: httpx.Client) -> None:
    url = done(bob, size=3 * 1024**3)
    whole = bob.head(url)
    assert (whole.status_code, whole.headers["content-length"]) == (200, str(3 * 1024**3))
    part = bob.get(url, headers={"Range": "bytes=990-1009", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, b"0123456789" + bytes(10))
    assert part.headers["content-range"] == f"bytes 990-1009/{3 * 1024**3}"
    end = bob.get(url, headers={"Range": "bytes=-5"})
    assert (end.status_code, end.content) == (206, bytes(5))
    assert bob.get(url, headers={"Range": f"bytes={3 * 1024**3}-"}).status_code == 416
    with bob.stream("GET", url, headers={"Range": "bytes=0-9", "If-Range": '"another"'}) as other:
        assert (other.status_code, other.headers["content-length"]) == (200, str(3 * 1024**3))


def test_nobody_gets_a_result_by_nginxs_own_address(bob: httpx.Client, nginx: Nginx, server: AppServer) -> None:
    before = files(server) if (server.folder / "results").exists() else set()
    done(bob)
    (file,) = files(server) - before
    for path in (f"/results-of-tasks/{file.name}", f"/static/..%2f/results-of-tasks/{file.name}", "/results-of-tasks/"):
        answer = bob.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert "retry-after" not in answer.headers


def test_result_that_is_gone_is_not_found(bob: httpx.Client, server: AppServer) -> None:
    before = files(server) if (server.folder / "results").exists() else set()
    url = done(bob)
    (file,) = files(server) - before
    file.unlink()
    answer = bob.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "content-disposition" not in answer.headers


def test_result_that_is_gone_for_nginx_alone_is_a_page_that_is_not_asked_for_again(
    way: str, bob: httpx.Client, server: AppServer, tmp_path: Path
) -> None:
    other = Nginx(tmp_path, f"127.0.0.1:{server.port}", uwsgi=way == "uwsgi_pass")
    other.results = tmp_path / "elsewhere"
    other.start()
    try:
        answer = httpx.get(other.url + done(bob), headers={**bob.headers, "accept": "text/html"})
    finally:
        other.stop()
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "refresh" not in answer.headers and "retry-after" not in answer.headers
    assert "Not there any more" in answer.text
