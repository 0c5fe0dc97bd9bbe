"""The application as deployed: two workers behind nginx and one for tasks, shared by all tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from myapp import create_app
from myapp.operations import sign
from stack import Stack

from ..servers.someone import Someone, Three, people_of
from ..servers.wire import Wire, bearer, fetch
from ..support import People, close_app, wait_for


class Workers:
    """The running stack, spoken to through nginx. It is what tests/servers call a server."""

    kind = "uwsgi"

    def __init__(self, stack: Stack, instance: str) -> None:
        self.stack = stack
        self.port = stack.nginx.port
        self.url = stack.url
        #: the same application in this process, for making users and looking into the database
        self.app = create_app(stack.environ, instance_path=instance)
        self.people = People(self.app)
        self._key = self.app.extensions["myapp"].settings.secret_key

    def ask(self, question: str, **more: Any) -> dict[str, Any]:
        """What each worker answers to `flask live`'s question, by its process id."""
        body = json.dumps({"question": question, **more}).encode()
        headers = {**bearer(sign(self._key, body)), "Content-Type": "application/json"}
        answer = fetch(self.port, "POST", "/live", headers, body=body)
        assert answer.status == 200, answer
        return {name.rpartition(":")[2]: said for name, said in answer.json()["workers"].items()}

    def clients_of(self, who: Someone) -> dict[int, int]:
        """How many clients somebody has in each worker."""
        answers = self.ask_both("who", user=who.name)
        return {int(pid): len(clients) for pid, clients in answers.items() if clients}

    def ask_both(self, question: str, **more: Any) -> dict[str, Any]:
        """What both workers answer: asked again while one is left out, since it is new or was slow."""

        def answers_of_both() -> dict[str, Any]:
            answers = self.ask(question, **more)
            running = {str(pid) for pid in self.stack.uwsgi.worker_pids()}
            return answers if len(running) == 2 and set(answers) == running else {}

        return wait_for(answers_of_both, f"both workers to answer {question!r}")

    def wait_until_all_answer(self) -> None:
        """Until the workers know each other."""
        self.ask_both("stats")

    def reload(self) -> None:
        """Replace the workers one by one, until uWSGI is done with it: another reload meanwhile would be ignored."""
        uwsgi = self.stack.uwsgi
        before, complete = uwsgi.worker_pids(), uwsgi.count_reloads()
        uwsgi.reload()
        wait_for(lambda: uwsgi.count_reloads() > complete, "both workers to be others", 90)
        self.wait_until_all_answer()
        assert not set(uwsgi.worker_pids()) & set(before)


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    folder = tmp_path_factory.mktemp("stack")
    settings = {
        "MYAPP_RATE_LIMITS": "off",
        "MYAPP_MAX_CLIENTS_PER_USER": "0",
        "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0",
        "MYAPP_DRAIN_SECONDS": "1",
        "MYAPP_MODULES": "tests.jobs",
    }
    stack = Stack(folder, environ=settings, fsync=False)
    stack.start()
    running = Workers(stack, str(folder / "instance"))
    running.wait_until_all_answer()
    yield running
    close_app(running.app)
    stack.kill()


@pytest.fixture(autouse=True)
def closed_connections() -> Iterator[None]:
    """Whatever connection a test leaves open is closed behind it."""
    yield
    Wire.close_all()


@pytest.fixture
def three(workers: Workers) -> Three:
    """Three new people."""
    server: Any = workers
    return people_of(server)
