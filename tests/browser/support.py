"""People who sit in front of a real Chromium: their browsers, their windows, and what must never happen in one."""

from __future__ import annotations

import re
import secrets
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, TimeoutError, expect

from ..support import PASSWORD, AppServer
from .lending import Lending, new_context

#: Milliseconds that a page may take for anything; it only costs time when it fails.
PATIENCE = 15_000
LAUNCH = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # windows of one browser share a process, which has compiled the modules and knows the fonts
    "--renderer-process-limit=1",
)
TRANSPORTS = ("websocket", "sse", "long-poll", "short-poll")
#: What the page says it is while this transport works.
STATES = {"websocket": "live", "sse": "live", "long-poll": "live", "short-poll": "polling", "off": "off"}

# Runs before the page's own scripts, at each load: `marker` is lost by a reload, `heard` is every event as it came.
_PROBE = """
window.heard = [];
document.addEventListener('live:event', ({ detail }) => window.heard.push(detail.seq));
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error(`policy violated: ${violatedDirective} ${blockedURI}`));
"""

# All of <main>: every element, attribute and text. Left out is what is only for browsers without scripts, the hidden
# fields of forms (a token, a key: new ones each time) and the words of times, which change while one looks.
_DOM = r"""
(main) => {
  const show = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      return getComputedStyle(node.parentElement).whiteSpace.startsWith('pre')
        ? JSON.stringify(node.data) : node.data.replace(/\s+/g, ' ').trim();
    }
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches('noscript, input[type=hidden]')) return '';
    const names = node.getAttributeNames().filter((name) => !(node.matches('time') && name === 'title')).sort();
    const attributes = names.map((name) =>
      ` ${name}=${name === 'class' ? [...node.classList].sort().join('.') : JSON.stringify(node.getAttribute(name))}`);
    const inside = node.matches('time') ? '' : [...node.childNodes].map(show).join('');
    return `<${node.localName}${attributes.join('')}>${inside}</${node.localName}>`;
  };
  return show(main).replaceAll('<', '\n<').replace(/\n+/g, '\n');
}
"""


