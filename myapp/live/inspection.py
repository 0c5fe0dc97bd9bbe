"""What one worker says of itself when it is asked: for `flask live`, over the bus and across hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent

from .clients import BEHIND, CATCHING_UP, CURRENT

if TYPE_CHECKING:
    from .dispatcher import Dispatcher

STATES = {CURRENT: "current", CATCHING_UP: "catching up", BEHIND: "behind"}


class Inspection:
    """Answers questions about the dispatcher, by name. An answer is made of what JSON has."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._answers: dict[str, Callable[[Any], Any]] = {"who": self.who, "stats": self.stats, "drain": self.drain}

    def __call__(self, question: str, argument: Any) -> Any:
        """Raises KeyError for a question that nobody knows."""
        return self._answers[question](argument)

    def who(self, user: int) -> list[dict[str, Any]]:
        """A user's clients here, the one that has waited longest first."""
        return [
            {
                "transport": client.transport,
                "address": client.address,
                "grant": client.grant,
                "seq": client.cursor,
                "state": STATES.get(client.state, "closing"),
            }
            for client in self._dispatcher.of_user(user)
        ]

    def stats(self, _argument: Any = None) -> dict[str, Any]:
        """How many wait here, and how it goes."""
        dispatcher = self._dispatcher
        return {
            "clients": {name: count for name, count in sorted(dispatcher.parked.items()) if count},
            "users": dispatcher.users,
            "bus": dispatcher.bus_state,
            "draining": dispatcher.is_draining,
            "lag_ms": round(dispatcher.lag * 1000, 1),
            **{
                name: dispatcher.counts[name] for name in ("delivered", "catch_ups", "sweep_finds", "callback_failures")
            },
        }

    def drain(self, wish: dict[str, Any]) -> dict[str, Any] | None:
        """Begin to send everybody away within `seconds`, where this worker is of that `host`, or none is named."""
        dispatcher = self._dispatcher
        if wish["host"] not in ("", dispatcher.worker.rpartition(":")[0]):
            return None
        clients = dispatcher.parked.total()
        gevent.spawn(dispatcher.drain, seconds=wish["seconds"])
        return {"clients": clients, "seconds": wish["seconds"]}
