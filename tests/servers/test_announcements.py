"""Everyone is told once, though a server is killed in the middle of it, and at once where they wait."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from myapp.announcements import service
from myapp.extensions import database
from myapp.notifications.content import Content

from ..postgres import PostgresServer
from ..support import BIN, ROOT, AppServer, wait_for
from .checker import Checker, stored
from .conftest import Servers
from .someone import Browser, Someone, Three, people_of, wait_until_parked
from .stream import EventStream
from .wire import fetch

EVERYONE = 2000
#: So many are told, in a batch that is not stored yet, when a server is killed.
AT = 700


def announce(server: AppServer, title: str = "News", **options: Any) -> int:
    """Past the server, which finds it by itself."""
    with server.app.app_context(), database().transaction() as transaction:
        return service.create(transaction, Content(title), **options)[0]


def announce_as(admin: Someone, title: str = "News") -> int:
    """By the form of an administrator, on a page of theirs; its number."""
    with admin.server.app.app_context(), database().transaction() as transaction:
        transaction.driver.execute(f"UPDATE users SET is_admin = true WHERE name = '{admin.name}'")
    browser = Browser(admin)
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": browser.csrf}
    body = urlencode({"title": title, "key": "k"}).encode()
    answer = fetch(admin.port, "POST", "/admin/announcements", {**browser.headers, **form}, body=body)
    assert answer.status == 303, answer
    [(number,)] = rows(admin.server, "SELECT max(id) FROM announcements")
    return int(number)


def progress(server: AppServer, number: int) -> service.Announcement:
    with server.app.app_context(), database().read() as connection:
        return service.by_number(connection, number)


def rows(server: AppServer, sql: str) -> list[tuple[Any, ...]]:
    with server.app.app_context(), database().read() as connection:
        found: list[tuple[Any, ...]] = connection.driver.execute(sql).fetchall()
        return found


def check_everyone(server: AppServer) -> None:
    """All have it once, without holes, and their badges say so."""
    told = rows(server, "SELECT count(*), count(DISTINCT user_id) FROM events WHERE kind = 'announcement'")
    assert told == [(EVERYONE, EVERYONE)]
    sql = "SELECT count(*) FROM inboxes WHERE seq <> (SELECT count(*) FROM events WHERE user_id = inboxes.user_id)"
    assert rows(server, sql) == [(0,)]
    assert {json.loads(text)["announcements"] for (text,) in rows(server, "SELECT badges FROM inboxes")} == {1}


def state_of_task(who: Someone) -> str:
    [task] = who.get("/tasks").json()["tasks"]
    return str(task["state"])


class Halting:
    """Starts servers that stop in the middle of an announcement while `file` is there."""

    def __init__(self, start: Servers, file: Path) -> None:
        self.start, self.file = start, file

    def __call__(self, **options: Any) -> AppServer:
        server = self.start.make(command=self._command(), **options)
        server.environ |= {"HALT": str(self.file), "HALT_AT": str(AT)}
        return server

    def _command(self) -> list[str]:
        if self.start.kind == "pywsgi":
            return [sys.executable, "-m", "tests.servers.halting"]
        ini = (ROOT / "uwsgi.ini").read_text()
        module = "module = wsgi:application\n"
        assert module in ini
        own = self.start.folder / "halting.ini"
        own.write_text(ini.replace(module, "module = tests.servers.halting:application\n"))
        return [str(BIN / "uwsgi"), "--ini", str(own)]

    @property
    def is_halted(self) -> bool:
        return self.file.read_text() != ""


@pytest.fixture
def halting(start: Servers, tmp_path: Path) -> Halting:
    file = tmp_path / "halt"
    file.touch()
    return Halting(start, file)


def crowd_of(server: AppServer) -> Three:
    three = people_of(server, password=True)
    server.people.add(*(f"user{number}" for number in range(EVERYONE - 3)))
    return three


def test_announcement_goes_on_by_itself_after_kill_9_in_the_middle_of_it(halting: Halting) -> None:
    server = halting().start()
    alice, bob, carol = crowd_of(server)
    ws, checker = bob.websocket(), Checker()
    ws.hello()
    number = announce_as(carol)
    wait_for(lambda: halting.is_halted, "the server to stand still")
    checker.take(ws.next())  # bob was one of the first
    server.kill()
    reached = progress(server, number).reached
    assert AT - 100 < reached < int(halting.file.read_text())
    halting.file.unlink()
    server.start()
    again = bob.websocket(checker.cursor)
    again.hello()
    while progress(server, number).finished_at is None:
        checker.take({"events": [], "seq": checker.cursor, "latest": checker.cursor})
        alice.send(bob, "in the middle of it")
        checker.take(again.next())
    assert progress(server, number).reached == EVERYONE
    check_everyone(server)
    checker.finish(stored(bob))
    wait_for(lambda: state_of_task(carol) == "done", "the task of who announced it")


def test_another_worker_goes_on_where_one_is_killed_in_the_middle_of_it(
    halting: Halting, postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    first = halting(database_url=url).start()
    crowd_of(first)
    number = announce(first)
    wait_for(lambda: halting.is_halted, "the first server to stand still")
    second = halting(database_url=url).start()
    first.kill()
    halting.file.unlink()
    wait_for(lambda: progress(second, number).finished_at is not None, "the second server to end it")
    check_everyone(second)


# -- who waits


@pytest.fixture
def command(three: Three) -> Iterator[Callable[..., str]]:
    """Runs `flask` beside the server."""

    def run(*args: str) -> str:
        result = three.bob.server.app.test_cli_runner().invoke(args=list(args))
        assert result.exit_code == 0, result.output
        return result.output

    yield run


def given(events: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(event["seq"], event["data"]["title"]) for event in events if event["kind"] == "announcement"]


def test_what_a_command_announces_reaches_every_way_of_waiting(three: Three, command: Callable[..., str]) -> None:
    alice, bob, _ = three
    alice.send(bob, "before")
    ws, telling, polling = bob.websocket(1), bob.websocket(1, push="new"), bob.long_poll(1, timeout=50)
    stream = EventStream.open(bob, 1).began()
    ws.hello(), telling.hello()
    wait_until_parked(bob, "long-poll")
    said = command("announce", "Told by a command", "--key", bob.name)
    assert " users told" in said
    assert command("announce", "Told by a command", "--key", bob.name) == said
    frame = ws.next()
    assert given(frame["events"]) == [(2, "Told by a command")]
    assert (frame["seq"], frame["badges"]["announcements"], frame["badges"]["messages"]) == (2, 1, 1)
    assert telling.next() == {"type": "new", "seq": 2}
    answer = polling.read_answer().json()
    assert given(answer["events"]) == [(2, "Told by a command")]
    assert answer["badges"] == frame["badges"]
    assert given(stream.events(1)) == [(2, "Told by a command")]
    assert bob.get("/badges").json()["badges"] == frame["badges"]


def test_who_was_away_catches_up(three: Three, command: Callable[..., str]) -> None:
    bob: Someone = three.bob
    command("announce", "While bob was away")
    checker = Checker()
    ws = bob.websocket()
    ws.hello()
    checker.take(ws.next())
    assert given(checker.events) == [(1, "While bob was away")]
    checker.finish(stored(bob))
