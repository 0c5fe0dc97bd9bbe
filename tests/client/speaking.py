"""One face for Client and AsyncClient, so that one test asks the same of both."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from myapp_client import AsyncClient, AsyncFollow, AsyncTask, Client, Cursor, Event, Follow, Pace, Task

from ..support import PATIENCE

T = TypeVar("T")

#: Comes back soon.
QUICK = Pace(first=0.02, longest=0.2, answer=5.0, steady=1.0, without_websocket=0.5, without_websocket_most=1.0)


class Speakers:
    """Makes clients of a kind, `sync` or `async`; those of asyncio run in a loop of their own, in a thread."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._made: list[Speaker] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        if kind == "async":
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever)
            self._thread.start()

    def __call__(self, url: str, token: str, **options: Any) -> Speaker:
        speaker = Speaker(self, url, token, {"pace": QUICK, **options})
        self._made.append(speaker)
        return speaker

    def done(self, coroutine: Coroutine[Any, Any, T], patience: float | None = 3 * PATIENCE) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(patience)

    def close(self) -> None:
        for speaker in self._made:
            speaker.close()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


class Speaker:
    """A client; every method of it by its name."""

    def __init__(self, speakers: Speakers, url: str, token: str, options: dict[str, Any]) -> None:
        self.speakers = speakers
        self.client: Client | AsyncClient
        if speakers.kind == "sync":
            self.client = Client(url, token, **options)
        else:

            async def make() -> AsyncClient:
                return AsyncClient(url, token, **options)

            self.client = speakers.done(make())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)
        if self.speakers.kind == "sync":
            return method
        return lambda *args, **options: self.speakers.done(method(*args, **options))

    def follow(self, *args: Any, **options: Any) -> Following:
        if isinstance(self.client, Client):
            return Following(self.speakers, self.client.follow(*args, **options))
        return Following(self.speakers, self.client.follow(*args, **options))

    def task(self, *args: Any, **options: Any) -> Working:
        return Working(self.speakers, self.client.task(*args, **options))


class Working:
    """A task of either kind; `with` for either."""

    def __init__(self, speakers: Speakers, task: Task | AsyncTask) -> None:
        self.speakers = speakers
        self.task = task

    def __enter__(self) -> Self:
        if isinstance(self.task, Task):
            self.task.__enter__()
        else:
            self.speakers.done(self.task.__aenter__())
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(self.task, Task):
            self.task.__exit__(kind, error, trace)
        else:
            self.speakers.done(self.task.__aexit__(kind, error, trace))

    def progress(self, percent: float) -> None:
        if isinstance(self.task, Task):
            self.task.progress(percent)
            return

        async def say() -> None:
            self.task.progress(percent)

        self.speakers.done(say())

    def done(self, result_url: str | None = None) -> None:
        if isinstance(self.task, Task):
            self.task.done(result_url)
        else:
            self.speakers.done(self.task.done(result_url))

    def fail(self, why: str) -> None:
        if isinstance(self.task, Task):
            self.task.fail(why)
        else:
            self.speakers.done(self.task.fail(why))


class Following:
    """An iterator of either kind. A test that waits for an event that does not come ends by its timeout."""

    def __init__(self, speakers: Speakers, events: Follow | AsyncFollow) -> None:
        self.speakers = speakers
        self.events = events

    @property
    def cursor(self) -> Cursor:
        assert self.events.cursor is not None
        return self.events.cursor

    def begin(self) -> Cursor:
        if isinstance(self.events, Follow):
            return self.events.begin()
        return self.speakers.done(self.events.begin())

    def next(self) -> Event:
        if isinstance(self.events, Follow):
            return next(self.events)

        async def one() -> Event:
            async for event in self.events:  # type: ignore[union-attr]
                return event
            raise StopIteration

        return self.speakers.done(one())

    def take(self, count: int) -> list[Event]:
        return [self.next() for _ in range(count)]

    def bodies(self, count: int) -> list[str]:
        return [event.data["body"] for event in self.take(count)]

    def rest(self) -> list[Event]:
        """All until it ends."""
        if isinstance(self.events, Follow):
            return list(self.events)

        async def all_() -> list[Event]:
            return [event async for event in self.events]  # type: ignore[union-attr]

        return self.speakers.done(all_(), None)

    def close(self) -> None:
        if isinstance(self.events, Follow):
            self.events.close()
        else:
            self.speakers.done(self.events.close())
