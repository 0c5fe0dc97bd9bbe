"""Badges: absolute counts by name, kept in the inbox's row.

They change only together with the inbox's seq, in the transaction that causes it, so that a badge and a cursor which
were read together belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from ..errors import Invalid, Text

#: Names that every inbox has, at 0 when nothing is counted.
BADGES = ("messages", "replies", "likes", "dislikes", "tasks", "announcements", "notifications")

#: What a badge of one's own may be called, but for these: they mean something else.
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
TAKEN = tuple(name for name in BADGES if name != "notifications")
#: Names of its own that an inbox has at most: all of them are in every frame.
MOST_OWN = 32

Badges = dict[str, int]

_decoder = msgspec.json.Decoder(Badges)

#: What a new inbox has.
NONE = msgspec.json.encode(dict.fromkeys(BADGES, 0)).decode()


def parse(text: str) -> Badges:
    return _decoder.decode(text)


def render(badges: Badges) -> str:
    return msgspec.json.encode(badges).decode()


def check_name(name: str) -> None:
    """Raises Invalid where a badge cannot be called so, or where the name means something else."""
    if not NAME.fullmatch(name):
        raise Invalid("badge", Text("write 1 to 32 letters a-z, digits or dashes, with a letter first"))
    if name in TAKEN:
        raise Invalid("badge", Text("is a name that means something else; choose another one"))


def pattern(*others: str) -> str:
    """For a description in JSON Schema: what a badge can be called, but none of these."""
    none_of = f"(?!(?:{'|'.join(others)})$)" if others else ""
    return f"^{none_of}{NAME.pattern}$"


def make_room(badges: Badges, names: Iterable[str]) -> bool:
    """Before these names are counted: where there are MOST_OWN of an inbox's own, those that count nothing leave.

    Whether there is room for them now; not where all the others count something.
    """
    wanted = set(names)
    new = wanted - badges.keys()
    if not new or len(badges) + len(new) <= len(BADGES) + MOST_OWN:
        return True
    for name in [name for name, count in badges.items() if not count and name not in wanted.union(BADGES)]:
        del badges[name]
    return len(badges) + len(new) <= len(BADGES) + MOST_OWN
