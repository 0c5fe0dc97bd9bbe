"""The opening handshake (RFC 6455 section 4), and what is refused: 400 what is malformed, 426 other versions."""

from __future__ import annotations

import pytest

from ..servers.wire import Answer, request_bytes, upgrade_bytes
from .conftest import EchoServer
from .peer import Peer, masked

KEY = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def answer_to(echo: EchoServer, data: bytes) -> Answer:
    with Peer(echo.port) as peer:
        peer.send(data)
        return peer.read_answer()


@pytest.mark.parametrize("path", ["/", "/echo", "/a/b/c?d=e"])
def test_the_handshake_is_accepted_at_any_path(echo: EchoServer, path: str) -> None:
    peer = Peer.join(echo.port, path, KEY)
    assert sorted(peer.answer.headers) == [
        ("connection", "Upgrade"),
        ("sec-websocket-accept", ACCEPT),
        ("upgrade", "websocket"),
    ]
    peer.send(masked(b"hello"))
    assert peer.echoes(b"hello")


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "WebSocket"},
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": "upgrade"},
        {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
        {"Sec-WebSocket-Protocol": "chat, superchat"},
        {"Origin": "null"},
        {"Content-Length": "0"},
    ],
    ids=str,
)
def test_a_handshake_written_in_another_right_way_is_accepted_without_extensions(
    echo: EchoServer, headers: dict[str, str]
) -> None:
    answer = answer_to(echo, upgrade_bytes("/", {**KEY, **headers}))
    assert answer.status == 101
    assert answer.header("sec-websocket-accept") == ACCEPT
    assert answer.header("sec-websocket-extensions") is None
    assert answer.header("sec-websocket-protocol") is None


def test_a_handshake_that_comes_byte_by_byte_is_accepted(echo: EchoServer) -> None:
    peer = Peer(echo.port)
    peer.send_in_pieces(upgrade_bytes("/", KEY), 1)
    assert peer.read_answer().status == 101
    assert peer.is_alive()


def with_another(header: str) -> bytes:
    """A handshake with one more header; those of RFC 6455 section 11.3 must not come twice."""
    return upgrade_bytes("/", KEY).replace(b"Host:", header.encode() + b"\r\nHost:")


BAD_KEYS = {
    "no key": "",
    "short": "dGhlIHNhbXBsZQ==",
    "long": "dGhlIHNhbXBsZSBub25jZSE=",
    "not base64": "!" * 24,
    "without its end": "dGhlIHNhbXBsZSBub25jZQ",
}

MALFORMED = {
    "no Connection": upgrade_bytes("/", KEY, ("Connection",)),
    "another Connection": upgrade_bytes("/", {**KEY, "Connection": "keep-alive"}),
    "no key header": upgrade_bytes("/", {}, ("Sec-WebSocket-Key",)),
    **{name: upgrade_bytes("/", {"Sec-WebSocket-Key": key}) for name, key in BAD_KEYS.items()},
    "HTTP/1.0": upgrade_bytes("/", KEY).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "no Host": upgrade_bytes("/", KEY).replace(b"Host: 127.0.0.1\r\n", b""),
    "two keys": with_another("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    "a body": upgrade_bytes("/", {**KEY, "Content-Length": "5"}) + b"hello",
    "a body in chunks": with_another("Transfer-Encoding: chunked"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_handshake_gets_a_400_that_says_why(echo: EchoServer, case: str) -> None:
    answer = answer_to(echo, MALFORMED[case])
    assert answer.status == 400
    assert b"handshake" in answer.body or b"Sec-WebSocket-Key" in answer.body


@pytest.mark.parametrize(
    "data",
    [
        upgrade_bytes("/", {**KEY, "Sec-WebSocket-Version": "8"}),
        upgrade_bytes("/", {**KEY, "Sec-WebSocket-Version": "14"}),
        upgrade_bytes("/", {**KEY, "Sec-WebSocket-Version": "thirteen"}),
        upgrade_bytes("/", {**KEY, "Sec-WebSocket-Version": "13, 8"}),
        with_another("Sec-WebSocket-Version: 8"),
        upgrade_bytes("/", KEY, ("Sec-WebSocket-Version",)),
        upgrade_bytes("/", {**KEY, "Upgrade": "h2c"}),
        upgrade_bytes("/", KEY, ("Upgrade",)),
        request_bytes("GET", "/"),
    ],
    ids=["8", "14", "thirteen", "a list", "two", "no version", "another protocol", "no Upgrade", "a plain request"],
)
def test_another_version_or_protocol_gets_a_426_that_names_version_13(echo: EchoServer, data: bytes) -> None:
    answer = answer_to(echo, data)
    assert answer.status == 426
    assert answer.header("sec-websocket-version") == "13"
    assert answer.header("upgrade") == "websocket"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_handshake_by_another_method_is_not_accepted(echo: EchoServer, method: str) -> None:
    data = upgrade_bytes("/", KEY).replace(b"GET", method.encode())
    assert answer_to(echo, data).status in (400, 405)


@pytest.mark.parametrize("data", [MALFORMED["short"], request_bytes("GET", "/")], ids=["400", "426"])
def test_frames_behind_a_refused_handshake_are_no_frames(echo: EchoServer, data: bytes) -> None:
    peer = Peer(echo.port)
    peer.send(data)
    assert peer.read_answer().status in (400, 426)
    peer.send(masked(b"hello") + b"\r\n\r\n")
    rest = peer.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400"), rest
