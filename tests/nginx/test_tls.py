"""TLS ends at nginx: nginx/tls.conf, with a certificate of our own."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

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


def test_pages_of_our_own_https_origin_may_open_a_websocket(secure: SecureNginx, tokens: list[str]) -> None:
    headers = {"Authorization": f"Bearer {tokens[1]}"}
    url = f"wss://localhost:{secure.secure_port}/ws?seq=0"
    with connect(url, ssl=secure.trusting, additional_headers=headers, origin=secure.origin) as ws:  # type: ignore[arg-type]
        assert '"type":"hello"' in str(ws.recv(10))


def test_the_http_origin_of_the_same_name_is_foreign(secure: SecureNginx, tokens: list[str]) -> None:
    url = f"wss://localhost:{secure.secure_port}/ws?seq=0"
    foreign = secure.origin.replace("https", "http")
    with pytest.raises(InvalidStatus, match="403"):
        connect(url, ssl=secure.trusting, origin=foreign)  # type: ignore[arg-type]
