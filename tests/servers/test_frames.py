"""WebSocket frames from the client, right and wrong (RFC 6455 sections 5 and 7, and the contract's own)."""

from __future__ import annotations

import re
import struct

import pytest

from .someone import Three
from .wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    WebSocket,
    Wire,
    frame_bytes,
    request_bytes,
    upgrade_bytes,
)


@pytest.fixture
def socket(three: Three) -> WebSocket:
    """Bob's WebSocket, after its hello."""
    socket = three.bob.websocket(0)
    socket.hello()
    return socket


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "ping"}',
        '{"type":"ping","seq":0}',
        "heartCheck",
        "heart_beat",
        '"heart_beat"',
    ],
)
def test_every_kind_of_heartbeat_gets_a_pong(socket: WebSocket, text: str) -> None:
    socket.say(text)
    assert socket.next() == {"type": "pong", "latest": 0}


def test_the_pong_says_the_inboxes_latest(three: Three) -> None:
    three.alice.send(three.bob, "hi")
    socket = three.bob.websocket(1)
    socket.hello()
    socket.say('{"type":"ping","seq":1}')
    assert socket.next() == {"type": "pong", "latest": 1}


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "{",
        "[1]",
        "7",
        "null",
        "",
        '{"type":"dance"}',
        '{"type":7}',
        '{"type":{}}',
        "{}",
        "[" * 4000,
        '{"type":"watch"}',
        '{"type":"watch","topics":"posts"}',
        '{"type":"watch","topics":[1]}',
    ],
)
def test_what_is_not_understood_gets_an_error_that_says_what_to_do(socket: WebSocket, text: str) -> None:
    socket.say(text)
    said = socket.next()
    assert set(said) == {"type", "detail"}
    assert said["type"] == "error"
    assert "topics" in said["detail"]


def test_a_send_over_the_websocket_is_told_to_post(socket: WebSocket) -> None:
    socket.say('{"type":"send","to":"bob","body":"hi"}')
    said = socket.next()
    assert said["type"] == "error"
    assert "POST /messages" in said["detail"]


def test_a_topic_that_may_not_be_watched_is_named_in_an_error(socket: WebSocket) -> None:
    socket.say('{"type":"watch","topics":["no-such-topic"]}')
    said = socket.next()
    assert said["type"] == "error"
    assert "no-such-topic" in said["detail"]


def test_watching_nothing_is_no_error(socket: WebSocket) -> None:
    socket.say('{"type":"watch","topics":[]}')
    socket.say("heartCheck")
    assert socket.next()["type"] == "pong"


def test_nine_errors_are_forgiven(socket: WebSocket) -> None:
    for _ in range(9):
        socket.say("nonsense")
        assert socket.next()["type"] == "error"
    socket.say("heartCheck")
    assert socket.next()["type"] == "pong"


def test_the_tenth_error_closes_with_4400(socket: WebSocket) -> None:
    for _ in range(10):
        socket.say("nonsense")
        assert socket.next()["type"] == "error"
    assert socket.read_frame().code == 4400


def test_a_binary_frame_closes_with_1003(socket: WebSocket) -> None:
    socket.send(frame_bytes(BINARY, b"\x01\x02"))
    assert socket.read_frame().code == 1003


@pytest.mark.parametrize("payload", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"heart\xfe"])
def test_bad_utf_8_closes_with_1007(socket: WebSocket, payload: bytes) -> None:
    socket.say(payload)
    assert socket.read_frame().code == 1007


def test_a_message_of_4096_bytes_is_read(socket: WebSocket) -> None:
    socket.say('{"type":"ping","x":"' + "x" * (4096 - 22) + '"}')
    assert socket.next()["type"] == "pong"


def test_a_message_of_4097_bytes_closes_with_1009(socket: WebSocket) -> None:
    socket.say("x" * 4097)
    assert socket.read_frame().code == 1009


def test_the_length_alone_closes_with_1009_before_the_bytes_come(socket: WebSocket) -> None:
    socket.send(struct.pack("!BBQ", 0x80 | TEXT, 0x80 | 127, 2**40))
    assert socket.read_frame().code == 1009


def test_fragments_over_4096_bytes_together_close_with_1009(socket: WebSocket) -> None:
    socket.send(frame_bytes(TEXT, b"x" * 4000, final=False) + frame_bytes(CONTINUATION, b"x" * 97))
    assert socket.read_frame().code == 1009


def test_a_message_in_fragments_is_one_message(socket: WebSocket) -> None:
    for opcode, part, final in ((TEXT, b"heart", False), (CONTINUATION, b"Ch", False), (CONTINUATION, b"eck", True)):
        socket.send(frame_bytes(opcode, part, final=final))
    assert socket.next()["type"] == "pong"


def test_a_control_frame_between_fragments_is_answered(socket: WebSocket) -> None:
    socket.send(frame_bytes(TEXT, b"heart", final=False) + frame_bytes(PING, b"now"))
    assert socket.read_frame() == (PONG, b"now")
    socket.send(frame_bytes(CONTINUATION, b"Check"))
    assert socket.next()["type"] == "pong"


