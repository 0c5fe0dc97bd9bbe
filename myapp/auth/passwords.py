"""Password hashes: argon2id, computed beside the event loop.

One hash takes tens of milliseconds of a core. Threads of gevent's take it off the loop; a few of our own keep fifty
people who sign in at once from taking every core, and so the loop, with them.
"""

from __future__ import annotations

import os
import secrets
from functools import cache

import argon2

from ..beside import Beside

#: OWASP's recommendation for argon2id: 19 MiB, two passes, one lane (Password Storage Cheat Sheet).
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# one core stays free for the event loop
_beside = Beside(max(1, (os.cpu_count() or 2) - 1))

SHORTEST = 8
LONGEST = 1024


def hash_password(password: str) -> str:
    """An argon2id hash in its usual text form."""
    text: str = _beside.run(_hasher.hash, password)
    return text


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. Without a hash it takes as long as with one: names cannot be told by time."""
    ok: bool = _beside.run(_check, password_hash, password)
    return ok


def _check(password_hash: str | None, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _nobody(), password) and password_hash is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))
