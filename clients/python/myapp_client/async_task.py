"""A task that a program with asyncio works on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Self

from .answers import TaskState
from .calls import Call, find_task
from .errors import ClientError, Conflict, TaskCancelled
from .telling import Telling, ending, log, reason

Ask = Callable[[Call[TaskState]], Awaitable[TaskState]]


class AsyncTask:
    """Something that takes a while, shown to a user: made where `async with` begins, done where it ends, failed where
    an exception leaves it, whose text is the reason.

    `progress` costs no time: a task of the loop tells it, at most four times a second, through whatever fails, and
    gives a sign of life where there is nothing to tell. A program that is killed is found missing within `timeout`
    seconds and five; so is one that lets the loop have no turn for so long.
    """

    def __init__(
        self,
        make: Call[TaskState],
        core: Telling,
        ask: Ask,
        attempt: Callable[[Call[TaskState], float], Awaitable[TaskState]],
    ) -> None:
        """`ask` makes a request until it succeeds or patience ends, `attempt` once; for AsyncClient.task."""
        #: where the user finds what it gave: a path below the application's root, or http(s); told at the end
        self.result_url: str | None = None
        self._make, self._core = make, core
        self._ask, self._attempt = ask, attempt
        self._is_needed = asyncio.Event()
        self._is_ending = False
        self._teller: asyncio.Task[None] | None = None

    @property
    def id(self) -> int:
        return self._core.number

    @property
    def is_cancelled(self) -> bool:
        """Whether the user has cancelled it, as far as it is known here."""
        return self._core.is_cancelled

    def progress(self, percent: float) -> None:
        """It is so far, of 100. Raises TaskCancelled, and ValueError; never for a server that is away."""
        if self._is_ending:
            return
        self._core.say(percent)
        self._is_needed.set()

    async def done(self, result_url: str | None = None) -> None:
        """It is done, before `async with` ends. Raises ClientError where that cannot be told, as that end does."""
        await self._end("done", result_url=result_url)

    async def fail(self, why: str = "") -> None:
        """It has failed, without an exception. Raises ClientError where that cannot be told."""
        await self._end("failed", error=reason(why) or None)

    async def _end(self, state: str, result_url: str | None = None, error: str | None = None) -> None:
        if self._is_ending:
            return
        call = self._core.end(state, result_url or self.result_url, error)
        self._stop()
        await self._told(lambda: self._ask(call))

    def _stop(self) -> None:
        self._is_ending = True
        if self._teller is not None:
            self._teller.cancel()

    async def _tell(self) -> None:
        while (wait := self._core.wait(time.monotonic())) is not None:
            if wait:
                await self._wait(wait)
                continue
            call, said = self._core.change()
            now = time.monotonic()
            try:
                await self._told(lambda: self._attempt(call, self._core.step))  # noqa: B023 - called at once
            except ClientError as error:
                if not self._is_ending:
                    self._core.failed(error, time.monotonic())
            else:
                self._core.answered(said, now)

    async def _wait(self, seconds: float) -> None:
        """Less where there is something to tell by then."""
        if self._core.has_news:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_needed.wait()
        self._is_needed.clear()

    async def _told(self, tell: Callable[[], Awaitable[TaskState]]) -> None:
        """Raises TaskCancelled where that is why it is refused."""
        try:
            await tell()
        except Conflict as error:
            raise self._core.refused(error, await self._ask(find_task(self.id))) from None

    async def __aenter__(self) -> Self:
        self._core.begin(await self._ask(self._make), time.monotonic())
        self._teller = asyncio.create_task(self._tell(), name="myapp-client-task")
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TaskCancelled) and self._core.is_cancelled:
            self._core.is_mute = True  # there is nothing to tell
            self._stop()
            return
        state, why = ending(error)
        try:
            await self._end(state, error=why)
        except ClientError as failure:
            if error is None:
                raise
            log.warning("task %d: that it is over cannot be told: %s", self.id, failure)
