"""HTTP itself: kept connections, large and half-sent bodies, bytes behind a request."""

from __future__ import annotations

import json
import socket
import time

import httpx
import pytest

from ..support import AppServer, wait_for
from .someone import Browser, Someone, Three, wait_until_parked
from .wire import TEXT, WebSocket, Wire, fetch, frame_bytes, request_bytes, upgrade_bytes


def is_alive(server: AppServer) -> bool:
    return fetch(server.port, "GET", "/healthz").status == 200


def test_fifty_requests_go_over_one_kept_connection(three: Three) -> None:
    wire = Wire(three.bob.port)
    for number in range(50):
        body = json.dumps({"to": three.alice.name, "body": str(number)}).encode()
        kinds = [
            ("POST", "/messages", body, 201),
            ("GET", "/messages/poll", None, 200),
            ("HEAD", "/messages/poll", None, 200),
            ("GET", "/nowhere", None, 404),
        ]
        method, path, data, status = kinds[number % 4]
        headers = {**three.bob.headers, "Content-Type": "application/json"} if data else three.bob.headers
        wire.send(request_bytes(method, path, headers, data))
        assert wire.read_answer(method).status == status


def test_fifty_requests_of_a_library_need_one_connection(three: Three) -> None:
    opened: list[str] = []

    def trace(name: str, info: object) -> None:
        if name == "connection.connect_tcp.started":
            opened.append(name)

    with httpx.Client(base_url=three.bob.server.url, headers=three.bob.headers) as client:
        for _ in range(50):
            assert client.get("/messages/poll", extensions={"trace": trace}).status_code == 200
    assert len(opened) == 1


@pytest.mark.parametrize("count", [0, 1, 10], ids=["small", "middle", "large"])
def test_requests_on_a_kept_connection_do_not_wait_for_delayed_acknowledgements(three: Three, count: int) -> None:
    """An answer in several pieces, with Nagle's algorithm, waits for the client's delayed ACK: 40 ms each time."""
    for _ in range(count):
        three.alice.send(three.bob, "x" * 4000)
    client = Wire(three.bob.port)
    times = []
    for _ in range(40):
        began = time.perf_counter()
        client.send(request_bytes("GET", "/messages/poll", three.bob.headers))
        client.read_answer()
        times.append(time.perf_counter() - began)
    stalled = [took for took in times if took > 0.035]
    assert len(stalled) < 20, times  # with the stall, nearly all of them


def test_a_body_that_is_too_large_gets_a_413_that_the_client_can_read(three: Three) -> None:
    body = b'{"to": "bob", "body": "' + b"x" * 10_000_000 + b'"}'
    headers = {**three.bob.headers, "Content-Type": "application/json", "Connection": "close"}
    with Wire(three.bob.port) as wire:
        wire.send(request_bytes("POST", "/messages", headers, body))
        answer = wire.read_answer()
    assert (answer.status, answer.header("content-type")) == (413, "application/problem+json")


