"""How news travels between the workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from .frames import Batch

#: Events larger than this together are announced without their text; who wants them reads them.
INLINE_BYTES = 8 * 1024


class News(NamedTuple):
    """Something happened to `user`: events were appended (`batch`), or a session or token ended (`ended`).

    A batch without texts only says how far the inbox is.
    """

    user: int
    batch: Batch | None
    ended: str = ""


Deliver = Callable[[News], None]


class Bus(Protocol):
    """Carries news to every worker that has a client of that user.

    Its guarantee is *at most once*: news may be lost, doubled, late or out of order, and nobody may depend on it; the
    sweep compares all clients with the database anyway. `publish` never waits and never raises for a network's sake.
    """

    def start(self, deliver: Deliver) -> None:
        """Begin to carry: `deliver` is called for news of subscribed users, and must not wait.

        News of others may be delivered too: the receiver knows whom it asked for.
        """

    def subscribe(self, user: int) -> None:
        """When this returns, news of `user` published from now on is delivered here."""

    def unsubscribe(self, user: int) -> None:
        """News of `user` is no longer wanted here."""

    def publish(self, news: News) -> None:
        """Pass it on to the subscribers."""

    def close(self) -> None:
        """Carry nothing any more. Calling it again does nothing."""
