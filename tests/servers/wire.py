"""soak/wire.py, where the soak run needs it too."""

from soak.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Answer,
    Ended,
    Frame,
    WebSocket,
    Wire,
    bearer,
    fetch,
    frame_bytes,
    request_bytes,
    upgrade_bytes,
)

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "Answer",
    "Ended",
    "Frame",
    "WebSocket",
    "Wire",
    "bearer",
    "fetch",
    "frame_bytes",
    "request_bytes",
    "upgrade_bytes",
]
