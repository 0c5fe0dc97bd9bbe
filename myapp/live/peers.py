"""The other workers: that they live, who is online there, who is writing there, and what one asks of all.

Said over the bus's broadcast, which may lose anything, so whatever is said has a number: who has missed something asks
for all of it. A worker that has said nothing for SILENT seconds is gone. Nothing of this is kept outside the workers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
import msgspec
from gevent.event import Event

from .bus import OK, Bus
from .presence import Presence

log = logging.getLogger(__name__)

#: Seconds between two signs of life, and from what silence on a worker is gone.
ALIVE_EVERY, SILENT = 5.0, 15.0
#: Users named in one message.
MOST_NAMED = 5000
#: Seconds between two times that the same worker is asked for all of its users.
ASK_EVERY = 1.0
#: Seconds that one who asks all workers waits for their answers.
ANSWER_PATIENCE = 1.0


class Alive(msgspec.Struct, tag=1, array_like=True):
    """A sign of life: by now `version` changes were told."""

    worker: str
    version: int


class Moved(msgspec.Struct, tag=2, array_like=True):
    """The change number `version`: these came online here, these went."""

    version: int
    came: list[int]
    went: list[int]


class Online(msgspec.Struct, tag=3, array_like=True):
    """All who are online here as of change `version`, in several parts; `is_last` ends them."""

    version: int
    users: list[int]
    is_first: bool
    is_last: bool


class Tell(msgspec.Struct, tag=4, array_like=True):
    """Say `Online`, please: to `worker`, or all where it is empty."""

    worker: str


class Bye(msgspec.Struct, tag=5, array_like=True):
    """This worker ends, and its users come back elsewhere within so many seconds."""

    seconds: float


class Writing(msgspec.Struct, tag=6, array_like=True):
    """Who is writing to whom since a moment ago, and who no longer: pairs of writer and reader."""

    begun: list[tuple[int, int]]
    ended: list[tuple[int, int]]


class Question(msgspec.Struct, tag=7, array_like=True):
    """Asked of all workers by the one of this name: `number` is the asker's own."""

    asker: str
    number: int
    text: str
    argument: Any


class Answer(msgspec.Struct, tag=8, array_like=True):
    """To `asker`'s question `number`, by the worker of this name."""

    asker: str
    number: int
    worker: str
    value: Any


Said = Alive | Moved | Online | Tell | Bye | Writing | Question | Answer
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Said).decode


class Peer:
    """Another worker, by the name that the bus knows it by."""

    __slots__ = ("asked_at", "heard_at", "leaves_at", "name", "users", "version")

    def __init__(self, now: float) -> None:
        self.name = ""
        self.heard_at = now
        self.asked_at = -ASK_EVERY
        #: the last change that is known here; -1: it has to tell all
        self.version = -1
        #: what has come of an `Online` in several parts
        self.users: set[int] | None = None
        #: it said goodbye: from then on its users are no longer online by it
        self.leaves_at: float | None = None


