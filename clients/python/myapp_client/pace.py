"""How long to wait for what, and before what. No I/O."""

from __future__ import annotations

import random
from dataclasses import dataclass

#: The longest rest that a server can ask for, in seconds: beyond it is a mistake.
LONGEST_REST = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds. The defaults are for programs; tests have shorter ones."""

    #: the n-th attempt after failures waits up to first * 2 ** (n - 1), never more than longest
    first: float = 0.5
    longest: float = 30.0
    #: for the `hello` after a handshake, and for a `pong`
    answer: float = 15.0
    #: a WebSocket that has lived so long works: failures before it are forgotten
    steady: float = 10.0
    #: where WebSockets cannot be had: poll for so long, twice as long after each time in vain
    without_websocket: float = 30.0
    without_websocket_most: float = 600.0
    #: what a long poll asks for
    poll: float = 25.0


def backoff(failures: int, pace: Pace, lots: random.Random) -> float:
    """Full jitter: by lot between 0 and a limit that doubles, so that many clients do not come back at once."""
    return lots.uniform(0, min(pace.longest, pace.first * 2.0 ** min(failures - 1, 30)))


def rest(seconds: float | None) -> float | None:
    """A rest that a server asks for, within reason."""
    return None if seconds is None or not seconds >= 0 else min(seconds, LONGEST_REST)
