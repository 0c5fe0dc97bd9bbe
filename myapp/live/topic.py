"""One topic that is watched in this worker, and what is said of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .clients import ParkedClient


class Watch(NamedTuple):
    """A topic as the client names it, and what it is here: `typing:bob` is another thing for each who watches it."""

    topic: str
    key: str


class Snapshot(NamedTuple):
    """What is current. `version` only ever grows; `data` is a JSON object's text."""

    topic: str
    version: int
    data: str


def state_data(state: str) -> str:
    """The data of a topic that is in one of some states."""
    return f'{{"state":"{state}"}}'


class Topic:
    """A topic that is watched in this worker, or is about to be, by its key.

    `version` is 0 as long as nothing is known. `watchers` has the names by which each calls it, mostly one; `holders`
    counts the requests that are about to watch it. The sweep keeps `compared_at`, and Pace what comes behind.
    """

    __slots__ = (
        "changed",
        "compared_at",
        "data",
        "holders",
        "is_stored",
        "key",
        "let_out",
        "let_out_at",
        "let_out_version",
        "owed",
        "version",
        "watchers",
    )

    def __init__(self, key: str, is_stored: bool) -> None:
        self.key = key
        self.is_stored = is_stored
        self.version = 0
        self.data = ""
        self.watchers: dict[ParkedClient, tuple[str, ...]] = {}
        self.holders = 0
        self.compared_at = 0.0
        #: its last change, and the last that was let out to all, as Pace counts them; when which version was let out
        #: last; who lacks it
        self.changed = self.let_out = 0
        self.let_out_at, self.let_out_version = -math.inf, -1
        self.owed: list[ParkedClient] = []

    def snapshot(self, name: str) -> Snapshot:
        """What is known, for those who call it so."""
        return Snapshot(name, self.version, self.data)

    def add(self, client: ParkedClient, names: tuple[str, ...]) -> None:
        """The client watches it, by these names; equal ones are kept once."""
        others = next(iter(self.watchers.values()), names)
        self.watchers[client] = others if others == names else names
