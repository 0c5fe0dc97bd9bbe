"""How much a system may send a minute: set for each by an administrator, counted by whom it tells."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute

from ..errors import Text, TooMany
from ..extensions import limiter
from .tokens import System

#: Seconds after which a system with too many announcements on their way may ask again.
ANNOUNCING = 5


def too_many_announcements() -> TooMany:
    """So many of the system's are on their way that another one has to wait."""
    detail = Text("Too many of your announcements are on their way: try again in %(wait)d s.", wait=ANNOUNCING)
    return TooMany(detail, ANNOUNCING)


def spend(system: System, count: int) -> None:
    """Count `count` users told. Raises TooMany, and then nothing is counted."""
    most = system.most_per_minute
    if not most or not limiter.enabled:
        return
    limit = RateLimitItemPerMinute(most)
    name = f"system/{system.id}"
    if count > most:
        detail = Text("You may tell %(most)d users a minute: name fewer at once.", most=most)
        raise TooMany(detail, 60)
    if limiter.limiter.test(limit, name, cost=count) and limiter.limiter.hit(limit, name, cost=count):
        return
    reset_at, _ = limiter.limiter.get_window_stats(limit, name)
    wait = max(1, math.ceil(reset_at - time.time()))
    detail = Text("You may tell %(most)d users a minute: try again in %(wait)d s.", most=most, wait=wait)
    raise TooMany(detail, wait)
