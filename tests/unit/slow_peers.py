"""A made-up world whose clients read slowly, over unix sockets and TCP (see slow_readers.py)."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent

from myapp.live import takeover
from myapp.live.bus import News
from myapp.live.clients import ParkedClient
from myapp.live.frames import Batch
from myapp.live.long_poll import LongPollClient
from myapp.live.stream import COMMENT_EVERY, StreamClient
from myapp.live.websocket import QUIET, TellingClient, WebSocketClient

from .parking import HEAD, USER, ReadPage, World, badges, open_descriptors, until
from .slow_readers import LongPollPeer, Peer, StreamPeer, WebSocketPeer

#: Bytes of an event that no socket here takes at once.
LARGE = 400_000
#: What a body is made of: characters of one to four bytes, so that a cut falls into most of them.
LETTERS = "aé€😀" * 64


def event_text(seq: int, size: int) -> str:
    """An event's JSON of about `size` bytes, another one for each seq."""
    turn = seq % 61
    body = LETTERS[turn : turn + 64] * (size // 160 + 1)
    while len(body.encode()) > size:
        body = body[: len(body) * size // len(body.encode())]
    return f'{{"seq":{seq},"kind":"message","data":{json.dumps({"n": seq, "body": body}, ensure_ascii=False)}}}'


def store(world: World, count: int = 1, size: int = 10, user: int = USER) -> Batch:
    """As `World.store`, with events that have a kind, and bodies that differ."""
    texts = world.inboxes[user]
    first = len(texts) + 1
    texts.extend(event_text(seq, size) for seq in range(first, first + count))
    return Batch(tuple(texts[first - 1 :]), first, len(texts), len(texts), badges(len(texts)))


def post(world: World, count: int = 1, size: int = 10, user: int = USER, *, is_inline: bool = True) -> None:
    """Events that are stored and told of; large ones are not carried by the news."""
    batch = store(world, count, size, user)
    world.bus.publish(News(user, batch if is_inline else batch._replace(texts=())))


def turn(count: int = 1) -> None:
    """Let the loop turn exactly so often: look at all sockets once, and call whoever is ready.

    gevent.sleep(0) alone does not: up to a thousand of them, or 5 ms, pass within one turn.
    """
    for _ in range(count):
        gevent.idle(2)  # it comes back after the look, before anybody is called
        gevent.sleep(0)


TRANSPORTS: dict[str, tuple[type[ParkedClient], type[Peer]]] = {
    "websocket": (WebSocketClient, WebSocketPeer),
    "push-new": (TellingClient, WebSocketPeer),
    "stream": (StreamClient, StreamPeer),
    "long-poll": (LongPollClient, LongPollPeer),
}


class SlowWorld(World):
    """A world whose clients can be of any transport, on a unix socket or on TCP, as the servers hand them over."""

    def park(
        self,
        transport: str,
        user: int = USER,
        cursor: int | None = None,
        *,
        over: str = "tcp",
        window: int = 4096,
        grant: str = "session:1",
        timeout: float = 25.0,
        kind: type[ParkedClient] | None = None,
        first: bytes = b"",
    ) -> Any:
        """A client that stands at `cursor` (default: where its inbox does) and was given `first` by the view.

        `window` is the size of its buffers.
        """
        latest = len(self.inboxes[user])
        stands = latest if cursor is None else cursor
        fd, theirs = (tcp_pair if over == "tcp" else unix_pair)(window)
        client_kind, peer_kind = TRANSPORTS[transport]
        options: dict[str, Any] = {}
        check_in = {"stream": COMMENT_EVERY, "long-poll": timeout}.get(transport, QUIET)
        check_at = self.clock.now + check_in
        if transport == "long-poll":
            options = {
                "head": HEAD,
                "deadline": check_at,
                "address": "127.0.0.1",
                "started": 1.0,
                "request_id": "request-1",
            }
        place = self.dispatcher.enter(user)
        try:
            client = (kind or client_kind)(self.dispatcher, place, fd, grant, stands, self.epoch, **options)
            peer: Any = peer_kind(client, theirs)
            self.peers.append(peer)
            if first:
                client.send(first)
            self.dispatcher.park(client, ReadPage(self.epoch, [], stands, latest, badges(latest), False), check_at)
        except OSError:
            theirs.close()
            raise
        finally:
            self.dispatcher.exit(user)
        return peer

    def turns(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass, as the sweep sees it."""
        end = self.clock.now + seconds
        while self.clock.now < end - 1e-6:
            self.clock.now = min(end, self.clock.now + step)
            self.dispatcher._sweep.turn()
            turn()

    def expected(self, after: int = 0, user: int = USER) -> list[Any]:
        """What a client that stood at `after` must have been given by now."""
        return [json.loads(text) for text in self.inboxes[user][after:]]


def unix_pair(buffers: int) -> tuple[int, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours.detach(), theirs


class Handler:
    """What the server leaves in the WSGI environ."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def take(self) -> takeover.Taken:
        return takeover.Taken(os.dup(self.sock.fileno()), b"")


def tcp_pair(window: int) -> tuple[int, socket.socket]:
    """A connection over which at most `window` bytes are on their way; ours has the options of a socket taken over."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.socket()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        theirs.connect(listener.getsockname())
        theirs.setblocking(False)
        with listener.accept()[0] as ours:
            return takeover.take({takeover.KEY: Handler(ours)}).fd, theirs


def odd_sizes(seed: int, most: int) -> Callable[[], int]:
    """Sizes of reads: mostly odd ones up to `most`, at times a single byte, at times none."""
    lots = random.Random(seed)
    return lambda: lots.choice((0, 1, 7, lots.randint(1, most) | 1, lots.randint(1, most) | 1))


def held(client: ParkedClient) -> int:
    """Bytes that are kept for the client, those that are out of what is half written included."""
    rest = client.rest
    return len(rest.obj) if isinstance(rest, memoryview) else len(rest)  # type: ignore[arg-type]  # a view of bytes


@contextmanager
def a_world(failures: int | None = 0) -> Iterator[SlowWorld]:
    """A world that in the end has no descriptor open, and in which so many callbacks failed (None: the test looks)."""
    world = SlowWorld()
    world.dispatcher.start()
    world.dispatcher._sweep._greenlet.kill()  # it turns when a test says so, and not in between as well
    inside = open_descriptors()
    try:
        yield world
    finally:
        world.close()
    assert failures in (None, world.dispatcher.counts["callback_failures"])
    assert open_descriptors() <= inside  # gevent keeps a few of its own


def make_slow(world: SlowWorld, transport: str, *, user: int = USER, over: str = "tcp") -> Peer:
    """A client whose socket is full from now on."""
    peer: Peer = world.park(transport, user=user, over=over)
    fill(world, peer, user=user)
    return peer


def fill(world: SlowWorld, peer: Peer, *, user: int = USER) -> None:
    """Post until the peer's socket is full."""
    for _ in range(9999):
        post(world, size=LARGE, user=user)
        turn(2)
        if peer.client.rest:
            return
    raise AssertionError("its socket takes everything")


def read_to_the_end(peer: Peer) -> None:
    until(lambda: peer.drain() == 0 and peer.is_ended, "the end of the connection")
