"""How much a system may do a minute, as an administrator has set it for each: in one window the users whom it tells,
each counted by name and everyone as one, and in another those whom it makes or renames.
"""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute

from ..errors import Invalid, Text, TooMany
from ..extensions import limiter
from .tokens import System

#: Seconds after which a system with too many announcements on their way may ask again.
ANNOUNCEMENTS_RETRY_AFTER = 5


def too_many_announcements() -> TooMany:
    """So many of the system's are on their way that another one has to wait."""
    wait = ANNOUNCEMENTS_RETRY_AFTER
    return TooMany(Text("Too many of your announcements are on their way: try again in %(wait)d s.", wait=wait), wait)


def spend_on_telling(system: System, names: int) -> None:
    """Count so many users told, or with 1 everyone. Nothing is counted where it raises TooMany, or Invalid: there are
    more names than can ever be told at once.
    """
    most = system.most_per_minute
    if _is_limited(system) and names > most:
        raise Invalid("to", Text("has %(count)d names; you may tell %(most)d users a minute", count=names, most=most))
    wait = _spend(system, "told", names)
    if wait:
        raise TooMany(
            Text("You may tell %(most)d users a minute: try again in %(wait)d s.", most=most, wait=wait), wait
        )


def spend_on_users(system: System) -> None:
    """Count one user made or renamed. Raises TooMany, and then nothing is counted."""
    most, wait = system.most_per_minute, _spend(system, "users", 1)
    if wait:
        raise TooMany(
            Text("You may make or rename %(most)d users a minute: try again in %(wait)d s.", most=most, wait=wait), wait
        )


def _is_limited(system: System) -> bool:
    return bool(system.most_per_minute and limiter.enabled)


def _spend(system: System, window: str, count: int) -> int:
    """0 where it is counted; else in how many seconds there is room again."""
    if not _is_limited(system):
        return 0
    limit = RateLimitItemPerMinute(system.most_per_minute)
    name = f"system/{system.id}/{window}"
    if limiter.limiter.test(limit, name, cost=count) and limiter.limiter.hit(limit, name, cost=count):
        return 0
    reset_at, _ = limiter.limiter.get_window_stats(limit, name)
    return max(1, math.ceil(reset_at - time.time()))
