"""Another application with pages of its own, on an origin of its own, that puts live parts on them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from myapp import inbox
from myapp.auth.people import by_name
from myapp.extensions import database

from .support import Person, Window

#: Everything that a page with live parts may have; tests take one, or write their own.
BODY = """
<h1>Shop</h1>
<span data-badge="messages" hidden>0</span> <b data-badge="messages orders" hidden>0</b>
<ul id="list" data-live-list="message"><template><li><a data-live-text="body"></a></li></template></ul>
<ul id="notes" data-live-list="notification" data-live-where-badge="orders" data-live-max="3"><template>
  <li><a data-live-href="url" data-live-text="title"></a> <i data-live-text="data.order"></i>
    <time data-live-time="at"></time></li></template></ul>
<div data-live-toasts></div>
"""


class Shop:
    """A small web server in this process. `url` is another site than the servers' 127.0.0.1."""

    def __init__(self) -> None:
        #: what it answers, by path: HTML, or (status, content type, text)
        self.pages: dict[str, str | Callable[[], str | tuple[int, str, str]]] = {}
        #: the paths it was asked for, in order
        self.asked: list[str] = []
        #: where the live parts come from
        self.live = ""
        #: which styles its policy allows besides
        self.styles = ""
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                shop.asked.append(path)
                found = shop.pages.get(path, (404, "text/plain", "nothing"))
                found = found() if callable(found) else found
                kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
                status, kind, text = (200, kind, found) if isinstance(found, str) else found
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", shop.policy)
                if status in (302, 303):
                    self.send_header("Location", "/login")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def empty(self, live: str) -> None:
        """As it is new: no page, nothing asked; its live parts come from `live`."""
        self.pages.clear()
        self.asked.clear()
        self.live, self.styles = live, ""

    @property
    def policy(self) -> str:
        """No more than docs/embedding.md says."""
        parts = urlsplit(self.live)
        live = f"{parts.scheme}://{parts.netloc}"
        return (
            f"default-src 'none'; base-uri 'none'; script-src 'self' {live}; style-src {live} {self.styles}; "
            f"img-src data:; connect-src 'self' {live} {live.replace('http', 'ws', 1)}"
        )

    def page(self, attributes: str = "", body: str = BODY, more: str = "") -> str:
        return (
            f'<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="{self.live}/static/embed.css">'
            f'<script type="module" src="{self.live}/static/embed.js" {attributes}></script>{more}</head>'
            f"<body>{body}</body></html>"
        )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def json_answer(**data: Any) -> tuple[int, str, str]:
    return 200, "application/json", json.dumps(data)


def ticket_of(person: Person) -> str:
    """As an application gets it that has a token of the user's."""
    answer = person.program.post("/auth/ticket")
    assert answer.status_code == 200, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


def place_of(person: Person) -> str:
    """The attributes that say where a page's data stands."""
    place = person.program.get("/badges").json()
    return f'data-live-seq="{place["seq"]}" data-live-epoch="{place["epoch"]}"'


def with_ticket(person: Person) -> str:
    return f'data-live-ticket="{ticket_of(person)}" {place_of(person)}'


def visit(person: Person, shop: Shop, path: str = "/", context: Any = None, home: str = "") -> Window:
    """A window of a browser that the shop knows and the live server does not."""
    context = context or person.browser.new_context(locale="en-GB", timezone_id="UTC")
    window = Window(context.new_page(), home or shop.url)
    person.windows.append(window)
    return window.go(path)


def wait_until(window: Window, expression: str) -> None:
    """Let the page go on until this holds in it. Playwright's own way would need `unsafe-eval` in its policy."""
    for _ in range(750):
        if window.page.evaluate(f"() => Boolean({expression})"):
            return
        window.page.wait_for_timeout(20)
    raise AssertionError(f"it never came true: {expression}")


def write_notification(person: Person, *, title: str, url: str, **data: Any) -> None:
    """One that nobody could send, written into the inbox beside the server, which finds it within 5 s."""
    with person.server.app.app_context(), database().transaction() as transaction:
        user = by_name(transaction, person.name).id
        inbox.lock(transaction, (user,))
        content = {"id": 1, "source": "shop", "title": title, "body": "", "url": url, "badge": "orders", "data": data}
        inbox.append(transaction, user, "notification", content, badges={"orders": 1})
