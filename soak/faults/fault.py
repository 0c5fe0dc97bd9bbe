"""What every fault has: its parameters drawn by lot, how it is injected and healed, and the proof of its effect."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import ClassVar

from ..world import World

Params = dict[str, float]


class NoEffect(Exception):
    """A fault was injected, and nothing shows that it did anything: the run proves nothing about it."""


class Fault(ABC):
    """One fault, for one time. `params["seconds"]` is how long it lasts until it is healed."""

    kind: ClassVar[str]
    #: seconds that it takes besides, to begin and until all is well again, on a busy machine
    takes: ClassVar[float] = 3.0

    def __init__(self, world: World, params: Params) -> None:
        self.world = world
        self.params = params

    @classmethod
    @abstractmethod
    def draw(cls, lots: random.Random) -> Params:
        """Its parameters, `seconds` among them."""

    @abstractmethod
    def inject(self) -> None:
        """Do it. Whatever it raises means that it was not injected."""

    def watch(self) -> None:  # noqa: B027 - some faults show themselves afterwards
        """Called several times a second while it is active, to see its effect."""

    def heal(self) -> None:  # noqa: B027 - some faults end by themselves
        """Put everything in order. Called also when `inject` has failed halfway."""

    def is_healed(self) -> bool:
        """Whether everything works again; asked after `heal` until it does."""
        return self.world.is_ready()

    @abstractmethod
    def effect(self) -> dict[str, object]:
        """What shows that it had an effect. Raises NoEffect."""
