"""What every way of following an inbox has: it is opened where its reader stands, says what it hears, and is cut."""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from ..asking import Asker
from ..checker import Broken

#: Close codes after which a client comes back; every other one says that it did wrong, or may not.
COMES_BACK = (1000, 1001, 1012, 4408, 4409, 4429)


class Batch(NamedTuple):
    """Events in order, as a poll's answer or a frame has them. A stream does not say `latest`."""

    events: list[dict[str, Any]]
    seq: int
    latest: int | None
    badges: dict[str, int]


class Reset(NamedTuple):
    """Start anew at `latest` of this epoch. `before` is the epoch in which the connection was opened or asked."""

    epoch: str
    latest: int
    before: str


class Told(NamedTuple):
    """The inbox is at `seq`: pull."""

    seq: int


Said = Batch | Reset | Told


class Stand(NamedTuple):
    """Where a reader is."""

    cursor: int
    epoch: str

    def query(self, **more: object) -> str:
        return urlencode({"seq": self.cursor, "epoch": self.epoch, **more})


class Way(ABC):
    """One transport of one reader. Every method raises Gone when the way is away, Broken when it is wrong."""

    name: ClassVar[str]

    def __init__(self, asker: Asker, lots: random.Random) -> None:
        self.asker = asker
        self.lots = lots
        #: connections to listen on, or requests in their place
        self.connects = 0

    @abstractmethod
    def open(self, stand: Stand) -> None:
        """Begin to listen."""

    @abstractmethod
    def hear(self, stand: Stand, patience: float) -> list[Said]:
        """What has come, in order, waiting up to `patience` seconds for it; nothing where nothing has."""

    @abstractmethod
    def cut_in_the_middle(self, stand: Stand, patience: float) -> bool | None:
        """Read a part of whatever comes next and end the connection without a word.

        None when nothing came, so that it is still open; False when what came was no part of something longer.
        """

    @abstractmethod
    def leave(self) -> None:
        """End it politely or not, as clients do."""


def checked(status: int, body: bytes) -> Any:
    """A 200's JSON. Raises Broken for every other status: these readers ask nothing wrong."""
    if status != 200:
        raise Broken(f"a reader was answered with {status}: {body[:300]!r}")
    return json.loads(body)


def comes_back(code: int, retry: float | None) -> float | None:
    """When to come back. Raises Broken for a code that says not to: these clients have done nothing wrong."""
    if code not in COMES_BACK:
        raise Broken(f"sent away with {code}")
    return retry
