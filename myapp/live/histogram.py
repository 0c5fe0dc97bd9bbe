"""Counting how long things take, at less than a microsecond each. No I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

#: Bounds for the seconds from a commit to the write of its events.
LAG_BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Histogram:
    """How many values fell between two bounds (`counts`, the last one is of those beyond all) and their `sum`."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """A value counts for the first bound that it does not exceed; less than 0 (two hosts' clocks differ) is 0."""
        value = max(0.0, value)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value
