"""An open WebSocket: its `hello`, its frames, its heartbeats. No I/O."""

from __future__ import annotations

import json
import logging
from typing import Any

from .errors import ProtocolError
from .gathering import Broken, Gathering, whole
from .pace import Pace
from .steps import Listen, Say

log = logging.getLogger("myapp_client")

PROTOCOL = 1


class Socket:
    """One WebSocket, from its handshake on. What comes by it goes to `gathering`."""

    def __init__(self, gathering: Gathering, pace: Pace, now: float) -> None:
        self.opened_at = now
        self._gathering = gathering
        self._pace = pace
        #: None before `hello`
        self._epoch: str | None = None
        #: when something must have come
        self._answer_due: float | None = now + pace.answer
        self._heartbeat = self._next_ping = 0.0
        #: seq at which a pong said that there is more, though nothing more had come
        self._stuck_at: int | None = None

    @property
    def is_greeted(self) -> bool:
        return self._epoch is not None

    def step(self, now: float) -> Say | Listen:
        if self._answer_due is None and now >= self._next_ping:
            self._next_ping = now + self._heartbeat
            self._answer_due = now + self._pace.answer
            cursor = self._gathering.cursor
            return Say(json.dumps({"type": "ping", "seq": cursor.seq if cursor else 0}))
        due = self._next_ping if self._answer_due is None else self._answer_due
        return Listen(max(0.0, due - now))

    def is_dead(self, now: float) -> bool:
        """Whether nothing has come though it had to."""
        return self._answer_due is not None and now >= self._answer_due

    def heard(self, text: str | bytes, now: float) -> None:
        """A frame came. Raises Broken for one that must not come, ProtocolError for one of a newer protocol."""
        if self.is_greeted:
            self._answer_due = None
        try:
            said = json.loads(text)
            self._take(said["type"], said, now)
        except (KeyError, TypeError, ValueError) as error:
            raise Broken(repr(error)) from error

    def _take(self, kind: str, said: Any, now: float) -> None:
        if kind == "hello":
            self._take_hello(said, now)
        elif kind == "error":
            log.warning("the server says: %s", said["detail"])
        elif self._epoch is None:
            raise Broken(f"{kind} before hello")
        elif kind == "events":
            self._gathering.add(said["events"], self._epoch)
            self._gathering.count(said["badges"], whole(said["latest"]))
        elif kind == "reset":
            self._epoch = str(said["epoch"])
            self._gathering.reset(self._epoch, whole(said["latest"]))
        elif kind == "pong":
            self._compare(whole(said["latest"]))

    def _take_hello(self, said: Any, now: float) -> None:
        if said["protocol"] != PROTOCOL:
            raise ProtocolError(f"The server speaks protocol {said['protocol']}, this client {PROTOCOL}: update it.")
        self._heartbeat = max(0.1, float(said["heartbeat"]))
        self._epoch, self._answer_due = str(said["epoch"]), None
        self._next_ping = now + self._heartbeat
        if not self._gathering.stand.epoch:  # where it is another, reset comes next
            self._gathering.meet(self._epoch)
        self._gathering.count_anew(said["badges"], whole(said["latest"]))  # the newest, also those of a reset behind it

    def _compare(self, latest: int) -> None:
        """The server may be about to send what a pong says there is; a heartbeat later it must have come."""
        seq = self._gathering.stand.seq
        if latest > seq and self._stuck_at == seq:
            raise Broken(f"nothing after {seq} comes, though there is {latest}")
        self._stuck_at = seq if latest > seq else None