def test_a_large_body_gets_its_413_from_a_library_too(three: Three) -> None:
    with three.bob.server.client(three.bob.token) as client:
        answer = client.post("/messages", content=b"x" * 10_000_000, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413


def test_a_large_form_gets_a_413(three: Three) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
    with Wire(three.bob.port) as wire:
        wire.send(request_bytes("POST", "/auth/login", headers, b"username=" + b"x" * 1_000_000))
        assert wire.read_answer().status == 413


def test_a_body_that_is_cut_in_the_middle_stores_nothing(three: Three) -> None:
    body = json.dumps({"to": three.alice.name, "body": "hi"}).encode()
    headers = {**three.bob.headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
    for half in (0, 1, len(body) // 2, len(body) - 1):
        wire = Wire(three.bob.port)
        wire.send(request_bytes("POST", "/messages", headers) + body[:half])
        wire.cut() if half % 2 else wire.close()
    assert is_alive(three.bob.server)
    three.bob.send(three.alice, "whole")
    assert [event["data"]["body"] for event in three.alice.poll()["events"]] == ["whole"]


def test_a_long_head_and_the_longest_body_are_read(three: Three) -> None:
    """4,000 characters as JSON may escape them, in a request with large cookies."""
    text = "\U0001f600" * 4000
    body = json.dumps({"to": three.alice.name, "body": text}).encode()
    assert len(body) > 48_000
    headers = {**three.bob.headers, "Content-Type": "application/json", "Cookie": "big=" + "c" * 7000}
    wire = Wire(three.bob.port)
    wire.send(request_bytes("POST", "/messages", headers, body))
    assert wire.read_answer().status == 201
    assert three.alice.poll()["events"][0]["data"]["body"] == text


def test_a_body_that_comes_late_is_waited_for(three: Three) -> None:
    body = json.dumps({"to": three.alice.name, "body": "hi"}).encode()
    headers = {**three.bob.headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
    wire = Wire(three.bob.port)
    wire.send(request_bytes("POST", "/messages", headers) + body[:5])
    assert is_alive(three.bob.server)
    wire.send(body[5:])
    assert wire.read_answer().status == 201


@pytest.mark.parametrize("part", [0.2, 0.5, 0.99])
def test_a_handshake_that_is_cut_in_the_middle_harms_nobody(three: Three, part: float) -> None:
    data = upgrade_bytes("/ws", three.bob.headers)
    wire = Wire(three.bob.port)
    wire.send(data[: int(len(data) * part)])
    wire.cut()
    three.bob.websocket().hello()


def test_a_handshake_that_comes_byte_by_byte_is_read(three: Three) -> None:
    wire = WebSocket(three.bob.port)
    for byte in upgrade_bytes("/ws", three.bob.headers):
        wire.send(bytes((byte,)))
    assert wire.read_answer().status == 101
    wire.hello()


def test_a_client_that_goes_right_after_its_handshake_harms_nobody(three: Three) -> None:
    for _ in range(50):
        wire = Wire(three.bob.port)
        wire.send(upgrade_bytes("/ws", three.bob.headers))
        wire.cut()
    wait_until_parked(three.bob, "websocket", 0)
    assert three.bob.server.metric("myapp_callback_failures_total") == 0


def test_head_on_a_long_poll_answers_at_once_without_a_body(three: Three) -> None:
    wire = Wire(three.bob.port)
    wire.send(request_bytes("HEAD", "/messages/long-poll?timeout=50", three.bob.headers))
    assert wire.read_answer("HEAD").status == 200
    wire.send(request_bytes("GET", "/healthz"))
    assert wire.read_answer().json() == {"status": "ok"}


def test_a_long_poll_with_a_body_is_refused_with_400(three: Three) -> None:
    answer = fetch(three.bob.port, "GET", "/messages/long-poll?timeout=20", three.bob.headers, body=b"hello")
    assert answer.status == 400


def test_a_long_poll_with_a_chunked_body_is_refused_with_400(three: Three) -> None:
    headers = {**three.bob.headers, "Transfer-Encoding": "chunked", "Connection": "close"}
    wire = Wire(three.bob.port)
    wire.send(request_bytes("GET", "/messages/long-poll?timeout=20", headers) + b"5\r\nhello\r\n0\r\n\r\n")
    assert wire.read_answer().status == 400


def test_a_request_right_behind_a_parked_long_poll_is_not_served(three: Three) -> None:
    """Its answer ends the connection, as it says: no second one may follow."""
    waiting = three.bob.long_poll(0, timeout=20)
    waiting.send(request_bytes("GET", "/messages/poll", three.bob.headers))
    wait_until_parked(three.bob, "long-poll")
    three.alice.send(three.bob, "hi")
    assert waiting.read_answer().json()["seq"] == 1
    assert waiting.read_to_end() == b""


def test_a_frame_right_behind_the_handshake_is_not_taken_for_a_request(three: Three) -> None:
    """RFC 6455 section 4.1 forbids clients to send it; pywsgi gives it to us, uWSGI may lose it."""
    wire = WebSocket(three.bob.port)
    wire.send(upgrade_bytes("/ws", three.bob.headers) + frame_bytes(TEXT, b"heartCheck"))
    assert wire.read_answer().status == 101
    wire.hello()
    if three.bob.server.kind == "pywsgi":
        assert wire.next()["type"] == "pong"
    wire.leave()


def test_a_half_closed_client_of_a_long_poll_is_gone(three: Three) -> None:
    waiting = three.bob.long_poll(0, timeout=1)
    waiting.sock.shutdown(socket.SHUT_WR)
    waiting.read_to_end()
    wait_for(
        lambda: three.bob.server.metric("myapp_parked_clients", transport="long-poll") == 0, "its place to be free"
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_figures_of_health_answer(three: Three, path: str) -> None:
    assert fetch(three.bob.port, "GET", path).status == 200


def test_a_chunked_body_is_read(three: Three) -> None:
    body = json.dumps({"to": three.alice.name, "body": "hi"}).encode()
    headers = {**three.bob.headers, "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    wire = Wire(three.bob.port)
    wire.send(request_bytes("POST", "/messages", headers))
    wire.send(b"%x\r\n%s\r\n" % (5, body[:5]))
    wire.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 5, body[5:]))
    assert wire.read_answer().status == 201


def test_a_cut_connection_in_mid_frame_harms_nobody(three: Three) -> None:
    ws = three.bob.websocket()
    ws.hello()
    ws.send(frame_bytes(TEXT, b"heartCheck")[:7])
    ws.cut()
    wait_until_parked(three.bob, "websocket", 0)
    assert is_alive(three.bob.server)


def test_a_chunked_body_that_is_too_large_gets_a_413(three: Three) -> None:
    body = json.dumps({"to": three.alice.name, "body": "x"}).encode() + b" " * 100_000
    wire = Wire(three.bob.port)
    headers = {**three.bob.headers, "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    wire.send(request_bytes("POST", "/messages", headers) + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    assert wire.read_answer("POST").status == 413
    assert three.alice.latest == 0


def test_a_body_that_breaks_off_is_nobodys_internal_error(three: Three) -> None:
    wire = Wire(three.bob.port)
    headers = {**three.bob.headers, "Content-Type": "application/json", "Content-Length": "1000"}
    wire.send(request_bytes("POST", "/messages", headers) + b'{"to": "somebody"')
    wire.sock.shutdown(socket.SHUT_WR)
    assert b"HTTP/1.1 500" not in wire.read_to_end()
    assert is_alive(three.bob.server)
    assert "POST /messages failed" not in three.bob.server.log()


def test_forms_that_come_slowly_do_not_keep_others_from_signing_in(three: Three) -> None:
    for path in ("/auth/login", "/auth/register"):
        for _ in range(6):
            wire = Wire(three.bob.port)
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "500"}
            wire.send(request_bytes("POST", path, headers) + b"username=")
    name = f"{three.alice.name}-2"
    three.alice.server.people.add(name, password=True)
    assert Browser(Someone(three.alice.server, name, "")).websocket().hello()


def test_a_request_that_asks_for_it_ends_its_connection(three: Three) -> None:
    wire = Wire(three.bob.port)
    wire.send(request_bytes("GET", "/messages/poll", {**three.bob.headers, "Connection": "close"}))
    assert wire.read_answer().status == 200
    assert wire.read_to_end() == b""
