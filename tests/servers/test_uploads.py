"""Pictures are taken by real servers: bodies far beyond what other requests may have, worked on beside the loop."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from ..support import AppServer
from .conftest import Servers

HTML = {"Accept": "text/html"}


@pytest.fixture
def guest(start: Servers) -> Iterator[httpx.Client]:
    """A browser of somebody who tries the application as a guest."""
    server: AppServer = start()
    with server.client() as client:
        client.headers.update(HTML)
        assert client.post("/auth/guest", data={"csrf_token": csrf_of(client, "/auth/login")}).status_code == 303
        yield client


def csrf_of(client: httpx.Client, path: str) -> str:
    found = re.search(r'<meta name="csrf-token" content="([^"]+)">', client.get(path).text)
    assert found
    return found[1]


def upload(client: httpx.Client, data: bytes) -> httpx.Response:
    fields = {"csrf_token": csrf_of(client, "/account")}
    return client.post("/account/picture", data=fields, files={"picture": ("me.png", data, "image/png")})


def test_picture_of_megabytes_is_taken_and_shown(guest: httpx.Client) -> None:
    noise = io.BytesIO()
    Image.effect_noise((1600, 1400), 90).save(noise, "PNG")
    assert len(noise.getvalue()) > 2_000_000
    assert upload(guest, noise.getvalue()).status_code == 303
    address = guest.get("/auth/me").json()["avatar"]
    answer = guest.get(address)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert guest.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(("data", "status"), [(b"no picture", 422), (b"x" * (6 * 2**20), 413)], ids=["text", "6 MB"])
def test_what_is_no_picture_is_refused_and_the_connection_goes_on(
    data: bytes, status: int, guest: httpx.Client
) -> None:
    answer = upload(guest, data)
    assert answer.status_code == status
    assert 'id="picture-error"' in answer.text
    assert guest.get("/account").status_code == 200
