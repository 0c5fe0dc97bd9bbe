"""From the answered request to the delivery: how long it took, in quiet times and while each fault was active."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .ledger import Ledger
from .readers import Delivery
from .record import Record


class Spread(NamedTuple):
    """Seconds, of `size` deliveries."""

    size: int
    p50: float
    p99: float
    most: float


def spread_of(seconds: Iterable[float]) -> Spread:
    """Of at least one."""
    found = sorted(seconds)

    def percentile(share: float) -> float:
        return found[math.ceil(share * len(found)) - 1]

    return Spread(len(found), percentile(0.5), percentile(0.99), found[-1])


def latencies(ledger: Ledger, record: Record, deliveries: Iterable[Delivery]) -> dict[tuple[str, str], list[float]]:
    """Seconds by fault (or QUIET) and way, of what was sent while the reader wanted to hear of it.

    What was acknowledged while a reader stood still or was away by its own will is not counted. A message that was
    given before its sender had the answer took 0 s.
    """
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for delivery in deliveries:
        sent = ledger.sent.get(delivery.key)
        if sent is None or sent.ack is None or sent.ack.answered < delivery.since:
            continue
        period = record.period_of(min(sent.ack.answered, delivery.at), delivery.at)
        found[period, delivery.way].append(max(0.0, delivery.at - sent.ack.answered))
    return dict(found)
