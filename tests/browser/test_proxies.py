"""A real nginx that nobody has set up for this stands in between: the page finds the way that works there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..support import AppServer, free_port, wait_for
from .support import Person, Window

CONFIGURATION = """
daemon off;
user root;
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {server};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            {more}
        }}
    }}
}}
"""
#: What passes through nginx, and the best way that is left; WebSockets never do without being asked for.
PROXIES = {
    "as it comes": ("", "sse"),
    "compressing": ("gzip on; gzip_proxied any; gzip_types text/event-stream application/json;", "sse"),
    "gathering": ("proxy_ignore_headers X-Accel-Buffering;", "long-poll"),
}


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest, server: AppServer, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of an nginx in front of `server`, and the transport that is best there."""
    more, transport = PROXIES[request.param]
    port = free_port()
    (tmp_path / "nginx.conf").write_text(CONFIGURATION.format(port=port, server=server.url, more=more))
    process = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", "nginx.conf", "-e", "error.log"])
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_for(answers, "nginx to answer")
        yield url, transport
    finally:
        process.terminate()
        process.wait(10)


def test_the_best_way_behind_an_nginx_that_is(proxy: tuple[str, str], two: tuple[Person, Person]) -> None:
    ann, bob = two
    url, transport = proxy
    window = Window(bob.context().new_page(), url)
    bob.windows.append(window)
    window.expect_problems("WebSocket connection to .* failed")
    window.go(f"/chats/{ann.name}").is_on(transport)
    said: list[str] = []
    for text in ("one", "two", "three"):
        ann.send(bob, text)
        said.append(text)
        window.shows(*said, timeout=3_000)
    window.write("four")
    window.shows(*said, "four")
