"""Sending everybody away, evenly over some time, so that not all come back elsewhere at once."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import gevent

from .clients import failed
from .frames import CloseCode

if TYPE_CHECKING:
    from .clients import ParkedClient
    from .dispatcher import Dispatcher

#: Seconds between two who are sent away together with those whose time has come.
STEP = 0.05
#: Where all go at once, so many of them come back in a second; they are given a time for it.
RETURNS = 2000


def retry(spread: float) -> float:
    """After how many seconds one of many is to come back, so that not all do at once."""
    return 0.5 + random.random() * spread


def dismiss(client: ParkedClient, code: CloseCode, seconds: float | None = None) -> None:
    """Send one away, whatever happens."""
    try:
        client.dismiss(code, seconds)
    except Exception as error:  # safety net: the others must go too
        failed(client, error)


def send_away(dispatcher: Dispatcher, code: CloseCode, seconds: float) -> None:
    """Everybody who waits there is told `code`, one after the other in any order, the last one `seconds` from now.

    Who is still here is served meanwhile. Long polls are answered empty. Each is told when to come back: at once
    where there is time to go one by one, else at a time of its own.
    """
    clients = list(dispatcher.clients())
    random.shuffle(clients)  # not all of a user's at once
    spread = 0.5 if seconds else max(1.0, len(clients) / RETURNS)
    began = time.monotonic()
    for number, client in enumerate(clients):
        due = began + seconds * number / len(clients)
        while (left := due - time.monotonic()) > 0:
            gevent.sleep(max(left, STEP))
        if client.place is not None:  # it can have gone by itself
            dismiss(client, code, retry(spread))
