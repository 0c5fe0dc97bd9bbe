"""Users of a made-up world who follow an inbox, over each transport, and find every breach of the promise at once.

A follower knows its cursor and epoch, as a real client does: what it is given must be cursor + 1, cursor + 2, ... It
comes back by itself where its transport ends (a long poll) and pulls where it is only told (`push=new`).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

import gevent

from myapp.live.batches import FRAME_BYTES, FRAME_EVENTS
from myapp.live.clients import CURRENT, ParkedClient
from myapp.live.long_poll import LongPollClient
from myapp.live.stream import StreamClient
from myapp.live.websocket import TellingClient, WebSocketClient

from . import wire
from .followed import Broken, FollowedWorld, turn
from .parking import HEAD, USER, Peer

#: What the JSON around the events of one frame, and a stream's fields of each, may add.
AROUND, AROUND_EACH = 300, 40


class Follower(ABC):
    """`code` is why it was sent away, 0 without a word.

    `frames` counts what brought events, `most_events` is the most in one.
    """

    kind: type[ParkedClient]

    def __init__(
        self,
        world: FollowedWorld,
        cursor: int | None = None,
        *,
        user: int = USER,
        grant: str = "session:1",
        buffers: int | None = None,
    ) -> None:
        self.world = world
        self.user = user
        self.grant = grant
        self.buffers = buffers
        self.cursor = len(world.inboxes[user]) if cursor is None else cursor
        self.epoch = self.began_in = world.epoch
        self.code: int | None = None
        self.frames = self.most_events = self.resets = 0
        self.is_reading = True
        self.has_left = False
        self.connect()

    def connect(self) -> None:
        self.rest = b""
        self.peer = self._connect()

    def _connect(self) -> Peer:
        return self.world.connect(
            self.kind, self.user, self.cursor, epoch=self.epoch, grant=self.grant, buffers=self.buffers
        )

    @property
    def client(self) -> Any:
        return self.peer.client

    @property
    def is_over(self) -> bool:
        return self.has_left or self.code is not None

    def read(self, most: int = 1 << 20) -> None:
        """Take what has come, at most so many bytes. Raises Broken."""
        while most > 0 and self.is_reading and not self.is_over:
            data = b""
            try:
                data = self.peer.sock.recv(min(65536, most))
            except BlockingIOError:
                return
            except ConnectionResetError:
                pass
            if not data:
                self.ended()
                return
            most -= len(data)
            self.rest = self.take(self.rest + data)

    @abstractmethod
    def take(self, data: bytes) -> bytes:
        """Take what is whole and give back the rest."""

    def ended(self) -> None:
        """The connection is over."""
        if self.world.dispatcher.is_draining:
            self.code = self.code or 0  # who is in the middle of a frame when patience ends is cut off
        elif self.code is None:
            raise Broken(f"{self}: the connection ended without a word")

    def given(self, events: list[Any], size: int) -> None:
        """Events, in one frame, answer or batch of so many bytes."""
        for event in events:
            if event["seq"] != self.cursor + 1:
                raise Broken(f"{self}: given {event['seq']} after {self.cursor}")
            self.cursor += 1
        if len(events) > FRAME_EVENTS or size > FRAME_BYTES + AROUND + AROUND_EACH * len(events):
            raise Broken(f"{self}: {len(events)} events of {size} bytes at once")
        if events:
            self.frames += 1
            self.most_events = max(self.most_events, len(events))

    def stands(self, said: Any) -> None:
        """Where a frame says that the client stands now."""
        if not self.cursor == said["seq"] <= said["latest"]:
            raise Broken(f"{self}: told to be at {said['seq']} of {said['latest']}")
        # between a new epoch and its reset they can be the new epoch's
        if said["badges"] != {"messages": said["latest"]} and self.epoch == self.world.epoch:
            raise Broken(f"{self}: badges {said['badges']} at {said['latest']}")

    def reset(self, epoch: str, latest: int) -> None:
        self.resets += 1
        self.epoch, self.cursor = epoch, latest

    def leave(self) -> None:
        """Go without a word."""
        self.has_left = True
        self.peer.sock.close()

    def check_end(self) -> None:
        """It has everything; and the dispatcher knows it. Raises Broken."""
        if self.is_over:
            return
        latest = len(self.world.inboxes[self.user])
        if (self.cursor, self.epoch) != (latest, self.world.epoch):
            raise Broken(f"{self}: not at {latest} in {self.world.epoch}")
        stands = self.client.cursor, self.client.epoch, self.client.state, bytes(self.client.rest)
        if stands != (latest, self.world.epoch, CURRENT, b""):
            raise Broken(f"{self}: its client is left at {stands[:3]}, with {len(stands[3])} bytes")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.cursor} in {self.epoch}>"


class SocketFollower(Follower):
    """By WebSocket."""

    kind = WebSocketClient

    def take(self, data: bytes) -> bytes:
        found, rest = wire.frames(data)
        for frame in found:
            if self.code is not None:
                raise Broken(f"{self}: something follows a Close frame")
            if frame.opcode == wire.TEXT:
                self.said(frame.json, len(frame.payload))
            elif frame.opcode == wire.CLOSE:
                self.code = frame.code
        return rest

    def said(self, said: Any, size: int) -> None:
        if said["type"] == "events":
            self.given(said["events"], size)
            self.stands(said)
        elif said["type"] == "reset":
            self.reset(said["epoch"], said["latest"])


class TellingFollower(SocketFollower):
    """By WebSocket with `push=new`, and short polls. `told` is the newest that it was told of."""

    kind = TellingClient
    told = 0
    pulls = 0

    def said(self, said: Any, size: int) -> None:
        super().said(said, size)
        if said["type"] == "new":
            if said["seq"] <= self.told:
                raise Broken(f"{self}: told of {said['seq']} after {self.told}")
            self.told = said["seq"]
            self.pull()

    def reset(self, epoch: str, latest: int) -> None:
        super().reset(epoch, latest)
        self.told = latest

    def pull(self) -> None:
        """Short polls, until there is no more. In another epoch it waits to be told so."""
        while self.cursor < self.told and self.epoch == self.world.epoch:
            page = self.world.page(self.user, self.cursor, self.epoch)
            self.pulls += 1
            if not page.events:
                raise Broken(f"{self}: told of {self.told}; there are {page.latest}")
            self.given([json.loads(event.text) for event in page.events], 0)


class StreamFollower(Follower):
    """By server-sent events. A batch ends at its badges."""

    kind = StreamClient

    def connect(self) -> None:
        self.batch: list[Any] = []
        self.size = 0
        super().connect()

    def take(self, data: bytes) -> bytes:
        *blocks, rest = data.split(b"\n\n")
        for block in blocks:
            if self.code is not None:
                raise Broken(f"{self}: something follows the last event")
            self.size += len(block) + 2
            if block != b":":
                self.take_block(dict(line.split(": ", 1) for line in block.decode().split("\n")))
        return rest

    def take_block(self, fields: dict[str, str]) -> None:
        data = json.loads(fields["data"])
        if fields["event"] == "badges":
            self.given(self.batch, self.size)
            self.batch, self.size = [], 0
            if data["messages"] < self.cursor:
                raise Broken(f"{self}: badges {data}")
        elif fields["event"] == "reset":
            self.reset(data["epoch"], data["latest"])
        elif fields["event"] == "close":
            self.code = data["code"]
        else:
            if fields["id"] != str(data["seq"]):
                raise Broken(f"{self}: id {fields['id']} of {data['seq']}")
            self.batch.append(data)


class PollFollower(Follower):
    """By long polls, one after the other, until it `stops`."""

    kind = LongPollClient
    answers = 0

    def _connect(self) -> Peer:
        page = self.world.page(self.user, self.cursor, self.epoch)
        if page.reset:  # the view answers at once
            self.reset(page.epoch, page.latest)
        return self.world.long_poll(
            user=self.user, cursor=self.cursor, epoch=self.epoch, grant=self.grant, buffers=self.buffers
        )

    def take(self, data: bytes) -> bytes:
        return data

    def ended(self) -> None:
        head, _, body = self.rest.partition(b"\r\n\r\n")
        if not head.startswith(HEAD.rstrip()) or b"\r\nContent-Length: %d\r\n" % len(body) not in head:
            raise Broken(f"{self}: half an answer, {self.rest[-100:]!r}")
        self.answers += 1
        said = json.loads(body)
        if said["reset"]:
            self.reset(said["epoch"], said["seq"])
        else:
            self.given(said["events"], len(body))
            self.stands(said)
        self.peer.sock.close()
        if self.world.dispatcher.is_draining or self.grant in self.world.ended:
            self.code = 0
        else:
            self.connect()


KINDS: tuple[type[Follower], ...] = (SocketFollower, TellingFollower, StreamFollower, PollFollower)


def read_all(*followers: Follower) -> None:
    """Let everybody read until nothing more comes and the dispatcher is at rest. Raises Broken."""
    world = followers[0].world
    with gevent.Timeout(10, Broken("it does not come to rest")):
        while True:
            was_at_rest = world.is_at_rest
            before = [(follower.cursor, follower.peer) for follower in followers]
            turn(3)
            for follower in followers:
                follower.read()
            is_read = all(not follower.client.rest for follower in followers if follower.is_reading)
            if before == [(follower.cursor, follower.peer) for follower in followers]:
                if was_at_rest and world.is_at_rest and is_read:
                    return
                gevent.sleep(0.0005)  # for timers


def check_end(world: FollowedWorld, *followers: Follower) -> None:
    """Everybody has everything and nothing is left to do. Raises Broken."""
    for follower in followers:
        follower.check_end()
    if not world.is_at_rest:
        raise Broken("something is left to do")