class Window:
    """One window of somebody's browser, watched: a test fails when something went wrong in it that nobody expected."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.home = home
        #: what went wrong in it
        self.problems: list[str] = []
        #: patterns of problems that the test itself causes
        self.expected: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.add_init_script(_PROBE)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("requestfailed", self._request_failed)

    def _console(self, message: ConsoleMessage) -> None:
        is_given_up = "closed before the connection is established" in message.text
        if message.type in ("error", "warning") and not is_given_up:
            self.problems.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def watch_requests(self) -> Window:
        """Nobody else may be asked from here on. Otherwise the pages' own policies see to it, and cost less."""
        self.page.on("request", lambda request: self._check_address(request.url))
        self.page.on("websocket", lambda socket: self._check_address(socket.url.replace("ws", "http", 1)))
        return self

    def _check_address(self, url: str) -> None:
        if not url.startswith((self.home + "/", "data:")):
            self.problems.append(f"a third party was asked: {url}")

    def _request_failed(self, request: Request) -> None:
        # what is only read is given up when the page goes elsewhere or another transport takes over
        # (a read mark too, though it still arrives: fetch with keepalive)
        is_harmless = request.method == "GET" or request.url.endswith(("/messages/read", "/notifications/seen"))
        is_given_up = request.failure == "net::ERR_ABORTED" and is_harmless
        # without scripts their preloads are refused (a policy of the page's own would be reported by the page)
        is_unused = request.failure == "csp" and request.url.endswith(".js")
        if not is_given_up and not is_unused:
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def expect_problems(self, *patterns: str) -> None:
        """What matches one of these is the test's own doing."""
        self.expected.extend(patterns)

    def expect_outage(self) -> None:
        self.expect_problems(
            "ERR_CONNECTION",
            "ERR_EMPTY_RESPONSE",
            "ERR_INCOMPLETE",
            "ERR_CONTENT_LENGTH_MISMATCH",
            "ERR_ABORTED",
            "ERR_INTERNET_DISCONNECTED",
            "WebSocket",
            "50[234]",
        )

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.problems if not any(re.search(pattern, text) for pattern in self.expected)]

    def go(self, path: str) -> Window:
        self.page.goto(self.home + path)
        return self

    def find(self, selector: str, **options: Any) -> Locator:
        return self.page.locator(selector, **options)

    # -- how it follows

    def choose(self, choice: str) -> None:
        self.find("#live-transport").select_option(choice)

    def is_on(self, transport: str) -> None:
        """Wait until this transport works."""
        root = self.find("html")
        expect(root).to_have_attribute("data-live-state", STATES[transport], timeout=PATIENCE)
        if transport != "off":
            expect(root).to_have_attribute("data-live-transport", transport, timeout=PATIENCE)

    def state(self, state: str, timeout: float = PATIENCE) -> None:
        expect(self.find("html")).to_have_attribute("data-live-state", state, timeout=timeout)

    @property
    def heard(self) -> list[int]:
        """The seq of every event since the page was loaded, in the order in which they came."""
        return self.page.evaluate("heard")

    def mark(self) -> None:
        """Leave a marker that a reload would take away."""
        self.page.evaluate("window.marker = 'still here'")

    def was_reloaded(self) -> bool:
        return self.page.evaluate("window.marker") != "still here"

    # -- badges

    def counts(self, messages: int) -> None:
        """Wait until badge and title say so many unread messages."""
        badge = self.find("[data-badge=messages]")
        if messages:
            expect(badge).to_be_visible(timeout=PATIENCE)
            expect(badge).to_have_text(str(messages), timeout=PATIENCE)
            expect(self.page).to_have_title(re.compile(rf"^\({messages}\) \w"), timeout=PATIENCE)
        else:
            expect(badge).to_be_hidden(timeout=PATIENCE)
            expect(self.page).to_have_title(re.compile(r"^[^(]"), timeout=PATIENCE)

    # -- a conversation

    @property
    def bodies(self) -> Locator:
        """The texts of the messages that are stored."""
        return self.find("[data-message-id] [data-field=body]")

    def shows(self, *texts: str, timeout: float = PATIENCE) -> None:
        """Wait until it shows exactly these messages, in this order, and none that is still on its way."""
        try:
            self.page.wait_for_function(
                """(texts) => {
                  const bodies = [...document.querySelectorAll('[data-chat] [data-field=body]')];
                  return JSON.stringify(bodies.map((body) => body.textContent)) === JSON.stringify(texts)
                    && !document.querySelector('.message--pending');
                }""",
                arg=list(texts),
                timeout=timeout,
            )
        except TimeoutError:
            assert self.bodies.all_text_contents() == list(texts)
            raise  # they are all there by now: too late, or one is still on its way

    def last_is(self, text: str) -> None:
        """Wait until the newest conversation in the list ends with this text."""
        self.page.wait_for_function(
            "(text) => document.querySelector('[data-conversation] [data-field=body]')?.textContent === text", arg=text
        )

    # -- posts

    def shows_posts(self, *texts: str) -> None:
        """Wait until the list shows exactly these posts or replies, in this order; '' for one that was deleted."""
        self.page.wait_for_function(
            """(texts) => {
              const items = [...document.querySelectorAll('[data-posts] > [data-post]')];
              const found = items.map((item) => item.querySelector('[data-field=body]')?.textContent ?? '');
              return JSON.stringify(found) === JSON.stringify(texts);
            }""",
            arg=list(texts),
        )

    def write_post(self, text: str) -> None:
        """Write a post, or a reply on the page of one."""
        self.find("#write textarea").fill(text)
        self.find("#write button").click()

    def counts_of(self, post: int, *, by: Person, **counts: int) -> None:
        """Wait until it is of the post what the server has now, among it these counts."""
        stored = by.program.get(f"/posts/{post}").json()
        item = self.find(f"#post-{post}")
        expect(item).to_have_attribute("data-version", str(stored["version"]), timeout=PATIENCE)
        assert counts.items() <= stored["counts"].items()
        for name, count in counts.items():
            expect(item.locator(f"[data-count={name}]")).to_have_text(str(count))

    # -- tasks

    def has_tasks(self, tasks: dict[int, tuple[str, str]]) -> None:
        """Wait until the cards of these say this state and how far they are, in words; '' where they have no bar."""
        self.page.wait_for_function(
            """(tasks) => tasks.every(([id, state, percent]) => {
              const card = document.getElementById(`task-${id}`);
              const shown = card?.querySelector('[data-percent]')?.textContent ?? '';
              return card?.dataset.state === state && shown === percent;
            })""",
            arg=[[number, *said] for number, said in tasks.items()],
        )

    def to_the_end(self) -> None:
        """Scroll to the newest message, as one does who reads."""
        self.find("[data-scroller]").evaluate("(scroller) => { scroller.scrollTop = 0 }")

    def write(self, text: str) -> None:
        """Type a message and press Enter."""
        self.find("#send textarea").fill(text)
        self.find("#send textarea").press("Enter")

    def dom(self) -> str:
        """All of <main>, without the words of times."""
        return self.page.evaluate(f"({_DOM})(document.querySelector('main'))")


