"""The plan of a run: which faults, when, how long. It depends on the seed, the length and the kinds alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from .faults import FAULTS

#: Seconds before the first fault, between the end of one and the next one's begin, and after the last one.
BEFORE, BETWEEN, AFTER = 5.0, 14.0, 12.0
#: In runs of less than a minute, which only show that everything still works, faults and pauses are shorter by these.
HURRY, HURRIED_PAUSE = 0.2, 0.1


class Planned(NamedTuple):
    """One fault: `at` is in seconds since the writers' start; `params` are its own."""

    at: float
    kind: str
    params: dict[str, float]


def draw(seed: int, seconds: float, kinds: Sequence[str]) -> list[Planned]:
    """Each of `kinds` once, in an order drawn by lot, then more of them by lot, as long as there is time.

    Raises ValueError when there is not enough time for each kind once.
    """
    lots = random.Random(seed)
    pace, pause = (1.0, 1.0) if seconds >= 60 else (HURRY, HURRIED_PAUSE)
    drawn: list[Planned] = []
    at = BEFORE * pace
    to_come = list(kinds)
    lots.shuffle(to_come)
    while kinds:
        kind = to_come.pop() if to_come else lots.choice(kinds)
        params = FAULTS[kind].draw(lots)
        params["seconds"] = round(params["seconds"] * pace, 1)
        end = at + params["seconds"] + FAULTS[kind].takes * pause
        if end + AFTER * pace > seconds:
            break
        drawn.append(Planned(round(at, 1), kind, params))
        at = end + BETWEEN * pause * lots.uniform(0.7, 1.3)
    if missing := sorted(set(kinds) - {planned.kind for planned in drawn}):
        raise ValueError(f"{seconds:g} s are too short for {', '.join(missing)}: take more time or fewer faults")
    return drawn
