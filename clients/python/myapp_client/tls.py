"""Whom to trust: one context for HTTP and WebSocket, so that where one connects the other does too."""

from __future__ import annotations

import functools
import ssl

import httpx


@functools.cache
def default_context() -> ssl.SSLContext:
    """httpx's: the authorities of certifi, or of SSL_CERT_FILE. Once a process, since it takes 20 ms and more."""
    return httpx.create_ssl_context()
