"""How often something was asked for, counted in this process: a storage for Flask-Limiter."""

from __future__ import annotations

import time

from limits.storage import MemoryStorage

#: Seconds between two looks for what is over.
LOOK_EVERY = 1.0


class Windows(MemoryStorage):
    """limits' storage in memory, but that looks for what is over once a second.

    limits starts a thread for it at each hit, which takes twice as long as the hit.
    """

    STORAGE_SCHEME = ["windows"]

    _next_look = 0.0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count `amount` more for `key` and say how many there are; its window is `expiry` seconds from its first."""
        now = time.time()
        if now >= self._next_look:
            self._next_look = now + LOOK_EVERY
            return super().incr(key, expiry, amount)
        with self.locks[key]:
            count = self.storage[key] = self.get(key) + amount
            if count == amount:
                self.expirations[key] = now + expiry
        return count
