"""Following, for programs with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .address import Address
from .asking import NO_ANSWER
from .errors import Closed
from .events import Cursor, Event, Reset
from .following import Following
from .handshakes import CANNOT_OPEN, Refused, end_of, options, tell_why_not
from .steps import Ask, HangUp, Listen, Open, Say, Step, Wait

#: The least that is waited for a frame, in seconds: so that one that has come is seen.
GLANCE = 0.001


class Connection(ClientConnection):
    """A WebSocket that follows no redirect."""

    async def handshake(self, *args: Any, **more: Any) -> None:
        try:
            await super().handshake(*args, **more)
        except InvalidStatus as refusal:
            raise Refused(refusal) from refusal


class AsyncFollow(AsyncIterator[Event]):
    """An iterator of events, each once and in order, for ever; made by `AsyncClient.follow`.

    One task takes events; being cancelled while it waits for one (as by `asyncio.timeout`) loses nothing, and
    following can go on; an `on_reset` that was cancelled is called again. `close()` may be called by any task: the
    iteration then ends at once. Memory is bounded: at most 16 frames, of 64 KB or one event, are read ahead.
    """

    def __init__(
        self,
        core: Following,
        address: Address,
        http: httpx.AsyncClient,
        ssl_context: ssl.SSLContext,
        on_reset: Callable[[Reset], object] | None,
        on_close: Callable[[AsyncFollow], object],
    ) -> None:
        self._core = core
        self._address = address
        self._http = http
        self._ssl = ssl_context
        self._on_reset = on_reset
        self._on_close = on_close
        self._is_closed = False
        self._ws: ClientConnection | None = None
        self._moving: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> Cursor | None:
        """Behind the event that was taken last: store it when the event is done with. None until the start is known."""
        return self._core.cursor

    @property
    def badges(self) -> Mapping[str, int]:
        """The newest counts by name, which may be ahead of the events taken so far."""
        return self._core.badges

    @property
    def transport(self) -> str | None:
        """`websocket` or `long-poll`, None while there is no connection."""
        return None if self._is_closed else self._core.transport

    async def begin(self) -> Cursor:
        """Where following begins: waits until that is known. Raises Closed."""
        while self._core.cursor is None:
            if self._is_closed:
                raise Closed("The follower was closed before it had begun.")
            await self._move()
        return self._core.cursor

    async def __anext__(self) -> Event:
        while not self._is_closed:
            item = self._core.peek()
            if item is None:
                await self._move()
                continue
            if isinstance(item, Reset) and self._on_reset is not None:
                said = self._on_reset(item)
                if inspect.isawaitable(said):
                    await said
            self._core.take()  # when it is done: where on_reset fails or is cancelled, it is called again
            if isinstance(item, Event):
                return item
        raise StopAsyncIteration

    async def _move(self) -> None:
        """One step of the core's, in a task of its own, which goes on when who waits for it is cancelled.

        Raises ClientError, and then is closed.
        """
        if self._moving is None:
            self._moving = asyncio.create_task(self._do(self._core.step(time.monotonic())))
        moving = self._moving
        await asyncio.wait({moving})
        if self._moving is moving:
            self._moving = None
        error = None if moving.cancelled() else moving.exception()
        if error is not None and not self._is_closed:
            await self.close()
            raise error

    async def _do(self, step: Step) -> None:
        match step:
            case Wait():
                await asyncio.sleep(step.seconds)
            case Ask():
                await self._ask(step)
            case Open():
                await self._open(step)
            case Listen():
                await self._listen(step)
            case Say():
                await self._say(step)
            case HangUp():
                await self._hang_up()

    async def _ask(self, step: Ask) -> None:
        timeout = httpx.Timeout(10.0, read=step.seconds)
        try:
            answer = await self._http.get(self._address.http(step.path), timeout=timeout)
        except NO_ANSWER as error:
            self._core.failed(f"no answer: {error or type(error).__name__}", time.monotonic())
            return
        self._core.answered(answer.status_code, answer.headers, answer.content, time.monotonic())

    async def _open(self, step: Open) -> None:
        url = self._address.websocket(step.path)
        try:
            own = options(self._ssl, url, self._address.headers)
            self._ws = await connect(url, create_connection=Connection, **own)
        except CANNOT_OPEN as error:
            tell_why_not(self._core, error, time.monotonic())
            return
        self._core.opened(time.monotonic())

    async def _listen(self, step: Listen) -> None:
        assert self._ws is not None
        try:
            async with asyncio.timeout(max(GLANCE, step.seconds)):
                text = await self._ws.recv()
        except TimeoutError:
            self._core.quiet(time.monotonic())
        except ConnectionClosed as error:
            await self._hang_up()
            self._core.closed(*end_of(error), time.monotonic())
        else:
            self._core.heard(text, time.monotonic())

    async def _say(self, step: Say) -> None:
        assert self._ws is not None
        # frames that came before its end are still to be heard, and so is why it ended
        with contextlib.suppress(ConnectionClosed):
            await self._ws.send(step.text)

    async def _hang_up(self) -> None:
        ws, self._ws = self._ws, None
        if ws is not None:
            ws.transport.abort()  # where it does not answer, the Close frames are not waited for
            await ws.wait_closed()

    async def close(self) -> None:
        """End following and its connections. Idempotent, by any task."""
        self._is_closed = True
        moving, self._moving = self._moving, None
        if moving is not None:
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.close()
        await self._http.aclose()
        self._on_close(self)

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
