"""The client for programs with asyncio."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

import httpx

from . import calls
from .address import Address
from .answers import Badges, Conversations, History, Me, Message, Notified, Ticket, User
from .asking import NO_ANSWER, unreachable
from .async_follow import AsyncFollow
from .async_task import AsyncTask
from .calls import Call
from .choosing import Transport
from .errors import ClientError, Closed
from .events import Reset, start_at
from .following import Following
from .pace import Pace
from .retrying import Patience
from .telling import Telling
from .tls import default_context

T = TypeVar("T")


class AsyncClient:
    """Speaks for a user or a system, whose token it has. Tasks of one event loop may share it.

    A request that meets a network failure, 429, 502, 503 or 504 is made again, at the server's `Retry-After`, for
    `patience` seconds in all, then the error is raised; a send carries a key, so it is one message however often it
    was made. `timeout` is for each step of one attempt (connecting, sending, waiting for the answer), which has no
    longer than is left of `patience`, but 1 s at least. Every method raises ClientError.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 10.0,
        patience: float = 30.0,
        ssl_context: ssl.SSLContext | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Connects to nothing yet. `ssl_context` is for authorities of one's own. Raises ValueError."""
        self._address = Address.of(url, token)
        self._timeout = timeout
        self._patience = patience
        self._ssl = ssl_context or default_context()
        self._pace = pace or Pace()
        self._lots = random.Random()
        self._http = self._new_http()
        self._follows: set[AsyncFollow] = set()
        self._closing = asyncio.Event()

    async def send(self, to: str, body: str, *, key: str | None = None) -> Message:
        """Send a message. The same `key` is the same message, for 7 days: with other content Conflict."""
        return await self._ask(calls.send(to, body, key))

    async def notify(
        self,
        to: str | Sequence[str],
        title: str,
        *,
        body: str | None = None,
        url: str | None = None,
        badge: str | None = None,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Notified:
        """With a system's token: notify a user, several, or all (`"*"`). `badge` is the name of the count to raise."""
        return await self._ask(calls.notify(to, title, body, url, badge, data, key))

    async def announce(
        self, title: str, *, body: str | None = None, url: str | None = None, key: str | None = None
    ) -> int:
        """With a system's token: announce something to everyone; its id."""
        return await self._ask(calls.announce(title, body, url, key))

    async def put_user(self, name: str, display_name: str | None = None) -> User:
        """With a system's token: make a user of this system, or give them another display name."""
        return await self._ask(calls.put_user(name, display_name))

    async def ticket(self, user: str) -> Ticket:
        """With a system's token: a ticket by which a user of this system may follow."""
        return await self._ask(calls.ticket(user))

    def task(
        self, to: str, title: str, *, kind: str | None = None, key: str | None = None, timeout: int = 60
    ) -> AsyncTask:
        """With a system's token, for `async with`: show a user a task that this program works on; see AsyncTask.

        It has failed when nothing was heard of it for `timeout` seconds, 10 at least. The same `key` for the same user
        goes on with the same task, for 7 days.
        """
        core = Telling(timeout, self._pace, self._lots)
        return AsyncTask(calls.make_task(to, title, kind, key, timeout), core, self._ask, self._attempt)

    async def me(self) -> Me:
        return await self._ask(calls.me())

    async def badges(self) -> Badges:
        return await self._ask(calls.badges())

    async def mark_seen(self, badges: Sequence[str], upto: int) -> Badges:
        """What these badges count is seen up to the event `upto`."""
        return await self._ask(calls.mark_seen(badges, upto))

    async def mark_read(self, with_: str, upto: int) -> Badges:
        """The messages with somebody are read up to the one with the id `upto`."""
        return await self._ask(calls.mark_read(with_, upto))

    async def conversations(self) -> Conversations:
        return await self._ask(calls.conversations())

    async def history(self, with_: str, before: int | None = None, limit: int = 50) -> History:
        """Messages with somebody, those with an id below `before`, newest first."""
        return await self._ask(calls.history(with_, before, limit))

    def follow(
        self,
        seq: int | None = None,
        *,
        epoch: str = "",
        transport: Transport = "auto",
        on_reset: Callable[[Reset], object] | None = None,
    ) -> AsyncFollow:
        """All events after `seq` (None: from now on), each once and in order, for ever, through whatever fails.

        `epoch` belongs to `seq`: give back both as `.cursor` had them. At a reset (see Reset) `on_reset` is called, in
        its place among the events, and awaited if it can be; following goes on by itself. The iterator raises
        NotSignedIn, Forbidden or ProtocolError when coming back is of no use. Raises ValueError.
        """
        start = start_at(seq, epoch)
        if self._closing.is_set():
            raise Closed()
        core = Following(start, transport, self._pace)
        follow = AsyncFollow(core, self._address, self._new_http(), self._ssl, on_reset, self._forget)
        self._follows.add(follow)
        return follow

    def _forget(self, follow: AsyncFollow) -> None:
        self._follows.discard(follow)

    def _new_http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(headers=self._address.headers, timeout=self._timeout, verify=self._ssl)

    async def _ask(self, call: Call[T]) -> T:
        patience = Patience(self._patience, self._pace, self._lots, time.monotonic())
        while True:
            if self._closing.is_set():
                raise Closed()
            try:
                return await self._attempt(call, patience.timeout(self._timeout, time.monotonic()))
            except ClientError as error:
                wait = patience.after(error, time.monotonic())
                if wait is None:
                    raise
            await self._sleep(wait)

    async def _attempt(self, call: Call[T], timeout: float) -> T:
        try:
            answer = await self._http.request(
                call.method, self._address.http(call.path), content=call.body, headers=call.headers, timeout=timeout
            )
        except (*NO_ANSWER, RuntimeError) as error:
            if self._closing.is_set():
                raise Closed() from None
            if isinstance(error, RuntimeError):
                raise
            raise unreachable(self._address.url, error) from error
        return call.result(answer.status_code, answer.headers, answer.content)

    async def _sleep(self, seconds: float) -> None:
        """Less where it is closed meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass

    async def close(self) -> None:
        """End all connections and every follower. Idempotent, by any task."""
        self._closing.set()
        for follow in list(self._follows):
            await follow.close()
        await self._http.aclose()

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
