"""The Python client through a chain reload: followers of all kinds, by threads and asyncio, while messages are sent."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest

from myapp_client import AsyncClient, Client, Event

from ..client.speaking import QUICK
from ..support import wait_for
from .conftest import Workers

PEOPLE, TRANSPORTS = 2, ("auto", "long-poll")
#: Seconds between two messages: what they and those who follow cost delays the reload.
BETWEEN = 0.05


@pytest.fixture
def names() -> list[str]:
    mark = random.randrange(10**9)
    return [f"c{mark}-{number}" for number in range(PEOPLE)]


class Writer:
    """Sends from each to each in turn until it is told to stop; every send must succeed."""

    def __init__(self, url: str, names: list[str], tokens: list[str]) -> None:
        self.sent: dict[str, list[int]] = {name: [] for name in names}
        self.error: BaseException | None = None
        self._clients = [Client(url, token, pace=QUICK) for token in tokens]
        self._names = names
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        try:
            while not self._stop.wait(BETWEEN):
                at, to = number % PEOPLE, (number + 1) % PEOPLE
                message = self._clients[at].send(self._names[to], str(number))
                for name in (self._names[at], self._names[to]):
                    self.sent[name].append(message.id)
                number += 1
        except BaseException as error:
            self.error = error

    def stop(self) -> dict[str, list[int]]:
        """The ids of the messages that each person must have been given."""
        self._stop.set()
        self._thread.join(60)
        for client in self._clients:
            client.close()
        if self.error is not None:
            raise self.error
        return self.sent


class SyncFollower(threading.Thread):
    def __init__(self, url: str, token: str, transport: str) -> None:
        super().__init__()
        self.client = Client(url, token, pace=QUICK)
        self.events: list[Event] = []
        self.follow = self.client.follow(0, transport=transport)  # type: ignore[arg-type]
        self.start()

    def run(self) -> None:
        for event in self.follow:
            self.events.append(event)

    def end(self) -> None:
        self.client.close()
        self.join(60)


class AsyncFollowers(threading.Thread):
    """Each of them by each transport, in one loop."""

    def __init__(self, url: str, tokens: list[str]) -> None:
        super().__init__()
        self.url, self.tokens = url, tokens * len(TRANSPORTS)
        self.events: list[list[Event]] = [[] for _ in self.tokens]
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self.start()

    def run(self) -> None:
        self._loop.run_until_complete(self._all())
        self._loop.close()

    async def _all(self) -> None:
        clients = [AsyncClient(self.url, token, pace=QUICK) for token in self.tokens]
        async with asyncio.TaskGroup() as group:
            for at, client in enumerate(clients):
                group.create_task(self._one(at, client))
            await self._ending.wait()
            for client in clients:
                await client.close()

    async def _one(self, at: int, client: AsyncClient) -> None:
        transport = TRANSPORTS[at // PEOPLE]
        async for event in client.follow(0, transport=transport):  # type: ignore[arg-type]
            self.events[at].append(event)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self.join(60)


def test_a_chain_reload_costs_followers_no_event_and_fails_no_send(workers: Workers, names: list[str]) -> None:
    workers.people.add(*names)
    tokens = workers.people.tokens(*names)
    followers = [SyncFollower(workers.url, token, transport) for transport in TRANSPORTS for token in tokens]
    asyncs = AsyncFollowers(workers.url, tokens)
    writer = Writer(workers.url, names, tokens)
    workers.reload()
    sent = writer.stop()
    all_heard = [*(each.events for each in followers), *asyncs.events]
    heard = [(names[at % PEOPLE], events) for at, events in enumerate(all_heard)]
    for name, events in heard:
        wait_for(lambda e=events, n=name: len(e) >= len(sent[n]), f"all events of {name}")  # type: ignore[misc]
    for each in followers:
        each.end()
    asyncs.end()
    for name, events in heard:
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [event.data["id"] for event in events if event.kind == "message"] == sent[name]
    assert all(len(ids) > 20 for ids in sent.values())
