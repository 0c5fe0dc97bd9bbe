"""How news travels between the workers."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import NamedTuple, Protocol

from .frames import Batch

#: Events of one user that are larger than this together are announced without their text; who wants them reads them.
#: What many get always has its text: who spreads it sees to it that it is not too much at once.
INLINE_BYTES = 8 * 1024

#: What a bus can be: it carries; it is about to; its server is away; nothing comes back through its server.
OK, STARTING, AWAY, DEAF = "ok", "starting", "away", "deaf"
STATES = (OK, STARTING, AWAY, DEAF)


class News(NamedTuple):
    """Something happened to `user`: events were appended (`batch`), or a session or token ended (`ended`).

    A batch without texts only says how far the inbox is. `at` is when it was committed, in seconds since 1970, `epoch`
    where its seqs count; empty where that is not known.
    """

    user: int
    batch: Batch | None
    ended: str = ""
    at: float = 0.0
    epoch: str = ""


class NewsOfMany(NamedTuple):
    """The same event was appended to many inboxes at once: those of the users of `rows`.

    A row is user, seq, and which of `badges` are the user's; `rest` is the event's text behind its seq. `at` and
    `epoch` are as in News.
    """

    rest: str
    rows: list[tuple[int, int, int]]
    badges: list[str]
    at: float = 0.0
    epoch: str = ""

    def of(self, user: int, seq: int, which: int) -> News:
        """The news of one row."""
        text = f'{{"seq":{seq},{self.rest}'
        return News(user, Batch((text,), seq, seq, seq, self.badges[which]), "", self.at, self.epoch)


class TopicNews(NamedTuple):
    """What is stored of the topic `key` has changed: `data`, a JSON object's text, is what stands there now.

    `version` is when it changed, in milliseconds since 1970, and always greater than the topic's one before.
    """

    key: str
    version: int
    data: str


#: What one subscribes to: a user by the id, a topic by its key.
Channel = int | str

DeliverAll = Callable[[NewsOfMany], None]
Deliver = Callable[[News], None]
Learn = Callable[[TopicNews], None]
#: `grants_ended(prefix)`: whatever was granted by what begins so is no more.
GrantsEnded = Callable[[str], None]
#: `overhear(worker, words)`: what another worker has said to all.
Overhear = Callable[[str, bytes], None]


def worker_name() -> str:
    """This process's name among all workers, on whatever host."""
    return f"{socket.gethostname()}:{os.getpid()}"


def ignore(*anything: object) -> None:
    """For those who do not listen."""


class Bus(Protocol):
    """Carries news to every worker that has a client of that user, or watchers of that topic.

    Its guarantee is *at most once*: news may be lost, doubled, late or out of order, and nobody may depend on it; the
    sweep compares all clients and topics with the database anyway. Whatever is said here never waits and never raises
    for a network's sake. `worker` is this worker's own name among all; `is_shared` says whether there can be others.
    """

    worker: str
    is_shared: bool

    @property
    def state(self) -> str:
        """One of STATES. While it is not OK, news may be missing, and the sweep looks more often."""

    @property
    def counts(self) -> dict[str, int]:
        """What happened so far, by name, for the figures."""

    def start(
        self,
        deliver: Deliver,
        overhear: Overhear = ignore,
        resumed: Callable[[], None] = ignore,
        deliver_all: DeliverAll = ignore,
        grants_ended: GrantsEnded = ignore,
        learn: Learn = ignore,
    ) -> None:
        """Begin to carry. None of these must wait.

        `deliver` is called for news of subscribed users, `learn` for that of subscribed topics; news of others may be
        delivered too: the receiver knows whom it asked for. `deliver_all` and `grants_ended` are called for all that
        any worker spreads and ends, `overhear` for what other workers broadcast, and `resumed` whenever the bus is OK
        after it was not: what was said meanwhile is missed.
        """

    def subscribe(self, *channels: Channel) -> None:
        """When this returns, news of these that is published from now on is delivered here, if the bus is OK.

        May wait for its server, a second at most.
        """

    def unsubscribe(self, *channels: Channel) -> None:
        """News of these is no longer wanted here."""

    def publish(self, news: News) -> None:
        """Pass it on to the subscribers."""

    def put(self, news: TopicNews) -> None:
        """Pass it on to those who subscribed to the topic."""

    def spread(self, news: NewsOfMany) -> None:
        """Pass it on to every worker."""

    def end_grants(self, prefix: str) -> None:
        """Tell every worker that whatever was granted by what begins so is no more."""

    def broadcast(self, words: bytes) -> None:
        """Say this to all other workers."""

    def close(self) -> None:
        """Carry nothing any more; what was published is still on its way. Calling it again does nothing."""
