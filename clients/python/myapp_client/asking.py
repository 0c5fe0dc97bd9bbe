"""Asking by httpx: what both clients and both followers make of no answer."""

from __future__ import annotations

import httpx

from .errors import Unreachable

#: No answer came; InvalidURL where no host can have the address, like `http://1.2.3.999`.
NO_ANSWER = (httpx.RequestError, httpx.InvalidURL)


def unreachable(url: str, error: Exception) -> Unreachable:
    return Unreachable(f"No answer from {url}: {error or type(error).__name__}")