def test_a_frame_that_comes_byte_by_byte_is_read(socket: WebSocket) -> None:
    for byte in frame_bytes(TEXT, b"heartCheck"):
        socket.send(bytes((byte,)))
    assert socket.next()["type"] == "pong"


def test_several_frames_in_one_packet_are_all_answered(socket: WebSocket) -> None:
    socket.send(frame_bytes(TEXT, b"heartCheck") * 5)
    assert [socket.next()["type"] for _ in range(5)] == ["pong"] * 5


def test_a_ping_is_answered_with_its_payload(socket: WebSocket) -> None:
    socket.send(frame_bytes(PING, b"are you there?"))
    assert socket.read_frame() == (PONG, b"are you there?")


def test_an_unasked_pong_is_no_error(socket: WebSocket) -> None:
    socket.send(frame_bytes(PONG, b"hm"))
    socket.say("heartCheck")
    assert socket.next()["type"] == "pong"


@pytest.mark.parametrize(
    "data",
    [
        frame_bytes(0x3, b""),
        frame_bytes(0xB, b""),
        b"\xc1\x80\x00\x00\x00\x00",
        b"\x81\x00",
        b"\x81\x05hello",
        frame_bytes(PING, b"", final=False),
        frame_bytes(PING, b"x" * 126),
        frame_bytes(CONTINUATION, b"x"),
        frame_bytes(TEXT, b"x", final=False) + frame_bytes(TEXT, b"y"),
        frame_bytes(CLOSE, b"\x03"),
        frame_bytes(CLOSE, struct.pack("!H", 1005)),
    ],
    ids=[
        "reserved-opcode",
        "reserved-control-opcode",
        "reserved-bit",
        "unmasked",
        "unmasked-text",
        "fragmented-ping",
        "long-ping",
        "nothing-to-continue",
        "message-in-message",
        "half-a-code",
        "impossible-code",
    ],
)
def test_a_broken_frame_closes_with_1002(socket: WebSocket, data: bytes) -> None:
    socket.send(data)
    assert socket.read_frame().code == 1002


def test_nothing_is_read_behind_a_broken_frame(socket: WebSocket) -> None:
    socket.send(frame_bytes(BINARY, b"") + frame_bytes(TEXT, b"heartCheck"))
    assert socket.read_frame().code == 1003
    socket.say_close(1003)
    assert socket.read_to_end() == b""


def test_a_close_is_answered_with_its_code_and_tcp_ends_at_once(socket: WebSocket) -> None:
    socket.say_close(1000, "bye")
    assert socket.read_frame().code == 1000
    assert socket.read_to_end() == b""


def test_a_close_without_a_code_is_answered_without_one(socket: WebSocket) -> None:
    socket.send(frame_bytes(CLOSE, b""))
    assert socket.read_frame() == (CLOSE, b"")
    assert socket.read_to_end() == b""


def test_a_request_right_behind_the_close_is_not_served(socket: WebSocket) -> None:
    socket.send(frame_bytes(CLOSE, struct.pack("!H", 1000)) + request_bytes("GET", "/healthz"))
    assert socket.read_frame().code == 1000
    assert socket.read_to_end() == b""


def test_a_request_after_the_close_is_not_served(socket: WebSocket) -> None:
    socket.say_close()
    assert socket.read_frame().code == 1000
    try:
        socket.send(request_bytes("GET", "/healthz"))
    except ConnectionError:
        return  # it is shut already
    assert socket.read_to_end() == b""


def test_a_request_instead_of_frames_is_not_served(socket: WebSocket) -> None:
    socket.send(request_bytes("GET", "/healthz"))
    assert socket.read_frame().code == 1002


def test_frames_after_a_servers_close_are_not_answered(socket: WebSocket) -> None:
    socket.send(frame_bytes(BINARY, b""))
    assert socket.read_frame().code == 1003
    socket.send(frame_bytes(PING, b"still there?"))
    socket.say_close(1003)
    assert socket.read_to_end() == b""


def test_the_handshake_is_what_rfc_6455_says(three: Three) -> None:
    wire = Wire(three.bob.port)
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "chat"}
    wire.send(upgrade_bytes("/ws", {**three.bob.headers, **key, **offer}))
    answer = wire.read_answer()
    assert answer.status == 101
    ours = answer.header("x-request-id") or ""
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", ours)
    assert sorted(header for header in answer.headers if header != ("x-request-id", ours)) == [
        ("connection", "Upgrade"),
        ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("upgrade", "websocket"),
    ]


def test_frames_go_to_a_client_that_a_library_speaks_for(three: Three) -> None:
    from websockets.sync.client import connect

    with connect(
        f"ws://127.0.0.1:{three.bob.port}/ws?seq=0", additional_headers=three.bob.headers, proxy=None
    ) as client:
        assert '"hello"' in str(client.recv(timeout=10))
        three.alice.send(three.bob, "hi")
        assert '"hi"' in str(client.recv(timeout=10))
        assert client.ping().wait(10)
    assert client.close_code == 1000