class Person:
    """Somebody with an account, a browser of their own, and a program that acts for them."""

    def __init__(self, server: AppServer, lending: Lending, name: str, windows: list[Window]) -> None:
        self.server = server
        self.browser = lending.chromium
        self.lending = lending
        self.name = name
        self.windows = windows
        self._context: BrowserContext | None = None
        self._program: httpx.Client | None = None

    def context(self, **options: Any) -> BrowserContext:
        """A new browser of theirs, in which they are signed in."""
        return self._signed_in(new_context(self.browser, **options))

    def lent(self, **options: Any) -> BrowserContext:
        """The same, but the browser is one that others have had: see Lending."""
        return self._signed_in(self.lending.lend(**options))

    def _signed_in(self, context: BrowserContext) -> BrowserContext:
        context.add_cookies(
            [{"name": "myapp_session", "value": session_cookie(self.server, self.name), "url": self.server.url}]
        )
        return context

    def open(self, path: str, *, transport: str | None = "websocket", context: BrowserContext | None = None) -> Window:
        """A new window of their browser on this page, following by this transport (None: whatever it is)."""
        if context is None:
            self._context = context = self._context or self.lent()
        window = Window(context.new_page(), self.server.url)
        self.windows.append(window)
        window.go(path)
        if transport is not None:
            window.is_on(transport)
        return window

    def chat(self, other: Person, **options: Any) -> Window:
        return self.open(f"/chats/{other.name}", **options)

    def prefer(self, choice: str) -> None:
        """The choice of transport as the page itself keeps it."""
        self._context = self._context or self.lent()
        self._context.add_cookies([{"name": "transport", "value": choice, "url": self.server.url}])

    @property
    def program(self) -> httpx.Client:
        """A third party: it acts for them by a token, without any window."""
        if self._program is None:
            self._program = self.server.client(self.server.people.token(self.name))
        return self._program

    def send(self, other: Person, *texts: str) -> list[int]:
        """Their program sends; the ids."""
        answers = [self.program.post("/messages", json={"to": other.name, "body": text}) for text in texts]
        assert [answer.status_code for answer in answers] == [201] * len(texts), [answer.text for answer in answers]
        return [answer.json()["id"] for answer in answers]

    def post(self, body: str) -> int:
        """Their program writes a post; its id."""
        return self._write("/posts", body)

    def reply(self, post: int, body: str) -> int:
        return self._write(f"/posts/{post}/replies", body)

    def _write(self, path: str, body: str) -> int:
        answer = self.program.post(path, json={"body": body})
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    def react(self, post: int, reaction: str | None) -> None:
        answer = self.program.put(f"/posts/{post}/reaction", json={"reaction": reaction})
        assert answer.status_code == 200, answer.text

    def delete_post(self, post: int) -> None:
        assert self.program.delete(f"/posts/{post}").status_code == 204

    def read(self, other: Person, upto: int) -> None:
        """Their program marks what the other wrote as read."""
        answer = self.program.post("/messages/read", json={"with": other.name, "upto": upto})
        assert answer.status_code == 200, answer.text

    def stored(self, other: Person) -> list[str]:
        """The conversation as the server has it, oldest first."""
        found = self.program.get(f"/messages/with/{other.name}", params={"limit": 500}).json()["messages"]
        return [message["body"] for message in found[::-1]]

    def close(self) -> None:
        if self._program is not None:
            self._program.close()


def session_cookie(server: AppServer, name: str) -> str:
    """Sign in as a browser does, by the form."""
    with server.client() as client:
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/auth/login").text)
        assert token
        form = {"csrf_token": token[1], "username": name, "password": PASSWORD}
        answer = client.post("/auth/login", data=form)
        assert answer.status_code == 303, answer.text
        return client.cookies["myapp_session"]


class Town:
    """Makes people of one server, new ones for each test, and watches all their windows."""

    def __init__(self, server: AppServer, lending: Lending) -> None:
        self.server = server
        self.browser = lending.chromium
        self.lending = lending
        self.people: list[Person] = []
        self.windows: list[Window] = []

    def people_named(self, *names: str) -> list[Person]:
        """New people; a name is made unique by what follows it."""
        mark = secrets.token_hex(3)
        full = [f"{name}-{mark}" for name in names]
        self.server.people.add(*full, password=True)
        people = [Person(self.server, self.lending, name, self.windows) for name in full]
        self.people.extend(people)
        return people

    def stranger(self, **options: Any) -> Window:
        """A window of a browser in which nobody is signed in."""
        window = Window(self.lending.lend(**options).new_page(), self.server.url)
        self.windows.append(window)
        return window

    def close(self) -> list[str]:
        """Close everything; what went wrong in any window."""
        unexpected = [text for window in self.windows for text in window.unexpected]
        for person in self.people:
            person.close()
        self.lending.take_back(self.server.url)
        return unexpected


def follows(server: AppServer) -> dict[str, float]:
    """How often the server has been asked to follow an inbox, by transport."""
    return {name: server.metric("myapp_follow_requests_total", transport=name) for name in TRANSPORTS}


def used(server: AppServer, before: dict[str, float]) -> set[str]:
    """The transports that were asked for since `before`."""
    return {name for name, count in follows(server).items() if count > before[name]}


def numbered(count: int, word: str = "message") -> list[str]:
    return [f"{word} {number}" for number in range(1, count + 1)]
