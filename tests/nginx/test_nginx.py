"""What passes through nginx as deployed: waiting, streams, WebSockets, uploads, static files, a reload."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from stack import Nginx

from ..support import ROOT, AppServer, wait_for


def _client(nginx: Nginx, token: str) -> httpx.Client:
    return httpx.Client(base_url=nginx.url, headers={"Authorization": f"Bearer {token}"}, timeout=20)


def _latest(nginx: Nginx, token: str) -> int:
    with _client(nginx, token) as client:
        latest: int = client.get("/badges").json()["seq"]
        return latest


def _send(nginx: Nginx, token: str, body: str) -> None:
    with _client(nginx, token) as client:
        assert client.post("/messages", json={"to": "bob", "body": body}).status_code == 201


def test_a_parked_long_poll_is_answered_through_nginx(nginx: Nginx, server: AppServer, tokens: list[str]) -> None:
    alice, bob = tokens
    latest = _latest(nginx, bob)
    answers: list[httpx.Response] = []
    with _client(nginx, bob) as client:
        query = {"seq": latest, "timeout": 20}
        waiting = threading.Thread(target=lambda: answers.append(client.get("/messages/long-poll", params=query)))
        waiting.start()
        wait_for(lambda: server.metric("myapp_parked_clients", transport="long-poll") == 1, "the poll to be parked")
        _send(nginx, alice, "through nginx")
        waiting.join(20)
    assert [event["data"]["body"] for event in answers[0].json()["events"]] == ["through nginx"]


def test_a_stream_carries_events_through_nginx_at_once(nginx: Nginx, server: AppServer, tokens: list[str]) -> None:
    alice, bob = tokens
    query = {"seq": _latest(nginx, bob)}
    with _client(nginx, bob) as client, client.stream("GET", "/messages/stream", params=query) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        for number in range(3):  # each before the next is sent: nothing is held back
            _send(nginx, alice, f"streamed {number}")
            while not (line := next(lines)).startswith("data: ") or '"body"' not in line:
                pass
            assert f'"body":"streamed {number}"' in line


def test_a_websocket_carries_events_through_nginx(nginx: Nginx, server: AppServer, tokens: list[str]) -> None:
    alice, bob = tokens
    latest = _latest(nginx, bob)
    url = f"ws://127.0.0.1:{nginx.port}/ws?seq={latest}"
    with connect(url, additional_headers={"Authorization": f"Bearer {bob}"}) as socket:
        assert '"type":"hello"' in str(socket.recv(10))
        _send(nginx, alice, "over the socket")
        assert '"body":"over the socket"' in str(socket.recv(10))


def test_pages_of_our_own_origin_may_open_a_websocket_through_nginx(nginx: Nginx, tokens: list[str]) -> None:
    url = f"ws://127.0.0.1:{nginx.port}/ws?seq=0"
    headers = {"Authorization": f"Bearer {tokens[1]}"}
    with connect(url, additional_headers=headers, origin=nginx.url) as socket:  # type: ignore[arg-type]
        assert '"type":"hello"' in str(socket.recv(10))


def test_fifty_requests_over_one_kept_connection_all_succeed(nginx: Nginx, tokens: list[str]) -> None:
    with _client(nginx, tokens[1]) as client:
        assert [client.get("/messages/poll?seq=0").status_code for _ in range(50)] == [200] * 50


@pytest.mark.parametrize("path", ["/messages", "/posts"])
def test_a_chunked_body_is_read_through_nginx(path: str, nginx: Nginx, tokens: list[str]) -> None:
    body = {"to": "bob", "body": "in chunks"} if path == "/messages" else {"body": "in chunks"}
    text = json.dumps(body).encode()
    with _client(nginx, tokens[0]) as client:
        headers = {"Content-Type": "application/json"}
        answer = client.post(path, content=iter((text[:5], text[5:])), headers=headers)
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert (answer.status_code, answer.json()["body"]) == (201, "in chunks")


def test_a_long_poll_with_a_chunked_body_is_refused_through_nginx(nginx: Nginx, tokens: list[str]) -> None:
    with _client(nginx, tokens[1]) as client:
        answer = client.request("GET", "/messages/long-poll", content=iter((b"{}",)))
    assert (answer.status_code, answer.json()["title"]) == (400, "Bad Request")


@pytest.mark.parametrize("query", ["q=" + "%E5%AD%97" * 200, "x=" + "y" * 7000], ids=["kept", "too long"])
def test_who_is_not_signed_in_is_sent_to_sign_in_from_a_long_address(query: str, nginx: Nginx) -> None:
    answer = httpx.get(f"{nginx.url}/search?{query}", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/auth/login")
    assert ("next=" in answer.headers["location"]) == (len(query) < 7000)


def test_static_files_come_from_nginx(nginx: Nginx) -> None:
    answer = httpx.get(f"{nginx.url}/static/live.js")
    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["server"].startswith("nginx")


def test_a_file_under_its_version_is_kept_and_others_are_asked_for_again(nginx: Nginx) -> None:
    page = httpx.get(f"{nginx.url}/auth/login").text
    found = re.search(r'href="(/static/~[0-9a-f]{12}/style\.css)"', page)
    assert found
    kept = httpx.get(nginx.url + found[1])
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["server"].startswith("nginx")
    asked = httpx.get(f"{nginx.url}/static/style.css")
    assert asked.headers["cache-control"] == "no-cache"
    assert kept.content == asked.content == (ROOT / "static/style.css").read_bytes()
    assert httpx.get(f"{nginx.url}/static/~0123/../../wsgi.py").status_code == 404


def test_other_applications_are_led_to_the_modules_of_now_which_pages_of_any_origin_can_load(nginx: Nginx) -> None:
    first = httpx.get(f"{nginx.url}/static/embed.js")
    assert first.status_code == 302
    assert first.headers["access-control-allow-origin"] == "*"
    module = httpx.get(f"{nginx.url}/static/{first.headers['location']}")
    assert module.headers.get_list("access-control-allow-origin") == ["*"]
    assert module.headers["server"].startswith("nginx")
    assert module.content == (ROOT / "static/embed.js").read_bytes()


@pytest.mark.parametrize("name", ["style.css", "live.js"])
def test_a_static_file_comes_compressed(name: str, nginx: Nginx) -> None:
    url = f"{nginx.url}/static/{name}"
    packed = httpx.get(url, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.content == (ROOT / "static" / name).read_bytes()
    assert packed.num_bytes_downloaded < len(packed.content) / 2
    plain = httpx.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content


def test_a_compressed_file_that_has_not_changed_is_not_sent_again(nginx: Nginx) -> None:
    headers = {"Accept-Encoding": "gzip"}
    first = httpx.get(f"{nginx.url}/static/style.css", headers=headers)
    again = httpx.get(f"{nginx.url}/static/style.css", headers={**headers, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_may_have_secrets_is_not_compressed(nginx: Nginx, tokens: list[str]) -> None:
    with _client(nginx, tokens[1]) as client:
        for path in ("/auth/login", "/", "/account", "/messages/conversations"):
            for kind in ("text/html", "application/json"):
                answer = client.get(path, headers={"Accept": kind, "Accept-Encoding": "gzip, br"})
                assert answer.status_code == 200
                assert "content-encoding" not in answer.headers, path


def test_a_ticket_in_a_query_is_not_logged(nginx: Nginx) -> None:
    httpx.get(f"{nginx.url}/messages/poll?ticket=ticket_very-secret")
    wait_for(lambda: "/messages/poll" in (nginx.home / "access.log").read_text(), "the log line")
    assert "very-secret" not in (nginx.home / "access.log").read_text()


def test_a_client_is_known_by_its_own_address(nginx: Nginx, server: AppServer) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as client:
        assert client.get(f"{nginx.url}/healthz").status_code == 200
    wait_for(lambda: '127.0.0.2 "GET /healthz"' in server.log(), "its line in the log")


def test_what_a_client_says_of_its_address_is_not_believed(nginx: Nginx, server: AppServer, tokens: list[str]) -> None:
    said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Real-IP": "203.0.113.9"}
    answer = httpx.get(f"{nginx.url}/auth/login?spoofed", headers={**said, "Accept": "text/html"})
    assert answer.status_code == 200
    assert "Secure" not in answer.headers["set-cookie"]
    wait_for(lambda: '"GET /auth/login"' in server.log(), "the line in the log")
    assert "203.0.113.9" not in server.log()


@pytest.mark.parametrize(("size", "status"), [(5_900_000, 401), (6_900_000, 413)])
def test_a_picture_of_5_mb_gets_through_and_no_more(nginx: Nginx, size: int, status: int) -> None:
    answer = httpx.post(f"{nginx.url}/account/picture", files={"picture": b"x" * size}, timeout=20)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_figures_are_for_this_host_alone(nginx: Nginx) -> None:
    assert httpx.get(f"{nginx.url}/metrics").status_code == 200
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as client:
        assert client.get(f"{nginx.url}/metrics").status_code == 403


def test_a_reload_fails_no_request_on_kept_connections(nginx: Nginx, server: AppServer, tokens: list[str]) -> None:
    """With one worker: requests wait meanwhile. tests/stack has several."""
    old = server.worker_pid
    statuses: list[int] = []
    reloaded = threading.Event()

    def ask() -> None:
        with _client(nginx, tokens[0]) as client:
            while not reloaded.is_set():
                sent = client.post("/messages", json={"to": "bob", "body": "meanwhile"})
                statuses.extend((sent.status_code, client.get("/messages/poll").status_code))
                time.sleep(0.05)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    Path(server.environ["MYAPP_RELOAD_FILE"]).touch()
    try:
        wait_for(lambda: "chain reloading complete" in server.log(), "the reload")
    finally:
        reloaded.set()
        for thread in asking:
            thread.join()
    assert set(statuses) == {200, 201}
    assert server.worker_pid != old
