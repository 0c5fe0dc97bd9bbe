"""A real nginx that nobody has set up for this stands in between: the page finds the way that works there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..proxies import SmallNginx
from ..support import AppServer
from .support import Person, Window

LINES = """
location / {{
    proxy_pass {server};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    {more}
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
    nginx = SmallNginx(tmp_path, LINES.format(server=server.url, more=more)).start()
    yield nginx.url, transport
    nginx.stop()


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
        window.shows(*said, timeout=10_000)  # what is kept back comes with the next sign of life, after 15 s
    window.write("four")
    window.shows(*said, "four")
