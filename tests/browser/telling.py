"""Who tells people something: another system over HTTP, and the application itself beside its server."""

from __future__ import annotations

import secrets
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import Locator, expect

from myapp import emit
from myapp.auth import people
from myapp.extensions import database
from myapp.systems import service as systems
from myapp.systems import tokens

from ..slow_tasks import Steps
from ..support import AppServer, wait_for
from .support import PATIENCE, Person, Town, Window, session_cookie

#: What the system of each server calls itself.
SHOP = "The Shop"

_shops: WeakKeyDictionary[AppServer, tuple[str, str]] = WeakKeyDictionary()


def shop_of(server: AppServer) -> tuple[str, str]:
    """The name and the token of a system that may tell this server's users anything."""
    if server not in _shops:
        with server.app.app_context(), database().transaction() as transaction:
            account = systems.create(transaction, f"shop-{secrets.token_hex(3)}", SHOP)
            systems.change(transaction, account, SHOP, 0)
            token = tokens.create(transaction, account.id, "tests", ["notify", "announce"], None)["token"]
        _shops[server] = account.name, token
    return _shops[server]


def tell(*receivers: Person, title: str, **more: Any) -> None:
    """The system notifies them."""
    server = receivers[0].server
    with server.client(shop_of(server)[1]) as shop:
        to = [person.name for person in receivers]
        answer = shop.post("/api/notifications", json={"to": to, "title": title, **more})
        assert answer.json() == {"accepted": len(to), "unknown": []}, answer.text


def announce(server: AppServer, title: str, **more: Any) -> int:
    """The system tells everyone; the announcement's number."""
    with server.client(shop_of(server)[1]) as shop:
        answer = shop.post("/api/announcements", json={"title": title, **more})
        assert answer.status_code == 202, answer.text
        number: int = answer.json()["id"]
        return number


def happen(person: Person, *events: tuple[str, dict[str, Any]]) -> None:
    """The application tells them of these, in a process beside the server, which finds them within 5 s; with whatever
    else it tells them of, at once.
    """
    with person.server.app.app_context(), database().transaction():
        for kind, data in events:
            emit(person.name, kind, data)


def like(by: str, post: int = 5, kind: str = "like") -> tuple[str, dict[str, Any]]:
    return kind, {"post": post, "by": by.lower(), "by_name": by, "withdrawn": False}


def begin(person: Person, steps: Steps) -> int:
    """Their program starts a task that goes as far as one says; its number."""
    answer = person.program.post("/tasks", json={"kind": "steps", "params": steps.params})
    assert answer.status_code == 202, answer.text
    number: int = answer.json()["id"]
    return number


def becomes(person: Person, task: int, state: str) -> None:
    """Wait until the server says so of their task."""
    wait_for(lambda: person.program.get(f"/tasks/{task}").json()["state"] == state, f"task {task} is {state}")


def tasks_of_all_kinds(person: Person, title: str = "A report", reason: str = "There were no sales.") -> dict[str, int]:
    """They have one that is done, one that failed, one that waits and one that seems to run; by state."""
    steps = [Steps(person.server.folder) for _ in range(4)]
    for one, said in zip(steps, (100, reason, 100, 100), strict=True):
        one.say(said)
    numbers = []
    for one, state in zip(steps, ("done", "failed", "done", "done"), strict=True):
        # one after the other: what is put into the queue as places become free would have the one that waits run
        numbers.append(begin(person, one))
        becomes(person, numbers[-1], state)
    done, failed, queued, running = numbers
    with person.server.app.app_context(), database().transaction() as transaction:
        work = (
            "result_file = NULL, finished_at = NULL, claimed_until = 9000000000000000"  # so that nobody misses its run
        )
        execute = transaction.driver.execute
        execute(f"UPDATE tasks SET title = '{title}' WHERE id IN ({done}, {failed}, {queued}, {running})")
        execute(
            f"UPDATE tasks SET state = 'queued', progress = 0, queued_at = 9000000000000000, {work} WHERE id = {queued}"
        )
        execute(f"UPDATE tasks SET state = 'running', progress = 35, {work} WHERE id = {running}")
    return {"done": done, "failed": failed, "queued": queued, "running": running}


def empty_feed(server: AppServer) -> None:
    """All posts so far are as if they had been deleted, without anybody being told."""
    with server.app.app_context(), database().transaction() as transaction:
        transaction.driver.execute("UPDATE posts SET deleted_at = 1 WHERE deleted_at IS NULL")


def make_admin(person: Person) -> Person:
    with person.server.app.app_context(), database().transaction() as transaction:
        user = people.by_name(transaction, person.name).id
        transaction.driver.execute(f"UPDATE users SET is_admin = true WHERE id = {user}")
    return person


def admin_of(town: Town) -> Person:
    (admin,) = town.people_named("admin")
    return make_admin(admin)


# -- what a window shows of it


def rings(window: Window, count: int) -> None:
    """Wait until the bell says so many."""
    badge = window.find("#bell .badge")
    if count:
        expect(badge).to_have_text(str(count), timeout=PATIENCE)
        expect(badge).to_be_visible()
    else:
        expect(badge).to_be_hidden(timeout=PATIENCE)


def keep_toasts(window: Window) -> Window:
    """What comes into its corner from now on stays until somebody dismisses it, however long the test takes."""
    window.find("[data-live-toasts]").evaluate("(region) => { region.dataset.liveTimeout = '0' }")
    return window


def open_bell(window: Window) -> Locator:
    """Press the bell and wait for its list."""
    window.find("#bell").click()
    expect(window.find("#bell-panel .panel__body")).to_be_visible(timeout=PATIENCE)
    return window.find("#bell-panel")


def lists(place: Locator, new: list[str], seen: list[str]) -> None:
    """Wait until it lists exactly these titles, not seen and seen."""
    expect(place.locator(".notice--new .notice__title")).to_have_text(new, timeout=PATIENCE)
    expect(place.locator(".notice:not(.notice--new) .notice__title")).to_have_text(seen, timeout=PATIENCE)


def sign_in_again(person: Person, window: Window) -> None:
    """In the same browser, as somebody else may have done in another tab."""
    cookie = {"name": "myapp_session", "value": session_cookie(person.server, person.name), "url": person.server.url}
    window.page.context.add_cookies([cookie])  # type: ignore[list-item]
