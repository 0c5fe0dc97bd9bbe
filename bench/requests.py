"""Requests as bytes, made before anything is measured; and signing in as a browser does."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
from urllib.parse import urlencode

PASSWORD = "password"  # what `flask seed` gives to everybody
#: What a browser of today sends along.
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    "\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n"
)


def get(port: int, path: str, token: str = "", headers: str = "") -> bytes:
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{bearer}{headers}\r\n".encode()


def message(port: int, token: str, to: str, number: int) -> bytes:
    body = json.dumps({"to": to, "body": f"m{number}", "key": os.urandom(16).hex()})
    return (
        f"POST /messages HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def handshake(port: int, *, token: str = "", cookie: str = "") -> bytes:
    """With a token as a program does it, or with a cookie as a browser."""
    key = base64.b64encode(os.urandom(16)).decode()
    who = f"Cookie: {cookie}\r\nOrigin: http://127.0.0.1:{port}\r\n{BROWSER}" if cookie else ""
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    )
    return get(port, "/ws?seq=0", token, upgrade + who)


def login(port: int, name: str, address: str) -> tuple[bytes, http.client.HTTPConnection]:
    """A form that is ready to be sent, and the connection (from `address`) that its page came over."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(address, 0))
    connection.request("GET", "/auth/login")
    page = connection.getresponse()
    cookie = str(page.getheader("Set-Cookie")).partition(";")[0]
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.read().decode())
    assert found is not None, "the page of signing in has no CSRF token"
    form = urlencode({"username": name, "password": PASSWORD, "csrf_token": found[1]})
    request = (
        f"POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
    )
    return request.encode(), connection


def sign_in(port: int, name: str, address: str) -> str:
    """The cookie of a new session."""
    request, connection = login(port, name, address)
    connection.close()
    fresh = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(address, 0))
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[2:])
    fresh.request("POST", "/auth/login", body, headers)
    answer = fresh.getresponse()
    assert answer.status == 303, f"signing in as {name} was answered with {answer.status}"
    cookie = str(answer.getheader("Set-Cookie")).partition(";")[0]
    fresh.close()
    return cookie
