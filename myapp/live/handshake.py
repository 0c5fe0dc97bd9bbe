"""The WebSocket opening handshake on the server's side (RFC 6455 section 4.2). No I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class BadHandshake(Exception):
    """The request asks for a WebSocket in a way that cannot be met: 400."""


class OtherVersion(Exception):
    """A plain request, or another version of the protocol: 426, naming version 13."""


def accept(environ: Mapping[str, object]) -> bytes:
    """The 101 response for a request's WSGI environ. Raises OtherVersion or BadHandshake, saying why.

    Extensions are not negotiated: permessage-deflate takes a connection from one kilobyte to over a hundred.
    """

    def header(name: str) -> str:
        return str(environ.get("HTTP_" + name, ""))

    if header("UPGRADE").lower() != "websocket":
        raise OtherVersion("This address speaks WebSocket: send Upgrade: websocket, Sec-WebSocket-Version: 13.")
    if "upgrade" not in (token.strip().lower() for token in header("CONNECTION").split(",")):
        raise BadHandshake("The handshake needs Connection: Upgrade.")
    if str(environ.get("REQUEST_METHOD")) != "GET":
        raise BadHandshake("The handshake is a GET request.")
    if str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")) == "HTTP/1.0":
        raise BadHandshake("The handshake needs HTTP/1.1.")
    if not header("HOST"):
        raise BadHandshake("The handshake needs a Host.")
    if str(environ.get("CONTENT_LENGTH") or "0") != "0" or header("TRANSFER_ENCODING"):
        raise BadHandshake("The handshake has no body.")
    if header("SEC_WEBSOCKET_VERSION").strip() != "13":
        raise OtherVersion("Only version 13 of WebSocket is spoken here (RFC 6455).")
    key = header("SEC_WEBSOCKET_KEY").strip()
    try:
        is_right = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        is_right = False
    if not is_right:
        raise BadHandshake("Sec-WebSocket-Key must be 16 bytes in base64.")
    token = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + token
        + b"\r\n\r\n"
    )
