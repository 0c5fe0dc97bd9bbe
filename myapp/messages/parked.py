"""Answers that wait: when Flask has finished their headers, their sockets are parked with them."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from flask import Response, g, request

from .. import inbox
from ..auth.service import Identity
from ..extensions import Parts, parts
from ..live import frames, takeover
from ..live.long_poll import LongPollClient
from ..live.places import Place
from ..live.stream import COMMENT_EVERY, StreamClient
from .watching import Watched

#: Seconds after which a poll asks again where it cannot wait and nothing is known to be there.
POLL_EVERY = 2.0
#: A stream that ends without a word is asked for again after so many seconds.
RETRY_LEAST, RETRY_MOST = 1.0, 3.0
#: Seconds after which the kernel gives up a stream whose client acknowledges nothing any more.
SILENT_STREAM = 75.0
STREAM_TYPE = "text/event-stream; charset=utf-8"


def poll_body(page: inbox.Page, wait: float, watched: Watched) -> bytes:
    snapshots = frames.snapshots(parts().dispatcher.topics.current(watched.watches))
    return frames.poll_body(page.epoch, frames.batch_of(page), page.reset, wait, snapshots, watched.refused)


class ParkedAnswer(Response, ABC):
    """An answer that waits: when Flask has finished its headers, the socket is parked with them."""

    is_parked = True
    has_own_head = True

    content_type_given: str

    def __init__(self, own: Parts, identity: Identity, place: Place, page: inbox.Page, watched: Watched) -> None:
        super().__init__(content_type=self.content_type_given)
        self._own = own
        self._identity = identity
        self._place = place
        self._page = page
        self._watched = watched
        self._address = request.remote_addr or "-"
        self._request_id = g.request_id

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = self.get_wsgi_headers(environ)
        try:
            taken = takeover.take(environ)
        except OSError:  # no descriptor is left: answer at once, and have the client come back later
            self._own.dispatcher.counts["refused_descriptors"] += 1
            self.set_data(self._instead())
            self.headers["X-Request-ID"] = self._request_id
            return super().__call__(environ, start_response)
        self._park(taken, _head(tuple(headers)))
        return takeover.nothing()

    @abstractmethod
    def _park(self, taken: takeover.Taken, head: bytes) -> None:
        """Wait on this socket; `head` is the answer's status line and headers, without the empty line."""

    @abstractmethod
    def _instead(self) -> bytes:
        """The body where nothing can be parked."""


class ParkedPoll(ParkedAnswer):
    """The answer to a long poll that waits."""

    content_type_given = "application/json"

    def __init__(
        self, own: Parts, identity: Identity, place: Place, page: inbox.Page, watched: Watched, timeout: float
    ) -> None:
        super().__init__(own, identity, place, page, watched)
        self._timeout = timeout
        self._started = g.started

    def _park(self, taken: takeover.Taken, head: bytes) -> None:
        client = LongPollClient(
            self._own.dispatcher,
            self._place,
            taken.fd,
            self._identity.grant,
            self._page.seq,
            self._page.epoch,
            head=head,
            deadline=time.monotonic() + self._timeout,
            address=self._address,
            started=self._started,
            request_id=self._request_id,
        )
        dispatcher, (watches, refused, have) = self._own.dispatcher, self._watched
        dispatcher.topics.watch(client, watches, refused)
        dispatcher.park(client, self._page, client.deadline)
        if have is not None:
            dispatcher.topics.returns.come_back(client, watches, have)

    def _instead(self) -> bytes:
        return poll_body(self._page, POLL_EVERY, self._watched)


class ParkedStream(ParkedAnswer):
    """The answer that is an event stream."""

    content_type_given = STREAM_TYPE
    is_parked = False  # for the access log: its line is written at once, as a WebSocket's is

    def __init__(self, own: Parts, identity: Identity, place: Place, page: inbox.Page, watched: Watched) -> None:
        super().__init__(own, identity, place, page, watched)
        self.headers["X-Accel-Buffering"] = "no"

    def _park(self, taken: takeover.Taken, head: bytes) -> None:
        dispatcher = self._own.dispatcher
        page = self._page
        takeover.watch_for_silence(taken.fd, SILENT_STREAM)
        client = StreamClient(
            dispatcher, self._place, taken.fd, self._identity.grant, page.seq, page.epoch, self._address
        )
        dispatcher.topics.watch(client, self._watched.watches)
        dispatcher.topics.came(client)
        own = f"Date: {dispatcher.http_date()}\r\nX-Request-ID: {self._request_id}\r\n\r\n"
        client.send(head + own.encode() + self._first(random.uniform(RETRY_LEAST, RETRY_MOST)))
        dispatcher.park(client, page, dispatcher.now + COMMENT_EVERY)

    def _first(self, retry: float) -> bytes:
        """How the stream begins: when to come back, and what is there already."""
        page = self._page
        first = [frames.stream_retry(retry)]
        if page.reset:
            first.append(frames.stream_reset(page.epoch, page.latest))
        elif page.events:
            first.append(frames.stream_events(frames.batch_of(page)))
        current = self._own.dispatcher.topics.current(self._watched.watches)
        first += [frames.stream_snapshot(*snapshot) for snapshot in current]
        first += [frames.stream_error(frames.refused_topic(topic)) for topic in self._watched.refused]
        return b"".join(first)

    def _instead(self) -> bytes:
        return self._first(POLL_EVERY)


@lru_cache(maxsize=256)
def _head(headers: tuple[tuple[str, str], ...]) -> bytes:
    """A parked answer's first lines; most clients share one."""
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "date", "connection")]
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in kept), "Connection: close", ""]
    return "\r\n".join(lines).encode("latin-1")
