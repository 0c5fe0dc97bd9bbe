"""Following an inbox, without I/O: bytes in, events out.

A driver asks `step()` what to do (steps.py), does it, and tells what came of it; events gather in order (gathering.py)
and are taken by `take()`. The rule that holds whatever fails: an event is taken only when it follows the one before,
what was had before is dropped, and where one is missing the connection is given up and made anew from the cursor.
Inputs raise ClientError where coming back would be of no use.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from .choosing import Choice, Transport
from .closing import Farewell, farewell
from .errors import ClientError, NotFound, ProtocolError, TooMany, Unavailable, error_of
from .events import Cursor, Event, Reset
from .gathering import Broken, Gathering, whole
from .listening import Socket
from .pace import Pace, backoff, rest
from .steps import Ask, HangUp, Open, Step, Wait

log = logging.getLogger("myapp_client")

HEAD, POLL = "/badges", "/messages/long-poll"
#: Failures in a row after which there is backoff besides the rest that the server asks for.
MANY_FAILURES = 4

#: The failure in a row that is told as a warning: those before it are everyday life, those after it the same.
TELL_AFTER = 3


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked last. An empty answer of a poll before `early_until` is one before its time."""

    what: Literal["head", "poll", "websocket"]
    early_until: float = 0.0


class Following:
    """One follower. `cursor` is where the taker stands (None until it is known), `badges` the newest counts by name.

    `cursor` None begins at the inbox's latest event.
    """

    def __init__(
        self, cursor: Cursor | None, transport: Transport = "auto", pace: Pace | None = None, seed: int | None = None
    ) -> None:
        self._gathering = Gathering(cursor)
        #: what the newest answer or frame came by, None after a failure
        self.transport: Literal["websocket", "long-poll"] | None = None
        self._pace = pace or Pace()
        self._lots = random.Random(seed)
        self._choice = Choice(transport, self._pace, self._lots)
        self._failures = 0
        self._rest_until = 0.0
        self._has_worked = False
        self._socket: Socket | None = None
        self._has_dropped = False
        self._asked = _Asked("head")

    # -- out

    @property
    def cursor(self) -> Cursor | None:
        return self._gathering.cursor

    @property
    def badges(self) -> dict[str, int]:
        return self._gathering.badges

    def take(self) -> Event | Reset | None:
        """The next item in order, None when there is none yet. The cursor moves with it."""
        return self._gathering.take()

    def peek(self) -> Event | Reset | None:
        """What `take` gives next; the cursor stays."""
        return self._gathering.peek()

    def step(self, now: float) -> Step:
        """What to do now. Times are those of any clock that only goes forward, in seconds."""
        if self._has_dropped:
            self._has_dropped = False
            return HangUp()
        if self._socket is not None:
            return self._socket.step(now)
        if now < self._rest_until:
            return Wait(self._rest_until - now)
        if self._gathering.received is None:
            self._asked = _Asked("head")
            return Ask(HEAD, self._pace.answer)
        stand = self._gathering.stand
        where = {"seq": stand.seq, "epoch": stand.epoch}
        left = self._choice.polls_for(now)
        if left is None:
            self._asked = _Asked("websocket")
            return Open("/ws?" + urlencode(where))
        wait = round(min(self._pace.poll, max(1.0, left)), 1)
        self._asked = _Asked("poll", early_until=now + min(1.0, wait / 2))
        return Ask(f"{POLL}?{urlencode({**where, 'timeout': wait})}", wait + self._pace.answer)

    # -- in: answers

    def answered(self, status: int, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """What came of Ask. Raises ClientError where asking again is of no use."""
        if status != 200:
            self._turned_away(error_of(status, headers, body), now)
            return
        try:
            said = json.loads(body)
            wait = self._take_head(said) if self._asked.what == "head" else self._take_poll(said, now)
        except Broken as error:
            self._lose_poll(str(error), now)
            return
        except (KeyError, TypeError, ValueError) as error:
            self._strange(f"An answer that is not the service's: {error!r}", now)
            return
        self._has_worked = True
        self._rest_until = now + wait

    def _take_head(self, said: Any) -> float:
        cursor = Cursor(whole(said["seq"]), str(said["epoch"]))
        self._gathering.begin(cursor)
        self._gathering.count(said["badges"], cursor.seq)
        self._failures = 0
        return 0.0

    def _take_poll(self, said: Any, now: float) -> float:
        """Take an answer of a long poll; the seconds to rest before the next."""
        epoch, latest, events = str(said["epoch"]), whole(said["latest"]), said["events"]
        if said["reset"]:
            self._gathering.reset(epoch, latest)
            self._gathering.count_anew(said["badges"], latest)
        else:
            self._gathering.add(events, epoch)
            self._gathering.count(said["badges"], latest)
        self.transport = "long-poll"
        wait = rest(float(said["next"])) or 0.0
        if not events and not said["reset"] and wait == 0 and now < self._asked.early_until:
            # answered before its time with nothing: the server is about to stop, so do not ask in a tight loop
            self._failures += 1
            return backoff(self._failures, self._pace, self._lots)
        self._failures = 0
        return wait

    def _turned_away(self, error: ClientError, now: float) -> None:
        """An answer that is none of 200. Raises it where coming back is of no use."""
        passes = isinstance(error, TooMany | Unavailable) or (error.status or 0) >= 500
        if not passes and not (self._has_worked and isinstance(error, NotFound | ProtocolError)):
            raise error
        self._lose_poll(str(error), now, error.retry_after)

    def _strange(self, why: str, now: float) -> None:
        if not self._has_worked:
            raise ProtocolError(f"{why}. Is the address that of the service?")
        self._lose_poll(why, now)

    def _lose_poll(self, why: str, now: float, retry_after: float | None = None) -> None:
        self._choice.poll_failed(now)
        self._fail(why, now, retry_after)

    def failed(self, why: str, now: float, *, was_reached: bool = True) -> None:
        """No answer came to Ask, or no handshake of Open. `was_reached`: somebody was there."""
        if self._asked.what != "websocket":
            self._choice.poll_failed(now)
        elif was_reached:
            self._choice.websocket_failed(now)
        self._fail(why, now)

    # -- in: WebSocket

    def opened(self, now: float) -> None:
        self._socket = Socket(self._gathering, self._pace, now)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """The handshake was answered with something else than 101. Raises ClientError where that is final."""
        error = error_of(status, headers, body)
        if status in (401, 422):
            raise error
        if self._choice.is_only("websocket"):
            self._turned_away(error, now)
        elif status in (500, 502, 504):  # as likely that nobody is there at all as that WebSockets are not
            self._choice.websocket_failed(now)
            self._fail(str(error), now)
        else:
            log.info("no WebSocket (%s), polling: %s", status, error)
            self._choice.websocket_refused(now, error.retry_after)

    def heard(self, text: str | bytes, now: float) -> None:
        """A frame came. Raises ProtocolError where this client is too old for the server."""
        if self._socket is None:
            return
        try:
            self._socket.heard(text, now)
        except Broken as error:
            self._drop(f"a frame that must not come: {error}", now)
            return
        if self._socket.is_greeted:
            self.transport, self._has_worked = "websocket", True

    def quiet(self, now: float) -> None:
        """Listen came to its end without a frame."""
        if self._socket is not None and self._socket.is_dead(now):
            self._drop("no answer in time", now)

    def closed(self, code: int | None, reason: str, now: float) -> None:
        """The WebSocket was closed by the server with `code`, or broke off (None). Raises ClientError where final."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        end = farewell(code, reason)
        if end.error is not None:
            raise end.error
        self._ended(socket, end, now)

    def _drop(self, why: str, now: float) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            self._has_dropped = True
            self._ended(socket, Farewell(why, is_rupture=True), now)

    def _ended(self, socket: Socket, end: Farewell, now: float) -> None:
        if socket.is_greeted and now - socket.opened_at >= self._pace.steady:
            self._failures = 0
            self._choice.websocket_works()
        if end.polls:
            self._choice.websocket_refused(now + (end.retry or 0.0), None)
        elif end.is_rupture:
            self._choice.websocket_failed(now)
        self._fail(end.why, now, end.retry, is_exact=True)

    def _fail(self, why: str, now: float, retry: float | None = None, *, is_exact: bool = False) -> None:
        """Come back after `retry`, which a close code draws by lot for each client, and `Retry-After` does not."""
        self.transport = None
        self._failures += 1
        wait, retry = 0.0, rest(retry)
        if retry is not None:
            wait = retry if is_exact else retry * self._lots.uniform(1.0, 1.25)
        if retry is None or self._failures > MANY_FAILURES:  # whoever says "at once" again and again has a mistake
            wait += backoff(self._failures, self._pace, self._lots)
        level = logging.WARNING if self._failures == TELL_AFTER else logging.INFO
        log.log(level, "trying again in %.1f s: %s", wait, why)
        self._rest_until = now + wait
