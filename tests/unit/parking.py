"""A dispatcher with made-up inboxes, and clients on real socket pairs, driven by gevent's loop in this process."""

from __future__ import annotations

import json
import os
import socket
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gevent
from gevent.event import Event as Gate

from myapp.live.bus import Channel, News
from myapp.live.clients import ParkedClient
from myapp.live.dispatcher import Dispatcher
from myapp.live.frames import Batch, Page
from myapp.live.limits import Limits
from myapp.live.long_poll import LongPollClient
from myapp.live.memory_bus import MemoryBus
from myapp.live.stream import StreamClient
from myapp.live.topics import Watch
from myapp.live.websocket import QUIET, TellingClient, WebSocketClient

from . import wire

USER = 7
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Own: yes\r\nConnection: close\r\n"


class Clock:
    """Monotonic seconds that only pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Event(NamedTuple):
    seq: int
    text: str


class ReadPage(NamedTuple):
    """What the made-up database reads."""

    epoch: str
    events: list[Event]
    seq: int
    latest: int
    badges: str
    reset: bool


def until(condition: Callable[[], Any], what: str = "", patience: float = 20.0) -> None:
    """Let the loop run until the condition holds."""
    with gevent.Timeout(patience, AssertionError(f"waited {patience:g} s: {what}")):
        while not condition():
            gevent.sleep(0.001)


def settle(seconds: float = 0.06) -> None:
    """Let everything happen that is going to: longer than the patience with a gap in the news."""
    gevent.sleep(seconds)


class NotedBus(MemoryBus):
    """A bus in memory that notes who is subscribed."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: set[Channel] = set()

    @property
    def users(self) -> set[int]:
        return {channel for channel in self.channels if isinstance(channel, int)}

    def subscribe(self, *channels: Channel) -> None:
        super().subscribe(*channels)
        self.channels.update(channels)

    def unsubscribe(self, *channels: Channel) -> None:
        super().unsubscribe(*channels)
        for channel in channels:
            self.channels.remove(channel)


