"""Who may follow, and for how long: origins, tokens, tickets, sessions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from ..support import AppServer
from .someone import Browser, Someone, Three, people_of, wait_until_parked
from .wire import Answer, WebSocket, Wire, bearer, fetch, request_bytes, upgrade_bytes


def handshake(who: Someone, path: str = "/ws", **headers: str) -> Answer:
    """The answer to a handshake with exactly these headers."""
    wire = Wire(who.port)
    host = {"Host": f"127.0.0.1:{who.port}"}
    wire.send(upgrade_bytes(path, host | {name.replace("_", "-"): value for name, value in headers.items()}))
    return wire.read_answer()


def check_refused(socket: WebSocket) -> None:
    """Accepted and closed at once with 4401, with no frame before."""
    assert socket.read_frame().code == 4401
    socket.say_close(4401)
    assert socket.read_to_end() == b""


def check_sent_away(socket: WebSocket) -> None:
    assert socket.read_close().code == 4401
    socket.say_close(4401)
    assert socket.read_to_end() == b""


def ticket_of(who: Someone) -> str:
    answer = who.post("/auth/ticket", {})
    assert answer.status == 200, answer
    said = answer.json()
    assert set(said) == {"ticket", "expires_in"}
    assert said["expires_in"] == 600
    ticket: str = said["ticket"]
    return ticket


@pytest.fixture
def browser_of_bob(server: AppServer) -> tuple[Three, Browser]:
    three = people_of(server, password=True)
    return three, Browser(three.bob)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", ""])
def test_a_foreign_origin_is_refused_with_403(three: Three, origin: str) -> None:
    answer = handshake(three.bob, Authorization=f"Bearer {three.bob.token}", Origin=origin)
    assert (answer.status, answer.header("content-type")) == (403, "application/problem+json")


def test_an_allowed_origin_may_open_a_websocket_with_a_token(three: Three) -> None:
    answer = handshake(three.bob, Authorization=f"Bearer {three.bob.token}", Origin="https://friend.example")
    assert answer.status == 101


def test_ones_own_origin_may_open_a_websocket_with_the_cookie(browser_of_bob: tuple[Three, Browser]) -> None:
    three, browser = browser_of_bob
    socket = browser.websocket()
    socket.hello()
    three.alice.send(three.bob, "hi")
    assert [event["data"]["body"] for event in socket.events(1)] == ["hi"]


def test_a_cookie_without_an_origin_is_closed_with_4401(browser_of_bob: tuple[Three, Browser]) -> None:
    _, browser = browser_of_bob
    check_refused(WebSocket.open(browser.port, "/ws", browser.headers))


def test_a_cookie_with_a_foreign_origin_is_refused_with_403(browser_of_bob: tuple[Three, Browser]) -> None:
    three, browser = browser_of_bob
    assert handshake(three.bob, Cookie=browser.headers["Cookie"], Origin="https://evil.example").status == 403


def test_a_token_without_an_origin_is_a_program(three: Three) -> None:
    assert handshake(three.bob, Authorization=f"Bearer {three.bob.token}").status == 101


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic Ym9iOmJvYg==", "", "Bearer ticket_wrong"])
def test_a_bad_bearer_is_closed_with_4401(three: Three, header: str) -> None:
    check_refused(WebSocket.open(three.bob.port, "/ws", {"Authorization": header}))


def test_a_bad_bearer_counts_although_the_cookie_is_good(browser_of_bob: tuple[Three, Browser]) -> None:
    _, browser = browser_of_bob
    own = {"Host": f"127.0.0.1:{browser.port}", "Origin": f"http://127.0.0.1:{browser.port}"}
    check_refused(WebSocket.open(browser.port, "/ws", {**browser.headers, **own, "Authorization": "Bearer wrong"}))


def test_nobody_is_closed_with_4401(three: Three) -> None:
    check_refused(WebSocket.open(three.bob.port, "/ws"))


@pytest.mark.parametrize("path", ["/messages/poll", "/messages/long-poll?timeout=20"])
def test_nobody_gets_a_401_from_polls(three: Three, path: str) -> None:
    answer = fetch(three.bob.port, "GET", path)
    assert (answer.status, answer.header("www-authenticate")) == (401, "Bearer")


def test_a_ticket_follows_by_short_poll(three: Three) -> None:
    three.alice.send(three.bob, "hi")
    answer = fetch(three.bob.port, "GET", f"/messages/poll?ticket={quote(ticket_of(three.bob))}")
    assert (answer.status, answer.json()["latest"]) == (200, 1)


def test_a_ticket_follows_by_long_poll(three: Three) -> None:
    three.alice.send(three.bob, "hi")
    answer = fetch(three.bob.port, "GET", f"/messages/long-poll?ticket={quote(ticket_of(three.bob))}")
    assert (answer.status, answer.json()["latest"]) == (200, 1)


def test_a_ticket_follows_by_websocket(three: Three) -> None:
    three.alice.send(three.bob, "hi")
    socket = WebSocket.open(three.bob.port, f"/ws?ticket={quote(ticket_of(three.bob))}")
    assert socket.hello()["latest"] == 1


def test_a_ticket_works_as_bearer(three: Three) -> None:
    socket = WebSocket.open(three.bob.port, "/ws", bearer(ticket_of(three.bob)))
    assert socket.hello()["latest"] == 0


def test_a_ticket_may_not_send(three: Three) -> None:
    data = {"to": three.alice.name, "body": "hi"}
    answer = fetch(three.bob.port, "POST", "/messages", bearer(ticket_of(three.bob)), data)
    assert answer.status == 403


def test_a_wrong_ticket_is_closed_with_4401(three: Three) -> None:
    check_refused(WebSocket.open(three.bob.port, "/ws?ticket=ticket_nonsense"))


def test_a_ticket_never_appears_in_the_log(three: Three) -> None:
    ticket = ticket_of(three.bob)
    fetch(three.bob.port, "GET", f"/messages/poll?ticket={quote(ticket)}")
    socket = WebSocket.open(three.bob.port, f"/ws?ticket={quote(ticket)}")
    socket.hello()
    assert ticket not in three.bob.server.log()


def revoke(who: Someone) -> None:
    tokens = who.get("/auth/tokens").json()["tokens"]
    answer = fetch(who.port, "DELETE", f"/auth/tokens/{tokens[0]['id']}", who.headers)
    assert answer.status == 204


def test_a_revoked_token_closes_its_websocket_with_4401(three: Three) -> None:
    socket = three.bob.websocket()
    socket.hello()
    revoke(three.bob)
    check_sent_away(socket)


def test_a_revoked_token_closes_the_websocket_of_its_ticket_with_4401(three: Three) -> None:
    socket = WebSocket.open(three.bob.port, f"/ws?ticket={quote(ticket_of(three.bob))}")
    socket.hello()
    revoke(three.bob)
    check_sent_away(socket)


def test_a_revoked_token_leaves_the_users_other_clients_alone(three: Three) -> None:
    other = three.bob.server.people.token(three.bob.name)
    stays = WebSocket.open(three.bob.port, "/ws", bearer(other))
    goes = three.bob.websocket()
    stays.hello(), goes.hello()
    number = min(token["id"] for token in three.bob.get("/auth/tokens").json()["tokens"])
    assert fetch(three.bob.port, "DELETE", f"/auth/tokens/{number}", three.bob.headers).status == 204
    check_sent_away(goes)
    stays.say("heartCheck")
    assert stays.next()["type"] == "pong"


def test_a_revoked_token_ends_its_long_poll_and_is_told_401_at_the_next(three: Three) -> None:
    waiting = three.bob.long_poll(0, timeout=20)
    wait_until_parked(three.bob, "long-poll")
    revoke(three.bob)
    assert waiting.read_answer().json()["events"] == []
    assert three.bob.get("/messages/long-poll?timeout=20").status == 401


def session_of(browser: Browser) -> dict[str, Any]:
    sessions = fetch(browser.port, "GET", "/auth/sessions", browser.headers).json()["sessions"]
    session: dict[str, Any] = next(one for one in sessions if one["current"])
    return session


def test_signing_out_closes_the_websocket_with_4401(browser_of_bob: tuple[Three, Browser]) -> None:
    _, browser = browser_of_bob
    socket = browser.websocket()
    socket.hello()
    assert browser.change("POST", "/auth/logout").status == 204
    check_sent_away(socket)


def test_an_ended_session_closes_its_websocket_with_4401(browser_of_bob: tuple[Three, Browser]) -> None:
    three, browser = browser_of_bob
    socket = browser.websocket()
    socket.hello()
    number = session_of(browser)["id"]
    assert fetch(three.bob.port, "DELETE", f"/auth/sessions/{number}", three.bob.headers).status == 204
    check_sent_away(socket)


def test_ending_all_sessions_closes_each_ones_websocket(browser_of_bob: tuple[Three, Browser]) -> None:
    three, browser = browser_of_bob
    sockets = [browser.websocket(), Browser(three.bob).websocket()]
    for socket in sockets:
        socket.hello()
    assert browser.change("DELETE", "/auth/sessions/all").status == 204
    for socket in sockets:
        check_sent_away(socket)


def test_a_session_that_ended_gets_no_further_event(browser_of_bob: tuple[Three, Browser]) -> None:
    three, browser = browser_of_bob
    socket = browser.websocket()
    socket.hello()
    assert browser.change("POST", "/auth/logout").status == 204
    three.alice.send(three.bob, "for bob only")
    frames = socket.read_close()
    assert frames.code == 4401
    socket.say_close(4401)
    assert b"for bob only" not in socket.read_to_end()


def test_a_session_without_its_csrf_token_cannot_send(browser_of_bob: tuple[Three, Browser]) -> None:
    three, browser = browser_of_bob
    data = {"to": three.alice.name, "body": "hi"}
    assert fetch(browser.port, "POST", "/messages", browser.headers, data).status == 403


def test_a_session_with_its_csrf_token_sends(browser_of_bob: tuple[Three, Browser]) -> None:
    three, browser = browser_of_bob
    assert browser.change("POST", "/messages", {"to": three.alice.name, "body": "hi"}).status == 201


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("seq=-1", "seq"),
        ("seq=x", "seq"),
        ("seq=1.5", "seq"),
        (f"seq={2**53}", "seq"),
        ("seq=1&seq=2", "seq"),
        ("seq=", "seq"),
        ("push=old", "push"),
        ("epoch=" + "e" * 201, "epoch"),
    ],
)
def test_a_bad_query_is_refused_with_422_that_names_it(three: Three, query: str, field: str) -> None:
    answer = handshake(three.bob, f"/ws?{query}", Authorization=f"Bearer {three.bob.token}")
    assert (answer.status, list(answer.json()["errors"])) == (422, [field])


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j!!=="},
        {"Connection": "keep-alive"},
    ],
    ids=["short-key", "no-base64", "no-upgrade-in-connection"],
)
def test_a_malformed_handshake_is_refused_with_400(three: Three, headers: dict[str, str]) -> None:
    wire = Wire(three.bob.port)
    wire.send(upgrade_bytes("/ws", {**three.bob.headers, **headers}))
    assert wire.read_answer().status == 400


@pytest.mark.parametrize(
    "headers", [{"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}], ids=["sized", "chunked"]
)
def test_a_handshake_with_a_body_is_refused_with_400(three: Three, headers: dict[str, str]) -> None:
    wire = Wire(three.bob.port)
    body = b"hello" if "Content-Length" in headers else b"5\r\nhello\r\n0\r\n\r\n"
    wire.send(upgrade_bytes("/ws", {**three.bob.headers, **headers}) + body)
    assert wire.read_answer().status == 400


def test_a_handshake_without_a_key_is_refused_with_400(three: Three) -> None:
    wire = Wire(three.bob.port)
    wire.send(upgrade_bytes("/ws", three.bob.headers, without=("Sec-WebSocket-Key",)))
    assert wire.read_answer().status == 400


@pytest.mark.parametrize("version", ["8", "12", "14", "", "13, 8"])
def test_another_version_is_refused_with_426_that_names_13(three: Three, version: str) -> None:
    wire = Wire(three.bob.port)
    wire.send(upgrade_bytes("/ws", {**three.bob.headers, "Sec-WebSocket-Version": version}))
    answer = wire.read_answer()
    assert (answer.status, answer.header("sec-websocket-version")) == (426, "13")


def test_a_plain_get_is_refused_with_426_that_names_13(three: Three) -> None:
    answer = three.bob.get("/ws")
    assert (answer.status, answer.header("sec-websocket-version")) == (426, "13")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_another_method_than_get_is_refused_with_405(three: Three, method: str) -> None:
    assert fetch(three.bob.port, method, "/ws", three.bob.headers).status == 405


def test_an_upgrade_of_another_address_is_no_websocket(three: Three) -> None:
    answer = handshake(three.bob, "/healthz", Authorization=f"Bearer {three.bob.token}")
    assert answer.status == 400


def test_a_refused_upgrade_says_whether_its_connection_is_kept(three: Three) -> None:
    wire = Wire(three.bob.port)
    wire.send(upgrade_bytes("/ws", {**three.bob.headers, "Sec-WebSocket-Version": "12"}))
    answer = wire.read_answer()
    assert answer.status == 426
    if ("connection", "close") in answer.headers:  # besides "Upgrade"
        assert wire.read_to_end() == b""
    else:
        wire.send(request_bytes("GET", "/healthz"))
        assert wire.read_answer().status == 200
