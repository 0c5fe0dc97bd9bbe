"""Through nginx, which ends TLS, with an authority of our own."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator

import pytest

from myapp_client import Event, Unreachable
from stack import Nginx, free_port

from ..servers.someone import Three
from ..support import AppServer, wait_for
from .speaking import Following, Speakers


@pytest.fixture(scope="module")
def secure(server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The address, and whom to trust."""
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
    nginx = Nginx(folder, f"127.0.0.1:{server.port}")
    nginx.replaced = {
        "# include tls.conf;": "include tls.conf;",
        "127.0.0.1:8443": f"127.0.0.1:{port}",
        "/etc/myapp/certificate.pem": str(certificate),
        "/etc/myapp/key.pem": str(key),
    }
    nginx.start()
    yield f"https://localhost:{port}", ssl.create_default_context(cafile=str(certificate))
    nginx.stop()


@pytest.mark.parametrize("transport", ["auto", "long-poll"])
def test_it_sends_follows_and_can_be_closed_over_tls(
    secure: tuple[str, ssl.SSLContext], three: Three, speakers: Speakers, transport: str
) -> None:
    url, trusted = secure
    alice = speakers(url, three.alice.token, ssl_context=trusted)
    bob = speakers(url, three.bob.token, ssl_context=trusted)
    alice.send(three.bob.name, "one")
    events: Following = bob.follow(0, transport=transport)
    assert events.bodies(1) == ["one"]
    assert events.events.transport == ("websocket" if transport == "auto" else "long-poll")
    rest: list[Event] = []
    waiting = threading.Thread(target=lambda: rest.extend(events.rest()))
    waiting.start()
    alice.send(three.bob.name, "two")
    wait_for(lambda: events.cursor.seq == 2, "the second")
    events.close()
    waiting.join(20)
    assert not waiting.is_alive()
    assert [event.data["body"] for event in rest] == ["two"]


def test_who_is_not_trusted_is_not_spoken_to(
    secure: tuple[str, ssl.SSLContext], three: Three, speakers: Speakers
) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        speakers(secure[0], three.alice.token, patience=0.0).me()
