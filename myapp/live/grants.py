"""By what clients are here: sessions and tokens, and what happens to clients when theirs ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .frames import CloseCode

if TYPE_CHECKING:
    from .clients import ParkedClient
    from .places import Place

#: The most clients whose session or token is looked after in one turn of the sweep.
MOST_DOUBTED = 500

#: `read_ended(grants)`: those of the sessions and tokens that are no more. It may switch greenlets, and may raise.
ReadEnded = Callable[[set[str]], set[str]]


class Grants:
    """Owned by the dispatcher. `dismiss(client, code)` sends a client away."""

    def __init__(self, read_ended: ReadEnded, dismiss: Callable[[ParkedClient, CloseCode], None]) -> None:
        self._read_ended = read_ended
        self._dismiss = dismiss
        #: what ended while its user was entering
        self._ended: dict[int, set[str]] = {}
        self._doubted: set[ParkedClient] = set()

    def end(self, place: Place, grant: str, is_entering: bool) -> None:
        """A session or token is no more: who waits by it is told so, and who is just entering by it when it parks."""
        if is_entering:
            self._ended.setdefault(place.user, set()).add(grant)
        for client in tuple(place.clients):
            if client.grant == grant:
                self._dismiss(client, CloseCode.NOT_SIGNED_IN)

    def has_ended(self, user: int, grant: str) -> bool:
        """Whether it ended while the user was entering."""
        return grant in self._ended.get(user, ())

    def entered(self, user: int) -> None:
        """Nobody enters as this user any more."""
        self._ended.pop(user, None)

    def doubt(self, client: ParkedClient) -> None:
        """Have `check` look whether the client's session or token still holds: it can end in another process."""
        self._doubted.add(client)

    def check(self) -> None:
        """Send away those in doubt whose session or token has ended; those of one user that end here are told at once.

        At most MOST_DOUBTED of them; the next call goes on.
        """
        doubted = [self._doubted.pop() for _ in range(min(MOST_DOUBTED, len(self._doubted)))]
        ended = self._read_ended({client.grant for client in doubted if client.place is not None}) if doubted else ()
        for client in doubted:
            if client.place is not None and client.grant in ended:
                self.end(client.place, client.grant, is_entering=False)
