"""The opening handshake, by RFC 6455 sections 1.3 and 4.2."""

from __future__ import annotations

import pytest

from myapp.live.handshake import BadHandshake, OtherVersion, accept

GOOD = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "server.example.com",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_key_of_the_rfc_is_accepted_as_there() -> None:
    head, *lines = accept(GOOD).decode().split("\r\n")
    assert head == "HTTP/1.1 101 Switching Protocols"
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert {"Upgrade: websocket", "Connection: Upgrade"} <= set(lines)
    assert lines[-2:] == ["", ""]


@pytest.mark.parametrize(
    "other",
    [
        {"HTTP_UPGRADE": "WebSocket"},
        {"HTTP_CONNECTION": "upgrade"},
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},
        {"HTTP_CONNECTION": "Upgrade,HTTP2-Settings"},
        {"HTTP_SEC_WEBSOCKET_KEY": " dGhlIHNhbXBsZSBub25jZQ== "},
        {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate; client_max_window_bits"},
        {"HTTP_SEC_WEBSOCKET_PROTOCOL": "chat"},
    ],
)
def test_handshake_written_in_another_right_way_is_accepted(other: dict[str, str]) -> None:
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in accept({**GOOD, **other})


def test_no_extension_and_no_subprotocol_is_agreed_to() -> None:
    offered = {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate", "HTTP_SEC_WEBSOCKET_PROTOCOL": "chat"}
    answer = accept({**GOOD, **offered})
    assert b"Extensions" not in answer
    assert b"Protocol:" not in answer


@pytest.mark.parametrize(
    "other",
    [
        {"HTTP_UPGRADE": ""},
        {"HTTP_UPGRADE": "h2c"},
        {"HTTP_SEC_WEBSOCKET_VERSION": ""},
        {"HTTP_SEC_WEBSOCKET_VERSION": "8"},
        {"HTTP_SEC_WEBSOCKET_VERSION": "14"},
        {"HTTP_SEC_WEBSOCKET_VERSION": "thirteen"},
    ],
)
def test_another_protocol_or_version_is_told_which_one_is_spoken(other: dict[str, str]) -> None:
    with pytest.raises(OtherVersion, match="13"):
        accept({**GOOD, **other})


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"HTTP_CONNECTION": ""}, "Connection"),
        ({"HTTP_CONNECTION": "keep-alive"}, "Connection"),
        ({"HTTP_CONNECTION": "notupgrade"}, "Connection"),
        ({"REQUEST_METHOD": "POST"}, "GET"),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, "HTTP/1.1"),
        ({"HTTP_HOST": ""}, "Host"),
        ({"CONTENT_LENGTH": "5"}, "body"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "body"),
        ({"HTTP_SEC_WEBSOCKET_KEY": ""}, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "short"}, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ"}, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZSE="}, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhl IHNhbXBsZSBub25jZQ=="}, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "žžžžžžžžžžžžžžžžžžžžžž=="}, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "!" * 24}, "Key"),
    ],
)
def test_malformed_handshake_is_refused_and_says_why(other: dict[str, str], why: str) -> None:
    with pytest.raises(BadHandshake, match=why):
        accept({**GOOD, **other})


@pytest.mark.parametrize("missing", [name for name in GOOD if name.startswith("HTTP_")])
def test_handshake_with_a_header_missing_is_refused(missing: str) -> None:
    with pytest.raises((BadHandshake, OtherVersion)):
        accept({name: value for name, value in GOOD.items() if name != missing})