class Peers:
    """Owned by the dispatcher, which calls `turn` again and again. All but `ask_all` are done without waiting."""

    def __init__(
        self,
        bus: Bus,
        presence: Presence,
        users: Callable[[], Iterable[int]],
        write: Callable[[int, int, bool], None],
        answer: Callable[[str, Any], Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`users()` are those who wait here; `write(writer, reader, is_writing)` notes who is writing elsewhere;
        `answer(question, argument)` is what this worker answers.
        """
        self._bus = bus
        self._presence = presence
        self._users = users
        self._write = write
        self._answer = answer
        self._clock = clock
        self._peers: dict[str, Peer] = {}
        self._version = 0
        #: what happened here since it was last told: came (True) or went
        self._moves: dict[int, bool] = {}
        self._writing: dict[tuple[int, int], bool] = {}
        self._must_tell_all = False
        self._alive_at = -ALIVE_EVERY
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._answered = Event()

    @property
    def names(self) -> list[str]:
        """Of the other workers that are alive, as `host:pid`."""
        return sorted(peer.name for peer in self._peers.values() if peer.name)

    # -- what happens here

    def moved(self, user: int, is_online: bool) -> None:
        """One of our own came online or went; the others are told at the next turn."""
        self._moves[user] = is_online

    def wrote(self, writer: int, reader: int, is_writing: bool) -> None:
        """Somebody has told this worker that they are writing, or has sent it."""
        self._writing[writer, reader] = is_writing

    def turn(self, now: float) -> None:
        """Tell the others what happened, and look who of them is gone."""
        if self._bus.state != OK:
            # nobody is heard, so nobody is gone for that; what is told now is lost, and the number shows it
            for peer in self._peers.values():
                peer.heard_at = now
        if self._moves:
            self._tell_moves()
        if self._writing:
            writing, self._writing = self._writing, {}
            self._say(Writing([pair for pair, on in writing.items() if on], [p for p, on in writing.items() if not on]))
        if self._must_tell_all:
            self._must_tell_all = False
            self._tell_all()
        if now - self._alive_at >= ALIVE_EVERY:
            self._alive_at = now
            self._say(Alive(self._bus.worker, self._version))
        self._forget_gone(now)

    def resumed(self) -> None:
        """The bus is there: whoever came, went or ended meanwhile is not known."""
        self._alive_at = -ALIVE_EVERY
        self._say(Tell(""))

    def leave(self, seconds: float) -> None:
        """This worker ends; its users come back within so many seconds."""
        self._say(Bye(seconds))

    def _tell_moves(self) -> None:
        moves, self._moves = self._moves, {}
        users = list(moves)
        for start in range(0, len(users), MOST_NAMED):
            some = users[start : start + MOST_NAMED]
            self._version += 1
            came = [user for user in some if moves[user]]
            self._say(Moved(self._version, came, [user for user in some if not moves[user]]))

    def _tell_all(self) -> None:
        users = self._presence.ours(self._users())
        starts = range(0, max(1, len(users)), MOST_NAMED)
        for start in starts:
            part = users[start : start + MOST_NAMED]
            self._say(Online(self._version, part, start == 0, start == starts[-1]))

    def _say(self, said: Said) -> None:
        self._bus.broadcast(_encode(said))

    def _forget_gone(self, now: float) -> None:
        for key, peer in list(self._peers.items()):
            if now - peer.heard_at >= SILENT or (peer.leaves_at is not None and now >= peer.leaves_at):
                del self._peers[key]
                self._presence.worker_is_gone(key)
                log.info("worker %s is gone", peer.name or key)

    # -- what the others say

    def overhear(self, worker: str, words: bytes) -> None:
        """Another worker has said something. Raises msgspec.MsgspecError where it cannot be read."""
        said = _decode(words)
        now = self._clock()
        peer = self._peers.get(worker)
        if peer is None:
            if isinstance(said, Bye | Question | Answer):
                self._heed(worker, Peer(now), said, now)
                return
            peer = self._peers[worker] = Peer(now)
        peer.heard_at = now
        self._heed(worker, peer, said, now)

    def _heed(self, worker: str, peer: Peer, said: Said, now: float) -> None:
        match said:
            case Alive():
                peer.name = said.worker
                if peer.version != said.version:
                    self._ask_for_all(worker, peer, now)
            case Moved():
                self._heed_move(worker, peer, said, now)
            case Online():
                self._heed_all(worker, peer, said)
            case Tell():
                if said.worker in ("", self._bus.worker):
                    self._must_tell_all = True
            case Bye():
                peer.leaves_at = now + said.seconds
            case Writing():
                for writer, reader in said.begun:
                    self._write(writer, reader, True)
                for writer, reader in said.ended:
                    self._write(writer, reader, False)
            case Question():
                gevent.spawn(self._reply, said)
            case Answer():
                if said.asker == self._bus.worker and said.number in self._answers:
                    self._answers[said.number][said.worker] = said.value
                    self._answered.set()

    def _heed_move(self, worker: str, peer: Peer, said: Moved, now: float) -> None:
        if said.version != peer.version + 1:
            if said.version > peer.version:
                self._ask_for_all(worker, peer, now)
            return
        peer.version = said.version
        self._presence.they_have(worker, said.came)
        self._presence.they_lost(worker, said.went)

    def _heed_all(self, worker: str, peer: Peer, said: Online) -> None:
        if said.is_first:
            peer.users = set()
        if peer.users is None:  # its beginning was lost
            return
        peer.users.update(said.users)
        if said.is_last:
            users, peer.users = peer.users, None
            peer.version = said.version
            self._presence.they_only_have(worker, users)

    def _ask_for_all(self, worker: str, peer: Peer, now: float) -> None:
        if now - peer.asked_at >= ASK_EVERY:
            peer.asked_at = now
            self._say(Tell(peer.name))

    # -- questions to all workers

    def ask_all(self, question: str, argument: Any = None, patience: float = ANSWER_PATIENCE) -> dict[str, Any]:
        """What all workers answer, this one included, by their names; who does not within `patience` seconds is
        left out.
        """
        self._number += 1
        number = self._number
        answers = self._answers[number] = {self._bus.worker: self._answer(question, argument)}
        others = set(self.names)
        if others:
            self._say(Question(self._bus.worker, number, question, argument))
        deadline = self._clock() + patience
        try:
            while not others <= set(answers) and (left := deadline - self._clock()) > 0:
                self._answered.clear()
                self._answered.wait(left)
        finally:
            del self._answers[number]
        return dict(sorted(answers.items()))

    def _reply(self, question: Question) -> None:
        try:
            value = self._answer(question.text, question.argument)
        except Exception as error:  # safety net: it is another worker's question, and that one waits
            log.exception("a question of another worker failed")
            value = {"error": type(error).__name__}
        self._say(Answer(question.asker, question.number, self._bus.worker, value))
