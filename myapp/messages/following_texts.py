"""What the ways of following are, in words, for their descriptions."""

from __future__ import annotations

from typing import Any

LONG_POLL = """
    Answers as soon as there is something after `seq`, else empty after `timeout`; at once when the server is about to
    stop. HEAD never waits.
"""

STREAM = """
    Server-sent events (WHATWG HTML section 9.2): each event with `id:` its seq, `event:` its kind and `data:` an
    `Event`; after each batch one `event: badges` with `Badges`, without an id. `event: snapshot`, `reset` and `error`
    carry the data of the frames `SnapshotFrame`, `Reset` and `ErrorFrame`. A comment line comes every 15 s. The last
    event is `event: close` with a `StreamClose`.
"""

NO_PLACE = "All places are taken, or this server cannot park connections: poll, or try again."

WEBSOCKET = """
    Text frames with JSON, after RFC 6455's handshake with version 13; `ServerFrame` is what the server sends,
    `ClientFrame` what it takes. The first frame is `Hello`; at a reset follows `Reset`. After 25 s without a frame the
    server sends a Ping of RFC 6455, after 75 s it closes with 4408. A client without an `Origin` is a program: its
    cookie does not count, it needs a token or a ticket. Whoever is not signed in is let in and closed with 4401, as a
    browser cannot read a 401.

    The close code says what to do: 1001 and 1012, come back after `retry=<seconds>` of the reason; 4408 and 4409, come
    back from one's cursor; 4429, wait as long as `retry=` says, then poll; 1002, 1003, 1007, 1009, 4400 and 4401, stop.
"""

_REF = "#/components/schemas/"
WEBSOCKET_SCHEMAS: dict[str, Any] = {
    "x-websocket": {"server": {"$ref": f"{_REF}ServerFrame"}, "client": {"$ref": f"{_REF}ClientFrame"}}
}
