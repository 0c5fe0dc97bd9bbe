"""How many clients may wait in this worker: in all, of one user, from one address. 0 means no limit."""

from __future__ import annotations

import ipaddress
from collections import Counter
from functools import lru_cache


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """Whom an address stands for: itself, or of IPv6 the /64 that it is in, which is one customer's (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a unix socket has none
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class Limits:
    """Owned by the dispatcher. `from_address` counts those who wait; where there is no limit it counts nothing."""

    def __init__(self, clients: int, per_user: int = 0, per_address: int = 0) -> None:
        self.clients = clients
        self.per_user = per_user
        self.per_address = per_address
        self.from_address: Counter[str] = Counter()

    def is_reached(self, count: int) -> bool:
        """Whether all places are taken when so many wait."""
        return 0 < self.clients <= count

    def is_reached_by(self, address: str) -> bool:
        """Whether as many wait from this address as may."""
        return 0 < self.per_address <= self.from_address[network_of(address)]

    def parked(self, address: str) -> None:
        if self.per_address:
            self.from_address[network_of(address)] += 1

    def left(self, address: str) -> None:
        if not self.per_address:
            return
        network = network_of(address)
        self.from_address[network] -= 1
        if self.from_address[network] <= 0:
            del self.from_address[network]
