"""Where clients wait: one place for each user who has some in this worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clients import ParkedClient


class Place:
    """One user who has clients here: `wanted` is how far the inbox is known to be, `badges` (JSON text) stand there.

    `epoch` is where that counts, as far as a page has said so. `compared_at` is kept by the sweep.
    """

    __slots__ = ("badges", "clients", "compared_at", "epoch", "user", "wanted")

    def __init__(self, user: int) -> None:
        self.user = user
        self.clients: tuple[ParkedClient, ...] = ()
        self.wanted = 0
        self.badges = "{}"
        self.epoch = ""
        self.compared_at = 0.0
