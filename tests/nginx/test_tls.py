"""TLS ends at nginx: nginx/tls.conf, with a certificate of our own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ..proxies import SecureNginx
from ..support import AppServer


@pytest.fixture(scope="module")
def secure(way: str, server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureNginx]:
    folder = tmp_path_factory.mktemp("tls")
    nginx = SecureNginx(folder, f"127.0.0.1:{server.port}", uwsgi=way == "uwsgi_pass").start()
    yield nginx
    nginx.stop()


def test_the_configuration_is_valid(secure: SecureNginx) -> None:
    done = subprocess.run([*secure.command, "-t"], capture_output=True, text=True)
    assert "test is successful" in done.stderr
    assert "[warn]" not in done.stderr


def test_a_browser_is_offered_http_2(secure: SecureNginx) -> None:
    secure.trusting.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", secure.secure_port)) as plain,
        secure.trusting.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
    secure.trusting.set_alpn_protocols(["http/1.1"])


def test_cookies_are_for_https_alone_and_browsers_are_told_to_stay(secure: SecureNginx) -> None:
    answer = httpx.get(f"{secure.origin}/auth/login", headers={"Accept": "text/html"}, verify=secure.trusting)
    assert "; Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=63072000"


async def hello_over_tls(secure: SecureNginx, **options: Any) -> str:
    """The first frame of a WebSocket. Not by websockets' threads: before Python 3.13 one that reads while another one
    writes breaks OpenSSL's state, and one handshake of some 700 was never sent.
    """
    url = f"wss://localhost:{secure.secure_port}/ws?seq=0"
    async with connect(url, ssl=secure.trusting, **options) as ws:
        return str(await asyncio.wait_for(ws.recv(), 10))


def test_pages_of_our_own_https_origin_may_open_a_websocket(secure: SecureNginx, tokens: list[str]) -> None:
    headers = {"Authorization": f"Bearer {tokens[1]}"}
    said = asyncio.run(hello_over_tls(secure, additional_headers=headers, origin=secure.origin))
    assert '"type":"hello"' in said


def test_the_http_origin_of_the_same_name_is_foreign(secure: SecureNginx, tokens: list[str]) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        asyncio.run(hello_over_tls(secure, origin=secure.origin.replace("https", "http")))
