"""What one frame holds, in every server that is measured."""

from __future__ import annotations

import json
from typing import Any

WAKE_UP = "wake up"


def event(seq: int, body: str, to: str = "u1") -> dict[str, Any]:
    """An event of kind `message`, as docs/protocol.md has it."""
    data = {"id": seq, "from": "u1", "from_name": "u1", "avatar": "", "to": to, "body": body}
    return {"seq": seq, "kind": "message", "at": "2026-11-20T09:00:00.000Z", "data": data}


def frame(seq: int, body: str, to: str = "u1") -> dict[str, Any]:
    """The frame in which the application sends that event."""
    return {
        "type": "events",
        "events": [event(seq, body, to)],
        "seq": seq,
        "latest": seq,
        "badges": {"messages": seq},
    }


def announcement_frame(seq: int) -> dict[str, Any]:
    """The frame in which the application sends an announcement that is called WAKE_UP."""
    data = {"id": 1, "source": "bench", "title": WAKE_UP, "body": None, "url": None}
    one = {"seq": seq, "kind": "announcement", "at": "2026-11-20T09:00:00.000Z", "data": data}
    badges = dict.fromkeys(("messages", "replies", "likes", "dislikes", "tasks", "notifications"), 0)
    return {"type": "events", "events": [one], "seq": seq, "latest": seq, "badges": {**badges, "announcements": seq}}


def as_text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
