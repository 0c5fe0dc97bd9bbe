"""The application in this process, and browsers and programs that talk to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from myapp.systems import service as systems
from myapp.systems import tokens as system_tokens

from ..support import PASSWORD, People, close_app, default_database, make_app, sqlite_url

TABLES = (
    *("users", "pictures", "sessions", "tokens", "inboxes", "events", "messages", "conversations", "facts"),
    *("notifications", "mutes", "systems", "system_tokens", "announcements"),
    *("posts", "reactions", "post_events", "blocks", "reports", "search_marks", "tasks"),
)
#: Which column says when a token was last used.
LAST_USED = {"tokens": 5, "system_tokens": 7}
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class Caller:
    """Whoever sends requests, each in its own way by `open`."""

    def open(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        raise AssertionError("a browser or a program")

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        if json is not None:
            options["json"] = json
        return self.open(path, "POST", **options)


class Browser(Caller):
    """A browser's cookies and the CSRF token of the page it shows."""

    def __init__(self, app: Flask, name: str = "") -> None:
        self.client = app.test_client()
        self.name = name
        self.csrf = ""

    def open(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        """A request as a script of the page makes it: with the cookie and the CSRF token."""
        headers = {**({"X-CSRFToken": self.csrf} if self.csrf else {}), **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def page(self, path: str, status: int = 200) -> str:
        """Show a page, and take its CSRF token over."""
        answer = self.client.get(path, headers=HTML)
        assert answer.status_code == status, answer.text
        self.csrf = csrf_of(answer.text)
        return answer.text

    def submit(self, path: str, **fields: str) -> TestResponse:
        """Send a form as a browser does."""
        return self.client.post(path, data={"csrf_token": self.csrf, **fields}, headers=HTML)

    def sign_in(self, password: str = PASSWORD) -> Browser:
        self.page("/auth/login")
        answer = self.submit("/auth/login", username=self.name, password=password)
        assert answer.status_code == 303, answer.text
        self.csrf = csrf_of(self.client.get("/auth/login", headers=HTML).text)
        return self


def csrf_of(page: str) -> str:
    found = re.search(r'<meta name="csrf-token" content="([^"]+)">', page)
    assert found, page
    return found[1]


class Program(Caller):
    """A client with a bearer token."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client = app.test_client(use_cookies=False)
        self.token = token

    def open(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, "DELETE", **options)

    def put(self, path: str, json: Any = None) -> TestResponse:
        return self.open(path, "PUT", json=json)

    def send(self, to: str, body: str = "hello", **more: Any) -> Any:
        """Send a message and give the answer's JSON."""
        answer = self.post("/messages", {"to": to, "body": body, **more})
        assert answer.status_code in (200, 201), answer.text
        return answer.json

    def badges(self) -> dict[str, int]:
        found: dict[str, int] = self.get("/badges").get_json()["badges"]
        return found

    def events(self) -> list[Any]:
        found: list[Any] = self.get("/messages/poll?limit=500").get_json()["events"]
        return found


class Site:
    """The application, its people, and what is stored."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.people = People(app)

    def program(self, name: str) -> Program:
        return Program(self.app, self.people.token(name))

    def programs(self, *names: str) -> list[Program]:
        """New users with a token each."""
        self.people.add(*names)
        return [self.program(name) for name in names]

    def system(self, name: str, *scopes: str, **more: Any) -> Program:
        """A new system's program, with a token that allows these scopes, or all."""
        with self.app.extensions["myapp"].database.transaction() as transaction:
            account = systems.create(transaction, name)
            made = system_tokens.create(transaction, account.id, "test", scopes or system_tokens.SCOPES, **more)
        return Program(self.app, made["token"])

    def administrator(self, name: str = "root") -> Browser:
        """A new administrator's browser, signed in."""
        browser = self.browser(name)
        self.write(f"UPDATE users SET is_admin = true WHERE name = '{name}'")
        return browser

    def browser(self, name: str) -> Browser:
        """A new user's browser, signed in."""
        self.people.add(name, password=True)
        return Browser(self.app, name).sign_in()

    def guest(self, name: str = "") -> Browser:
        """A browser that is not signed in."""
        return Browser(self.app, name)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with self.app.extensions["myapp"].database.read() as connection:
            found: list[tuple[Any, ...]] = connection.driver.execute(f"SELECT * FROM {table}").fetchall()
            return sorted(found, key=repr)

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is stored, but for when a token was last used."""
        return {
            table: [
                tuple(value for at, value in enumerate(row) if at != LAST_USED.get(table)) for row in self.rows(table)
            ]
            for table in TABLES
        }

    def write(self, sql: str) -> None:
        """Plain SQL, for what time would do."""
        with self.app.extensions["myapp"].database.transaction() as transaction:
            transaction.driver.execute(sql)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied: migrations take longer than most tests."""
    folder = tmp_path_factory.mktemp("empty")
    app = make_app(folder, sqlite_url(folder))
    app.extensions["myapp"].database.close()
    return folder / "test.sqlite3"


def open_site(folder: Path, empty: Path, database_url: str | None = None, **settings: str) -> Iterator[Site]:
    database_url = database_url or default_database(folder)
    if database_url == sqlite_url(folder):
        (folder / "test.sqlite3").write_bytes(empty.read_bytes())
    app = make_app(folder, database_url, **settings)
    yield Site(app)
    close_app(app)


@pytest.fixture
def site(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    """The application, with nobody in it."""
    yield from open_site(tmp_path, empty_database)


@pytest.fixture
def both_sites(tmp_path: Path, empty_database: Path, database_url: str) -> Iterator[Site]:
    """The application on SQLite, then on PostgreSQL."""
    yield from open_site(tmp_path, empty_database, database_url)


def is_problem(answer: TestResponse, status: int, *fields: str) -> None:
    """The answer is the contract's one shape of an error, and names these fields."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert set(body) <= {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].strip()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if status == 422:
        assert body["errors"], "a 422 names the field"
    if fields:
        assert set(body["errors"]) == set(fields)
        assert all(text.strip() for text in body["errors"].values())
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) > 0
