"""What one worker tells everyone, clients of all workers are given at once, each once."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest

from myapp.extensions import database
from myapp.systems import service as systems
from myapp.systems import tokens

from ..servers.someone import Someone, Three
from ..servers.wire import WebSocket, bearer, fetch
from ..support import wait_for
from .conftest import Workers
from .everywhere import one_in_each, sockets_in_each

AT_ONCE = 1.0


class System:
    """Another system, with a token that allows everything."""

    def __init__(self, workers: Workers) -> None:
        self.port = workers.port
        with workers.app.app_context(), database().transaction() as transaction:
            account = systems.create(transaction, f"shop-{secrets.token_hex(4)}")
            made = tokens.create(transaction, account.id, "test", tokens.SCOPES)
        self.name = account.name
        self.token_id: int = made["id"]
        self.headers = bearer(made["token"])

    def post(self, path: str, **data: Any) -> Any:
        answer = fetch(self.port, "POST", path, self.headers, data)
        assert answer.status == 202, answer
        return answer.json()

    def is_done(self, number: int) -> bool:
        said = fetch(self.port, "GET", f"/api/announcements/{number}", self.headers).json()
        is_done: bool = said["state"] == "done"
        return is_done


@pytest.fixture
def shop(workers: Workers) -> System:
    return System(workers)


def test_announcement_reaches_the_clients_of_all_workers_at_once(workers: Workers, three: Three, shop: System) -> None:
    three.alice.send(three.bob, "before")
    sockets = sockets_in_each(workers, three.bob)
    waiting = one_in_each(workers, three.carol, lambda: three.carol.long_poll(0, timeout=20))
    began = time.monotonic()
    number = shop.post("/api/announcements", title="News")["id"]
    for ws in sockets:
        said = ws.next()
        assert [(event["seq"], event["data"]["id"]) for event in said["events"]] == [(2, number)]
        assert said["badges"] == {**said["badges"], "messages": 1, "announcements": 1}
    for wire in waiting:
        said = wire.read_answer().json()
        assert [(event["seq"], event["data"]["title"]) for event in said["events"]] == [(1, "News")]
    assert time.monotonic() - began < AT_ONCE + 1
    wait_for(lambda: shop.is_done(number), "everyone to be told")
    for ws in sockets:
        assert is_quiet(ws)


def is_quiet(ws: WebSocket) -> bool:
    """Whether nothing comes before the answer to a ping."""
    ws.say("heartCheck")
    return ws.next()["type"] == "pong"


def test_client_that_lacks_something_is_given_that_first_and_all_of_it_once(
    workers: Workers, three: Three, shop: System
) -> None:
    for number in range(5):
        three.alice.send(three.bob, f"{number}")
    behind = [three.bob.websocket(1) for _ in range(8)]  # in both workers, most likely
    shop.post("/api/announcements", title="News")
    for ws in behind:
        ws.hello()
        assert [event["seq"] for event in ws.events(5)] == [2, 3, 4, 5, 6]


def test_notification_to_everyone_and_to_some_is_told_once_for_each_key(
    workers: Workers, three: Three, shop: System
) -> None:
    sockets = sockets_in_each(workers, three.bob)
    for _ in range(3):
        shop.post("/api/notifications", to="*", title="Sale", badge="sales", key="one")
        shop.post("/api/notifications", to=[three.bob.name, three.carol.name], title="Yours", key="two")
    for ws in sockets:
        events = list(ws.events(2))
        assert {event["data"]["title"] for event in events} == {"Sale", "Yours"}
        assert [event["seq"] for event in events] == [1, 2]
    assert badges(three.bob) == {"notifications": 2, "sales": 1}


def badges(who: Someone) -> dict[str, int]:
    return {name: count for name, count in who.get("/badges").json()["badges"].items() if count}
