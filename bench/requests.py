"""Requests as bytes, made before anything is measured; and signing in as a browser does."""

from __future__ import annotations

import base64
import http.client
import os
import re
import struct
from urllib.parse import urlencode

PASSWORD = "password"  # what `flask seed` gives to everybody
#: What a browser of today sends along.
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    "\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n"
)
#: As every browser offers it.
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def get(port: int, path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode()


def post(
    port: int, path: str, body: str, headers: str = "", content_type: str = "application/json", method: str = "POST"
) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def handshake(port: int, path: str, headers: str = "", *, deflate: bool = False) -> bytes:
    """A WebSocket's, with permessage-deflate offered or not."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n{DEFLATE if deflate else ''}"
    )
    return get(port, path, upgrade + headers)


def as_uwsgi(request: bytes, port: int, address: str) -> bytes:
    """The same request in the uwsgi protocol, with the variables that a server in front of uWSGI passes on.

    `address` is the client's.
    """
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, protocol = first.split(" ")
    path, _, query = target.partition("?")
    names = {
        "QUERY_STRING": query,
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": "",
        "REQUEST_URI": target,
        "PATH_INFO": path,
        "SERVER_PROTOCOL": protocol,
        "REQUEST_SCHEME": "http",
        "REMOTE_ADDR": address,
        "REMOTE_PORT": "40000",
        "SERVER_PORT": str(port),
        "SERVER_NAME": "127.0.0.1",
    }
    for line in lines:
        name, _, value = line.partition(": ")
        name = name.upper().replace("-", "_")
        names[name if name in names else f"HTTP_{name}"] = value
    packed = b"".join(
        struct.pack("<H", len(text)) + text for pair in names.items() for text in (pair[0].encode(), pair[1].encode())
    )
    return struct.pack("<BHB", 0, len(packed), 0) + packed + body


def login(port: int, name: str, address: str) -> bytes:
    """A form that is ready to be sent; its page was fetched from `address`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(address, 0))
    connection.request("GET", "/auth/login")
    page = connection.getresponse()
    cookie = str(page.getheader("Set-Cookie")).partition(";")[0]
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.read().decode())
    connection.close()
    assert found is not None, "the page of signing in has no CSRF token"
    form = urlencode({"username": name, "password": PASSWORD, "csrf_token": found[1]})
    return post(port, "/auth/login", form, f"Cookie: {cookie}\r\n", "application/x-www-form-urlencoded")


def sign_in(port: int, name: str, address: str) -> str:
    """The cookie of a new session."""
    head, _, body = login(port, name, address).partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[2:])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(address, 0))
    connection.request("POST", "/auth/login", body, headers)
    answer = connection.getresponse()
    assert answer.status == 303, f"signing in as {name} was answered with {answer.status}"
    cookie = str(answer.getheader("Set-Cookie")).partition(";")[0]
    connection.close()
    return cookie
