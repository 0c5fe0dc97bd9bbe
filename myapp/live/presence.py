"""Who is online: whoever has a client that waits here, and for some seconds after the last one went."""

from __future__ import annotations

from collections.abc import Callable

from .topics import state_data

#: Seconds for which someone without a client is still online: a page that is loaded anew is no absence.
GRACE = 5.0

ONLINE, OFFLINE = "online", "offline"


class Presence:
    """Owned by the dispatcher, which says who comes and goes. `put(key, data)` is told of each change."""

    def __init__(self, is_here: Callable[[int], bool], put: Callable[[str, str], None]) -> None:
        self._is_here = is_here
        self._put = put
        #: who went, and when; the earliest first
        self._leaving: dict[int, float] = {}

    def state(self, user: int) -> str:
        return ONLINE if self._is_here(user) or user in self._leaving else OFFLINE

    def data(self, user: str) -> str:
        """What is current of the topic `presence:<user>`."""
        return state_data(self.state(int(user)))

    def arrived(self, user: int) -> None:
        """The user's first client waits here."""
        if self._leaving.pop(user, None) is None:
            self._changed(user, ONLINE)

    def left(self, user: int, now: float) -> None:
        """The user's last client went."""
        self._leaving[user] = now

    def expire(self, now: float) -> None:
        """Those whose seconds of grace are over are offline."""
        while self._leaving:
            user, since = next(iter(self._leaving.items()))
            if now - since < GRACE:
                return
            del self._leaving[user]
            self._changed(user, OFFLINE)

    def _changed(self, user: int, state: str) -> None:
        self._put(f"presence:{user}", state_data(state))
