"""Events as lines: one event, one line, whatever is in it. No I/O."""

from __future__ import annotations

import json

from .events import Event

#: What a line has behind `kind`, by the fields of `data` that are there.
SHOWN = ("from", "by", "source", "title", "body", "state", "url")


def as_json(event: Event) -> str:
    return json.dumps(event.as_json(), separators=(",", ":"))


def as_text(event: Event) -> str:
    """`18  2026-11-20T09:00:00.000Z  message  from=alice  body=hi`"""
    said = event.as_json()
    fields = [f"{name}={_shown(event.data[name])}" for name in SHOWN if event.data.get(name) not in (None, "")]
    rest = fields or [f"{name}={_shown(value)}" for name, value in event.data.items()]
    return "  ".join([str(event.seq), said["at"], _shown(event.kind), *rest])


def _shown(value: object) -> str:
    """Text without line breaks and whatever else a terminal would obey."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
