"""Badges: absolute counts by name, kept in the inbox's row.

They change only together with the inbox's seq, in the transaction that causes it, so that a badge and a cursor which
were read together belong together.
"""

from __future__ import annotations

import msgspec

#: Names that every inbox has, at 0 when nothing is counted.
BADGES = ("messages", "replies", "likes", "dislikes", "tasks", "announcements", "notifications")

Badges = dict[str, int]

_decoder = msgspec.json.Decoder(Badges)

#: What a new inbox has.
NONE = msgspec.json.encode(dict.fromkeys(BADGES, 0)).decode()


def parse(text: str) -> Badges:
    return _decoder.decode(text)


def render(badges: Badges) -> str:
    return msgspec.json.encode(badges).decode()
