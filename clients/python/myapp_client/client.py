"""The client for programs with threads."""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

import httpx

from . import calls
from .address import Address
from .answers import Badges, Conversations, History, Me, Message, Notified, Ticket, User
from .asking import NO_ANSWER, unreachable
from .calls import Call
from .choosing import Transport
from .errors import ClientError, Closed
from .events import Reset, start_at
from .following import Following
from .pace import Pace
from .retrying import Patience
from .sync_follow import Follow
from .sync_task import Task
from .telling import Telling
from .tls import default_context

T = TypeVar("T")


class Client:
    """Speaks for a user or a system, whose token it has. Threads may share it.

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
        self._follows: set[Follow] = set()
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def send(self, to: str, body: str, *, key: str | None = None) -> Message:
        """Send a message. The same `key` is the same message, for 7 days: with other content Conflict."""
        return self._ask(calls.send(to, body, key))

    def notify(
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
        return self._ask(calls.notify(to, title, body, url, badge, data, key))

    def announce(self, title: str, *, body: str | None = None, url: str | None = None, key: str | None = None) -> int:
        """With a system's token: announce something to everyone; its id."""
        return self._ask(calls.announce(title, body, url, key))

    def put_user(self, name: str, display_name: str | None = None) -> User:
        """With a system's token: make a user of this system, or give them another display name."""
        return self._ask(calls.put_user(name, display_name))

    def ticket(self, user: str) -> Ticket:
        """With a system's token: a ticket by which a user of this system may follow."""
        return self._ask(calls.ticket(user))

    def task(self, to: str, title: str, *, kind: str | None = None, key: str | None = None, timeout: int = 60) -> Task:
        """With a system's token, for `with`: show a user a task that this program works on; see Task.

        It has failed when nothing was heard of it for `timeout` seconds, 10 at least. The same `key` for the same user
        goes on with the same task, for 7 days.
        """
        core = Telling(timeout, self._pace, self._lots)
        return Task(calls.make_task(to, title, kind, key, timeout), core, self._ask, self._attempt)

    def me(self) -> Me:
        return self._ask(calls.me())

    def badges(self) -> Badges:
        return self._ask(calls.badges())

    def mark_seen(self, badges: Sequence[str], upto: int) -> Badges:
        """What these badges count is seen up to the event `upto`."""
        return self._ask(calls.mark_seen(badges, upto))

    def mark_read(self, with_: str, upto: int) -> Badges:
        """The messages with somebody are read up to the one with the id `upto`."""
        return self._ask(calls.mark_read(with_, upto))

    def conversations(self) -> Conversations:
        return self._ask(calls.conversations())

    def history(self, with_: str, before: int | None = None, limit: int = 50) -> History:
        """Messages with somebody, those with an id below `before`, newest first."""
        return self._ask(calls.history(with_, before, limit))

    def follow(
        self,
        seq: int | None = None,
        *,
        epoch: str = "",
        transport: Transport = "auto",
        on_reset: Callable[[Reset], object] | None = None,
    ) -> Follow:
        """All events after `seq` (None: from now on), each once and in order, for ever, through whatever fails.

        `epoch` belongs to `seq`: give back both as `.cursor` had them. At a reset (see Reset) `on_reset` is called, in
        its place among the events; following goes on by itself. The iterator raises NotSignedIn, Forbidden or
        ProtocolError when coming back is of no use. Raises ValueError.
        """
        start = start_at(seq, epoch)
        core = Following(start, transport, self._pace)
        follow = Follow(core, self._address, self._new_http(), self._ssl, on_reset, self._forget)
        with self._lock:
            self._follows.add(follow)
        if self._closing.is_set():
            follow.close()
            raise Closed()
        return follow

    def _forget(self, follow: Follow) -> None:
        with self._lock:
            self._follows.discard(follow)

    def _new_http(self) -> httpx.Client:
        return httpx.Client(headers=self._address.headers, timeout=self._timeout, verify=self._ssl)

    def _ask(self, call: Call[T]) -> T:
        patience = Patience(self._patience, self._pace, self._lots, time.monotonic())
        while True:
            if self._closing.is_set():
                raise Closed()
            try:
                return self._attempt(call, patience.timeout(self._timeout, time.monotonic()))
            except ClientError as error:
                wait = patience.after(error, time.monotonic())
                if wait is None:
                    raise
            self._closing.wait(wait)

    def _attempt(self, call: Call[T], timeout: float) -> T:
        try:
            answer = self._http.request(
                call.method, self._address.http(call.path), content=call.body, headers=call.headers, timeout=timeout
            )
        except (*NO_ANSWER, RuntimeError) as error:
            if self._closing.is_set():
                raise Closed() from None
            if isinstance(error, RuntimeError):
                raise
            raise unreachable(self._address.url, error) from error
        return call.result(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        """End all connections and every follower. Idempotent, by any thread."""
        self._closing.set()
        with self._lock:
            follows = list(self._follows)
        for follow in follows:
            follow.close()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
