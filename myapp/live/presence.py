"""Who is online: whoever has a client that waits here, or in another worker, and for some seconds after the last went.

What other workers say of their own is kept by `peers`; here it is put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from .topic import state_data

#: Seconds for which someone without a client is still online: a page that is loaded anew is no absence.
GRACE = 5.0
#: Of a worker that is gone, so many users are looked at in one turn of the sweep.
MOST_LOST = 1000

ONLINE, OFFLINE = "online", "offline"

#: `tell(user, is_online)`: what this worker has to say to the others of its own users.
Tell = Callable[[int, bool], None]


def tell_nobody(user: int, is_online: bool) -> None:
    """For a worker that is alone."""


class Presence:
    """Owned by the dispatcher, which says who comes and goes. `put(key, data)` is told of each change."""

    def __init__(self, is_here: Callable[[int], bool], put: Callable[[str, str], None]) -> None:
        self.tell: Tell = tell_nobody
        self._is_here = is_here
        self._put = put
        #: who went, and when; the earliest first
        self._leaving: dict[int, float] = {}
        #: who is online in other workers, by worker
        self._elsewhere: dict[str, set[int]] = {}
        #: users of workers that are gone, still to be looked at
        self._lost: set[int] = set()

    def state(self, user: int) -> str:
        return ONLINE if self._is_ours(user) or self._is_theirs(user) else OFFLINE

    def data(self, user: str) -> str:
        """What is current of the topic `presence:<user>`."""
        return state_data(self.state(int(user)))

    def online_elsewhere(self) -> Iterator[int]:
        """Users who are online in other workers; one may come more than once."""
        return chain.from_iterable(self._elsewhere.values())

    def arrived(self, user: int) -> None:
        """The user's first client waits here."""
        if self._leaving.pop(user, None) is None:
            self.tell(user, True)
            if not self._is_theirs(user):
                self._changed(user, ONLINE)

    def left(self, user: int, now: float) -> None:
        """The user's last client went."""
        self._leaving[user] = now

    def expire(self, now: float) -> None:
        """Those whose seconds of grace are over are offline."""
        while self._leaving:
            user, since = next(iter(self._leaving.items()))
            if now - since < GRACE:
                break
            del self._leaving[user]
            self.tell(user, False)
            if not self._is_theirs(user):
                self._changed(user, OFFLINE)
        for user in [self._lost.pop() for _ in range(min(MOST_LOST, len(self._lost)))]:
            if self.state(user) == OFFLINE:
                self._changed(user, OFFLINE)

    def ours(self, users: Iterable[int]) -> list[int]:
        """Those of the users who are online by this worker, and whoever is in their seconds of grace."""
        return [*(user for user in users if self._is_here(user) and user not in self._leaving), *self._leaving]

    # -- what other workers say

    def they_have(self, worker: str, users: Iterable[int]) -> None:
        """These are online there."""
        theirs = self._elsewhere.setdefault(worker, set())
        for user in users:
            if user in theirs:
                continue
            was_online = self.state(user) == ONLINE
            theirs.add(user)
            if not was_online:
                self._changed(user, ONLINE)

    def they_lost(self, worker: str, users: Iterable[int]) -> None:
        """These no longer are."""
        theirs = self._elsewhere.get(worker, set())
        for user in users:
            if user in theirs:
                theirs.remove(user)
                if self.state(user) == OFFLINE:
                    self._changed(user, OFFLINE)

    def they_only_have(self, worker: str, users: set[int]) -> None:
        """These and no others are online there."""
        self.they_have(worker, users)
        self.they_lost(worker, self._elsewhere.get(worker, set()) - users)

    def worker_is_gone(self, worker: str) -> None:
        """Nobody is online there any more; watchers are told within the next turns."""
        self._lost |= self._elsewhere.pop(worker, set())

    def _is_ours(self, user: int) -> bool:
        return self._is_here(user) or user in self._leaving

    def _is_theirs(self, user: int) -> bool:
        return any(user in theirs for theirs in self._elsewhere.values())

    def _changed(self, user: int, state: str) -> None:
        self._put(f"presence:{user}", state_data(state))
