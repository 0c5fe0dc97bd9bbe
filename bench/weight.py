"""What a page weighs: its HTML and all that it loads, in bytes and requests, asked from a real server.

Nothing is put under load here, and nothing is timed.
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from . import requests
from .servers import AppServer, World

#: Users that are needed: who looks at the pages, and those of the conversations.
USERS = 21
MESSAGES = 50
#: As nginx/nginx.conf has it.
LEVEL = 6
#: Kinds of what a page loads, in the order of the table.
KINDS = ("style sheet", "modules", "icon", "pictures")
#: By the page's name: its address, and whether one is signed in.
PAGES = {
    "sign in": ("/auth/login", False),
    f"list of {USERS - 1}": ("/", True),
    f"conversation of {MESSAGES}": ("/chats/u2", True),
    "account": ("/account", True),
}
Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for one address, and what a browser would do when it needs it again."""

    path: str
    body: bytes
    tag: str | None
    is_fresh: bool  # taken from the cache without asking

    @property
    def packed(self) -> int:
        return len(gzip.compress(self.body, LEVEL))


@dataclass(slots=True)
class Weight:
    """One page: its HTML, what it loads by kind, and how many of these are asked for again and have not changed."""

    html: Answer
    assets: dict[str, list[Answer]]
    again: int
    unchanged: int

    @property
    def loaded(self) -> list[Answer]:
        return [answer for kind in self.assets.values() for answer in kind]


@dataclass(slots=True)
class Links(HTMLParser):
    """The addresses that a page loads by itself, each once, by kind."""

    found: dict[str, dict[str, None]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        kinds = {"stylesheet": "style sheet", "modulepreload": "modules", "icon": "icon"}
        kind, address = kinds.get(values.get("rel") or ""), values.get("href")
        if tag in ("img", "script"):
            kind, address = ("pictures" if tag == "img" else "modules"), values.get("src")
        if kind and address:
            self.found[kind][address] = None


def table(world: World) -> Rows:
    """Heading and rows: a column for each page."""
    with AppServer(world, "pywsgi") as server:
        browser = Browser(server.port)
        _fill(browser, world)
        cookie = requests.sign_in(server.port, "u1", "127.0.0.1")
        weights = {
            name: _weigh(Browser(server.port, cookie if is_signed_in else ""), path)
            for name, (path, is_signed_in) in PAGES.items()
        }
    return _rows(weights)


class Browser:
    """Asks for addresses of one server, with its cookie."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._port = port
        self._headers = {"Accept": "text/html", **({"Cookie": cookie} if cookie else {})}

    def get(self, path: str) -> Answer:
        status, headers, body = self.send("GET", path)
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}")
        rules = headers.get("Cache-Control", "")
        age = re.search(r"max-age=(\d+)", rules)
        is_fresh = age is not None and int(age[1]) > 0 and "no-cache" not in rules and "no-store" not in rules
        return Answer(path, body, headers.get("ETag"), is_fresh)

    def is_unchanged(self, answer: Answer) -> bool:
        if answer.tag is None:
            return False
        return self.send("GET", answer.path, headers={"If-None-Match": answer.tag})[0] == 304

    def send(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, body, {**self._headers, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def _fill(browser: Browser, world: World) -> None:
    """u1 has talked to everybody, with u2 for MESSAGES messages."""
    talks = [(1, other) for other in range(3, USERS + 1)] + [(1, 2), (2, 1)] * (MESSAGES // 2)
    for number, (sender, receiver) in enumerate(talks):
        body = json.dumps(
            {"to": f"u{receiver}", "body": f"{number}: a message as people write them, of two lines or so"}
        )
        headers = {"Authorization": f"Bearer {world.tokens[sender - 1]}", "Content-Type": "application/json"}
        status, _headers, _body = browser.send("POST", "/messages", body, headers)
        if status != 201:
            raise RuntimeError(f"a message was answered with {status}")


def _weigh(browser: Browser, path: str) -> Weight:
    html = browser.get(path)
    links = Links()
    links.feed(html.body.decode())
    assets = {kind: [browser.get(address) for address in links.found[kind]] for kind in KINDS}
    stale = [answer for answers in assets.values() for answer in answers if not answer.is_fresh]
    return Weight(html, assets, 1 + len(stale), sum(map(browser.is_unchanged, stale)))


def _rows(weights: dict[str, Weight]) -> Rows:
    each = weights.values()
    rows: Rows = [("bytes (gzipped)", *weights)]
    rows.append(("  HTML", *(_bytes([weight.html]) for weight in each)))
    rows += [(f"  {kind}", *(_bytes(weight.assets[kind], counted=True) for weight in each)) for kind in KINDS]
    rows.append(("  all", *(_bytes([weight.html, *weight.loaded]) for weight in each)))
    rows.append(("  all as nginx sends it", *(f"{_through_nginx(weight):,}" for weight in each)))
    rows.append(("requests", *("" for _ in each)))
    rows.append(("  first visit", *(str(1 + len(weight.loaded)) for weight in each)))
    rows.append(("  second visit", *(str(weight.again) for weight in each)))
    rows.append(("    answered by 304", *(str(weight.unchanged) for weight in each)))
    return rows


def _bytes(answers: Iterable[Answer], *, counted: bool = False) -> str:
    answers = list(answers)
    if not answers:
        return ""
    count = f"{len(answers)}: " if counted and len(answers) > 1 else ""
    return f"{count}{sum(len(answer.body) for answer in answers):,} ({sum(answer.packed for answer in answers):,})"


def _through_nginx(weight: Weight) -> int:
    """It compresses static files only: pages have secrets, and pictures are the application's."""
    static = [answer for answer in weight.loaded if "/static/" in answer.path]
    others = [answer for answer in [weight.html, *weight.loaded] if answer not in static]
    return sum(answer.packed for answer in static) + sum(len(answer.body) for answer in others)
