"""Followers of both kinds where no server is needed: what has come is put into their core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from myapp_client import AsyncClient, Client, Cursor, Reset
from myapp_client.following import Following
from myapp_client.steps import Ask

from .puppet import events, hello, reset
from .speaking import Speakers

NOWHERE = "http://127.0.0.1:1"
BEFORE, BEHIND = Cursor(5, "e1"), Cursor(9, "e2")


@pytest.fixture
def loop() -> Iterator[Speakers]:
    """Runs coroutines."""
    speakers = Speakers("async")
    yield speakers
    speakers.close()


def give_reset(core: Following) -> None:
    """A reset and the event 10 behind it have come."""
    now = time.monotonic()
    core.opened(now)
    for frame in (hello(9, "e2"), reset(9, "e2"), events(10, epoch="e2")):
        core.heard(frame, now)


def test_a_reset_is_told_again_where_telling_failed() -> None:
    told: list[Reset] = []

    def load_anew(reset: Reset) -> None:
        told.append(reset)
        if len(told) == 1:
            raise OSError("no database")

    with Client(NOWHERE, "t") as client:
        following = client.follow(BEFORE.seq, epoch=BEFORE.epoch, on_reset=load_anew)
        give_reset(following._core)
        with pytest.raises(OSError, match="no database"):
            next(following)
        assert following.cursor == BEFORE
        assert next(following).seq == 10
    assert told == 2 * [Reset(BEHIND, BEFORE)]


def test_a_reset_is_told_again_where_telling_was_cancelled(loop: Speakers) -> None:
    told: list[Reset] = []

    async def follow() -> None:
        begun = asyncio.Event()

        async def load_anew(reset: Reset) -> None:
            told.append(reset)
            if len(told) == 1:
                begun.set()
                await asyncio.Event().wait()

        async with AsyncClient(NOWHERE, "t") as client:
            following = client.follow(BEFORE.seq, epoch=BEFORE.epoch, on_reset=load_anew)
            give_reset(following._core)
            taking = asyncio.ensure_future(anext(following))
            await begun.wait()
            taking.cancel()
            await asyncio.wait({taking})
            assert following.cursor == BEFORE
            assert (await anext(following)).seq == 10

    loop.done(follow())
    assert told == 2 * [Reset(BEHIND, BEFORE)]


def test_an_address_that_no_host_can_have_is_asked_again_like_one_that_is_away(loop: Speakers) -> None:
    async def follow() -> None:
        async with AsyncClient("http://1.2.3.999", "t") as client:
            following = client.follow()
            await following._do(Ask("/badges", 1.0))
            assert following._core._failures == 1

    loop.done(follow())
    with Client("http://1.2.3.999", "t") as client:
        following = client.follow()
        following._do(Ask("/badges", 1.0))
        assert following._core._failures == 1
