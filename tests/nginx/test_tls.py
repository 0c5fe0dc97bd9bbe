"""TLS ends at nginx: nginx/tls.conf, with a certificate of our own."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from stack import Nginx, free_port

from ..support import AppServer


class Secure:
    """nginx that listens for https too."""

    def __init__(self, nginx: Nginx, port: int, certificate: Path) -> None:
        self.nginx = nginx
        self.port = port
        self.origin = f"https://localhost:{port}"
        self.context = ssl.create_default_context(cafile=str(certificate))


@pytest.fixture(scope="module")
def secure(way: str, server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    port = free_port()
    nginx = Nginx(folder, f"127.0.0.1:{server.port}", uwsgi=way == "uwsgi_pass")
    nginx.replaced = {
        "# include tls.conf;": "include tls.conf;",
        "127.0.0.1:8443": f"127.0.0.1:{port}",
        "/etc/myapp/certificate.pem": str(certificate),
        "/etc/myapp/key.pem": str(key),
    }
    nginx.start()
    yield Secure(nginx, port, certificate)
    nginx.stop()


def test_the_configuration_is_valid(secure: Secure) -> None:
    nginx = secure.nginx
    done = subprocess.run([*nginx.command, "-t"], capture_output=True, text=True)
    assert "test is successful" in done.stderr
    assert "[warn]" not in done.stderr


def test_a_browser_is_offered_http_2(secure: Secure) -> None:
    secure.context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", secure.port)) as plain,
        secure.context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
    secure.context.set_alpn_protocols(["http/1.1"])


def test_cookies_are_for_https_alone_and_browsers_are_told_to_stay(secure: Secure) -> None:
    answer = httpx.get(f"{secure.origin}/auth/login", headers={"Accept": "text/html"}, verify=secure.context)
    assert "; Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=63072000"


def test_pages_of_our_own_https_origin_may_open_a_websocket(secure: Secure, tokens: list[str]) -> None:
    headers = {"Authorization": f"Bearer {tokens[1]}"}
    url = f"wss://localhost:{secure.port}/ws?seq=0"
    with connect(url, ssl=secure.context, additional_headers=headers, origin=secure.origin) as ws:  # type: ignore[arg-type]
        assert '"type":"hello"' in str(ws.recv(10))


def test_the_http_origin_of_the_same_name_is_foreign(secure: Secure, tokens: list[str]) -> None:
    url = f"wss://localhost:{secure.port}/ws?seq=0"
    foreign = secure.origin.replace("https", "http")
    with pytest.raises(InvalidStatus, match="403"):
        connect(url, ssl=secure.context, origin=foreign)  # type: ignore[arg-type]
