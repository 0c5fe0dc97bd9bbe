"""The page of one's tasks: what it shows, its forms without scripts, and what is seen by looking at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from myapp.auth import people
from myapp.errors import Text, Unavailable
from myapp.tasks import kinds, seeing, service, stored
from myapp.tasks.results import ResultFile
from myapp.tasks.stored import Task

from .conftest import HTML, Browser, Site, is_problem

TITLE = Text("Search")  # one that is translated


@pytest.fixture(autouse=True)
def export() -> Iterator[None]:
    """A kind that the page offers, whichever the application has by itself."""
    before = kinds.find("export-messages")
    kinds.remove("export-messages")
    kinds.task("export-messages", title=TITLE)(lambda: None)
    yield
    kinds.remove("export-messages")
    if before is not None:
        kinds._kinds[before.name] = before


@pytest.fixture
def alice(site: Site) -> Browser:
    """Nothing runs by itself: the tests say how a task goes."""
    site.app.extensions["myapp"].tasks.close()
    return site.browser("alice")


class Tasks:
    """What happens to the tasks of somebody."""

    def __init__(self, site: Site, name: str) -> None:
        self.database = site.app.extensions["myapp"].database
        with self.database.read() as connection:
            self.owner = people.by_name(connection, name).id
        self.folder = site.app.extensions["myapp"].tasks.folder

    def queue(self) -> int:
        with self.database.transaction() as transaction:
            task, _is_new = service.create(transaction, self.owner, kinds.by_name("export-messages"), {})
        return task.id

    def run(self, number: int) -> Task:
        with self.database.transaction() as transaction:
            task = service.claim(transaction, number, "a test", 0)
        assert task is not None
        return task

    def end(self, state: str = stored.DONE, error: str | None = None, content: bytes | None = None) -> int:
        number = self.queue()
        attempt = self.run(number).attempt
        file = None if content is None else self.file(number, content)
        with self.database.transaction() as transaction:
            service.finish(transaction, self.owner, number, attempt, state, error, file)
        return number

    def file(self, number: int, content: bytes) -> ResultFile:
        path = self.folder.new(number)
        path.write_bytes(content)
        return ResultFile(path.name, "all <mine>.zip", len(content))


@pytest.fixture
def tasks(site: Site, alice: Browser) -> Tasks:
    return Tasks(site, "alice")


def fetched(browser: Browser, number: int) -> bytes:
    """What the task gave."""
    with browser.get(f"/tasks/{number}/result") as answer:
        assert answer.status_code == 200
        return answer.data


def numbers(site: Site) -> list[int]:
    return [row[0] for row in site.rows("tasks")]


def badge(browser: Browser) -> int:
    badges: dict[str, int] = browser.get("/badges").get_json()["badges"]
    return badges["tasks"]


def card(page: str, number: int) -> str:
    found = re.search(rf'<article class="card task" id="task-{number}".*?</article>', page, re.S)
    assert found, page
    return found[0]


# -- what it shows


def test_without_tasks_it_says_what_tasks_are(alice: Browser) -> None:
    page = alice.page("/tasks")
    assert "No tasks to show." in page
    assert "Export my messages and posts" in page


def test_what_cannot_be_started_is_not_offered(alice: Browser) -> None:
    kinds.remove("export-messages")
    assert "Export my messages and posts" not in alice.page("/tasks")


def test_a_task_that_runs_has_its_bar_and_can_be_cancelled(alice: Browser, tasks: Tasks) -> None:
    number = tasks.queue()
    tasks.run(number)
    shown = card(alice.page("/tasks"), number)
    assert '<progress class="bar" max="100" value="0"' in shown
    assert f'action="/tasks/{number}/stop"' in shown
    assert "Running" in shown
    assert "Try again" not in shown


def test_a_task_that_is_done_leads_to_its_file(alice: Browser, tasks: Tasks) -> None:
    number = tasks.end(content=b"x" * 1400)
    shown = card(alice.page("/tasks"), number)
    assert f'href="/tasks/{number}/result"' in shown
    assert "all &lt;mine&gt;.zip</bdi> (1.4 kB)" in shown
    assert "<progress" not in shown


def test_a_task_that_failed_says_why_and_can_be_tried_again(alice: Browser, tasks: Tasks) -> None:
    number = tasks.end(stored.FAILED, "There is <nothing>.")
    shown = card(alice.page("/tasks"), number)
    assert "There is &lt;nothing&gt;." in shown
    assert f'action="/tasks/{number}/again"' in shown


def test_title_and_reason_are_in_the_reader_s_language(alice: Browser, tasks: Tasks) -> None:
    number = tasks.end(stored.FAILED, str(service.BROKE_OFF))
    alice.client.set_cookie("language", "zh")
    shown = card(alice.page("/tasks"), number)
    assert "搜索" in shown
    assert "处理程序中途停止。" in shown
    assert "搜索" in alice.page("/notifications")


def test_scripts_are_given_the_translations_of_stored_words(alice: Browser) -> None:
    assert '"own-words": {}' in alice.page("/account")
    alice.client.set_cookie("language", "zh")
    words = alice.page("/account").partition('"own-words": {')[2].partition("}")[0]
    assert '"Search": "\\u641c\\u7d22"' in words


def test_there_are_thirty_on_a_page(alice: Browser, tasks: Tasks) -> None:
    numbers = [tasks.queue() for _ in range(31)]
    first = alice.page("/tasks")
    assert f'href="/tasks?before={numbers[1]}"' in first
    assert f'id="task-{numbers[0]}"' not in first
    second = alice.page(f"/tasks?before={numbers[1]}")
    assert f'id="task-{numbers[0]}"' in second
    assert "Older ones" not in second
    assert f'name="next" value="/tasks?before={numbers[1]}"' in card(second, numbers[0])


def test_the_part_for_scripts_has_the_same_cards(alice: Browser, tasks: Tasks) -> None:
    number = tasks.queue()
    part = alice.get("/tasks/part").text
    without_tokens = re.compile(r'name="csrf_token" value="[^"]*"')
    whole = alice.page("/tasks")
    assert without_tokens.sub("", card(part, number)) == without_tokens.sub("", card(whole, number))
    assert 'data-user="alice"' in part
    assert f'id="task-{number}"' not in alice.get(f"/tasks/part?before={number}").text


def test_somebody_else_s_tasks_are_not_shown(site: Site, alice: Browser, tasks: Tasks) -> None:
    number = tasks.queue()
    bob = site.browser("bob")
    for path in ("/tasks", "/tasks/part"):
        assert f"task-{number}" not in bob.client.get(path, headers=HTML).text


@pytest.mark.parametrize("path", ["/tasks", "/tasks?before=5", "/tasks/new", "/tasks/1/stop", "/tasks/1/again"])
def test_a_stranger_is_led_to_signing_in_or_to_the_page(path: str, site: Site) -> None:
    answer = Browser(site.app).client.get(path, headers=HTML)
    assert answer.status_code in (302, 303)


def test_another_system_s_task_says_whose_it_is_in_its_own_words(site: Site, alice: Browser) -> None:
    shop = site.system("shop")
    site.write("UPDATE systems SET display_name = 'The <Shop>'")
    number = shop.post("/api/tasks", {"to": "alice", "title": "Search"}).get_json()["id"]
    alice.client.set_cookie("language", "zh")
    shown = card(alice.page("/tasks"), number)
    assert ">Search</h2>" in shown
    assert "<bdi>The &lt;Shop&gt;</bdi>" in shown
    assert f'action="/tasks/{number}/stop"' in shown
    said = {"state": "done", "result_url": "https://shop.example/7?a=1&b=2"}
    assert shop.open(f"/api/tasks/{number}", "PATCH", json=said).status_code == 200
    shown = card(alice.page("/tasks"), number)
    assert 'href="https://shop.example/7?a=1&amp;b=2" data-act="result" rel="noopener noreferrer">查看结果</a>' in shown
    assert "/again" not in shown
    bell = alice.page("/notifications")
    assert "已完成：Search" in bell


def test_a_result_that_is_kept_no_longer_says_so(alice: Browser, tasks: Tasks, site: Site) -> None:
    number = tasks.end(content=b"mine")
    site.write("UPDATE tasks SET result_file = NULL")
    shown = card(alice.page("/tasks"), number)
    assert "What it gave is not kept any more." in shown
    assert "/result" not in shown


# -- what one does


def test_the_button_starts_a_task_and_leads_to_it(alice: Browser, site: Site) -> None:
    alice.page("/tasks")
    answer = alice.submit("/tasks/new", kind="export-messages", key="k")
    [number] = numbers(site)
    assert (answer.status_code, answer.location) == (303, f"/tasks#task-{number}")


def test_pressed_twice_it_is_one_task(alice: Browser, site: Site) -> None:
    page = alice.page("/tasks")
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    places = {alice.submit("/tasks/new", kind="export-messages", key=key[1]).location for _ in range(2)}
    assert len(places) == len(numbers(site)) == 1


def test_each_page_has_a_key_of_its_own(alice: Browser) -> None:
    keys = {re.findall(r'name="key" value="([^"]+)"', alice.page("/tasks"))[0] for _ in range(2)}
    assert len(keys) == 2


def test_what_cannot_be_started_says_so_on_the_page(alice: Browser, site: Site) -> None:
    alice.page("/tasks")
    answer = alice.submit("/tasks/new", kind="nothing-of-ours", key="k")
    assert answer.status_code == 422
    assert 'role="alert" data-field="error">' in answer.text
    assert numbers(site) == []


def test_a_task_is_cancelled_and_tried_again_by_forms(alice: Browser, tasks: Tasks) -> None:
    number = tasks.queue()
    for action, state, words in (("stop", "cancelled", "Cancelled"), ("again", "queued", "Waiting")):
        alice.page("/tasks")
        answer = alice.submit(f"/tasks/{number}/{action}", next=f"/tasks?before={number + 1}")
        assert (answer.status_code, answer.location) == (303, f"/tasks?before={number + 1}#task-{number}")
        assert alice.get(f"/tasks/{number}").get_json()["state"] == state
        assert words in card(alice.page("/tasks"), number)


def test_what_is_too_late_says_so_on_the_page(alice: Browser, tasks: Tasks) -> None:
    number = tasks.end()
    for action, said in (("stop", "there is nothing to cancel"), ("again", "ask for a new one")):
        alice.page("/tasks")
        assert alice.submit(f"/tasks/{number}/{action}").status_code == 303
        assert said in alice.page("/tasks")


def test_somebody_else_s_task_cannot_be_ended_or_tried_again(site: Site, alice: Browser, tasks: Tasks) -> None:
    waiting, failed = tasks.queue(), tasks.end(stored.FAILED, "no")
    bob = site.browser("bob")
    bob.submit(f"/tasks/{waiting}/stop")
    bob.submit(f"/tasks/{failed}/again")
    states = {task["id"]: task["state"] for task in alice.get("/tasks").get_json()["tasks"]}
    assert states == {waiting: "queued", failed: "failed"}
    assert bob.page("/tasks").count('class="flash flash--error"') == 2


# -- what was seen


def test_who_opens_the_page_has_seen_how_tasks_ended(alice: Browser, tasks: Tasks) -> None:
    tasks.end()
    tasks.end(stored.FAILED, "no")
    assert badge(alice) == 2
    assert '<span class="badge" data-badge="tasks" title="Not seen" hidden>0</span>' in alice.page("/tasks")
    assert badge(alice) == 0


def test_a_page_that_is_only_fetched_ahead_and_a_part_mark_nothing(alice: Browser, tasks: Tasks) -> None:
    tasks.end()
    alice.client.get("/tasks", headers={**HTML, "Sec-Purpose": "prefetch;prerender"})
    alice.client.head("/tasks", headers=HTML)
    alice.get("/tasks/part")
    assert badge(alice) == 1


def test_who_takes_a_result_has_seen_that_one(alice: Browser, tasks: Tasks) -> None:
    taken, _other = tasks.end(content=b"mine"), tasks.end()
    alice.client.head(f"/tasks/{taken}/result").close()
    assert badge(alice) == 2
    assert fetched(alice, taken) == b"mine"
    assert badge(alice) == 1
    assert fetched(alice, taken) == b"mine"
    events = alice.get("/messages/poll?limit=500").get_json()["events"]
    assert [event["kind"] for event in events].count("seen") == 1


def test_both_work_where_nothing_can_be_written(alice: Browser, tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise Unavailable("read-only")

    number = tasks.end(content=b"mine")
    for name in ("see", "see_all"):
        monkeypatch.setattr(seeing, name, refuse)
    assert fetched(alice, number) == b"mine"
    assert "1</span>" in alice.page("/tasks").partition('data-badge="tasks"')[2][:60]


def test_somebody_else_s_result_is_not_found_and_stays_unseen(site: Site, alice: Browser, tasks: Tasks) -> None:
    number = tasks.end(content=b"mine")
    is_problem(site.browser("bob").get(f"/tasks/{number}/result"), 404)
    assert badge(alice) == 1


# -- in the head of every page


def bar(page: str) -> str:
    found = re.search(r'<progress class="bar top__bar"[^>]*>', page)
    assert found, page
    return found[0]


def test_a_page_without_tasks_at_work_hides_the_bar(alice: Browser, tasks: Tasks) -> None:
    tasks.end()
    page = alice.page("/account")
    assert " hidden>" in bar(page)
    assert 'data-at-work="[]"' in page


def test_every_page_shows_how_far_tasks_are(alice: Browser, tasks: Tasks, site: Site) -> None:
    first, second = tasks.queue(), tasks.queue()
    assert "value=" not in bar(alice.page("/account"))
    for number in (first, second):
        tasks.run(number)
    site.write(f"UPDATE tasks SET progress = 41 WHERE id = {first}")
    page = alice.page("/account")
    assert 'value="20"' in bar(page)
    assert "hidden" not in bar(page).replace("aria-hidden", "")
    assert f"[[{first}, &#34;running&#34;, 41], [{second}, &#34;running&#34;, 0]]" in page


def test_ten_are_enough_for_the_head_of_a_page(alice: Browser, tasks: Tasks) -> None:
    for _ in range(11):
        tasks.queue()
    assert alice.page("/account").partition("data-at-work=")[2].partition(">")[0].count("queued") == 10


def test_a_page_of_an_error_asks_for_no_tasks(alice: Browser, tasks: Tasks) -> None:
    tasks.queue()
    page = alice.page("/nowhere", 404)
    assert "top__bar" not in page
    assert 'href="/tasks"' in page