class World:
    """Inboxes in memory, the dispatcher, and whoever is connected. Time stands still for deadlines and the sweep."""

    def __init__(self, max_clients: int = 1000) -> None:
        self.clock = Clock()
        self.bus = NotedBus()
        self.dispatcher = Dispatcher(
            self.bus,
            self._read,
            self._read_heads,
            limits=Limits(max_clients),
            http_date=lambda: "Fri, 20 Nov 2026 09:00:00 GMT",
            read_ended=lambda grants: grants & self.ended,
            resolve=self._resolve,
            read_stored=self._read_stored,
            clock=self.clock,
        )
        #: sessions and tokens that another process has ended
        self.ended: set[str] = set()
        self.epoch = "e1"
        self.inboxes: dict[int, list[str]] = defaultdict(list)
        self.reads: list[tuple[int, int]] = []
        #: a read waits here before it looks (`gate`), and before it answers (`answer_gate`)
        self.gate = Gate()
        self.gate.set()
        self.answer_gate = Gate()
        self.answer_gate.set()
        self.failing_reads = 0
        self.peers: list[Peer] = []
        self.logged: list[tuple[str, float, int, str]] = []
        self.dispatcher.log_answer = lambda *answered: self.logged.append(answered)

    # -- the database

    def _read(self, user: int, after: int, epoch: str, limit: int) -> Page:
        self.reads.append((user, after))
        self.gate.wait()
        if self.failing_reads:
            self.failing_reads -= 1
            raise ConnectionError("the database is away")
        page = self.page(user, after, epoch, limit)
        self.answer_gate.wait()
        return page

    def page(self, user: int, after: int, epoch: str, limit: int = 100) -> Page:
        texts = self.inboxes[user]
        latest = len(texts)
        if (epoch and epoch != self.epoch) or after > latest:
            return ReadPage(self.epoch, [], latest, latest, badges(latest), True)
        events: list[Event] = []
        size = 0
        for at, text in enumerate(texts[after : after + limit]):
            size += len(text.encode())
            if events and size > 64 * 1024:
                break
            events.append(Event(after + at + 1, text))
        return ReadPage(self.epoch, events, events[-1].seq if events else after, latest, badges(latest), False)

    def _read_heads(self, users: Sequence[int]) -> tuple[str, dict[int, int]]:
        return self.epoch, {user: len(self.inboxes[user]) for user in users}

    def _resolve(self, user: int, topics: Sequence[str]) -> list[Watch]:
        """There are presence and typing, of people whose names are their ids; and facts, which are stored."""
        self.gate.wait()
        names = [topic.partition(":") for topic in topics]
        keys = {"presence": "presence:{}", "typing": f"typing:{{}}:{user}", "fact": "fact:{}"}
        return [Watch(f"{kind}:{name}", keys[kind].format(name)) for kind, _, name in names if kind in keys]

    def _read_stored(self, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
        """There are no facts here."""
        return {}

    def store(self, count: int = 1, user: int = USER, size: int = 0) -> Batch:
        """Events in the database that nobody was told of."""
        texts = self.inboxes[user]
        first = len(texts) + 1
        for _ in range(count):
            texts.append(json.dumps({"seq": len(texts) + 1, "data": "x" * size}))
        latest = len(texts)
        return Batch(tuple(texts[first - 1 :]), first, latest, latest, badges(latest))

    def tell(self, batch: Batch, user: int = USER) -> None:
        self.bus.publish(News(user, batch))

    def post(self, count: int = 1, user: int = USER, size: int = 0) -> Batch:
        """Events that are stored and told of."""
        batch = self.store(count, user, size)
        self.tell(batch, user)
        return batch

    # -- clients

    def connect(
        self,
        kind: Callable[..., ParkedClient] = WebSocketClient,
        user: int = USER,
        cursor: int | None = None,
        *,
        epoch: str | None = None,
        grant: str = "session:1",
        buffers: int | None = None,
        pending: bytes = b"",
        **options: Any,
    ) -> Peer:
        """Park a client that stands at `cursor` (default: at its inbox's latest), as the views do."""
        place = self.dispatcher.enter(user)
        try:
            latest = len(self.inboxes[user])
            cursor = latest if cursor is None else cursor
            page = ReadPage(self.epoch, [], cursor, latest, badges(latest), False)
            ours, theirs = socket.socketpair()
            if buffers is not None:
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
                theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
            ours.setblocking(False)
            theirs.setblocking(False)
            stands = epoch or self.epoch
            client = kind(self.dispatcher, place, ours.detach(), grant, cursor, stands, **options)
            peer = Peer(client, theirs)
            self.peers.append(peer)
            self.dispatcher.park(client, page, options.get("deadline", self.dispatcher.now + QUIET))
            client.take_pending(pending)
            return peer
        finally:
            self.dispatcher.exit(user)

    def telling(self, **options: Any) -> Peer:
        return self.connect(TellingClient, **options)

    def stream(self, **options: Any) -> Peer:
        return self.connect(StreamClient, **options)

    def long_poll(self, timeout: float = 25.0, **options: Any) -> Peer:
        deadline = self.clock.now + timeout
        return self.connect(
            LongPollClient,
            head=HEAD,
            deadline=deadline,
            address="127.0.0.1",
            started=1.0,
            request_id="request-1",
            **options,
        )

    def close(self) -> None:
        for gate in (self.gate, self.answer_gate):
            gate.set()
        self.dispatcher.close(patience=0)
        for peer in self.peers:
            peer.sock.close()


class Peer:
    """The other end of a parked client's socket."""

    def __init__(self, client: ParkedClient, sock: socket.socket) -> None:
        self.client: Any = client
        self.sock = sock
        self.frames: list[wire.Frame] = []
        self.raw = b""
        self.is_ended = False
        self._rest = b""

    def receive(self, most: int = 1 << 20) -> bytes:
        """What has come; `is_ended` after the end of the connection."""
        data = b""
        while len(data) < most and not self.is_ended:
            try:
                chunk = self.sock.recv(min(65536, most - len(data)))
            except BlockingIOError:
                break
            except ConnectionResetError:
                chunk = b""
            self.is_ended = not chunk
            data += chunk
        self.raw += data
        return data

    def read(self) -> list[wire.Frame]:
        """All frames so far."""
        found, self._rest = wire.frames(self._rest + self.receive())
        self.frames.extend(found)
        return self.frames

    def said(self) -> list[Any]:
        """All JSON that was said so far."""
        return [frame.json for frame in self.read() if frame.opcode == wire.TEXT]

    def seqs(self) -> list[int]:
        """Every event that was given, in order."""
        return [event["seq"] for said in self.said() if said["type"] == "events" for event in said["events"]]

    def answer(self) -> Any:
        """The body of a long poll's answer, None before it has come."""
        self.receive()
        head, _, body = self.raw.partition(b"\r\n\r\n")
        if not self.is_ended:
            return None
        assert head.startswith(HEAD.rstrip()), head
        length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        assert length == [b"Content-Length: %d" % len(body)]
        return json.loads(body)

    def write(self, data: bytes) -> None:
        self.sock.sendall(data)

    def close_code(self) -> int | None:
        codes = [frame.code for frame in self.read() if frame.opcode == wire.CLOSE]
        assert len(codes) <= 1
        return codes[0] if codes else None


def badges(latest: int) -> str:
    return f'{{"messages":{latest}}}'


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
