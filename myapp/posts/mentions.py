"""Who is mentioned in a text: `@name`, not within a word or an address of mail."""

from __future__ import annotations

import re

#: People beyond these are mentioned without being told.
MOST = 10

#: As people.NAME, of which dots, dashes and underscores at the end belong to the sentence. What goes on as a name or an
#: address is none: `@bob.smith@example.org` is nobody called bob.
_MENTION = re.compile(
    r"(?<![\w@./-])@([a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?)(?![._-]*[a-z0-9@])", re.IGNORECASE | re.ASCII
)


def find(body: str) -> list[str]:
    """Their names in lower case, each once, in their order, at most MOST; there may be nobody of that name."""
    return list(dict.fromkeys(match[1].lower() for match in _MENTION.finditer(body)))[:MOST]


def split(body: str) -> list[tuple[str, str | None]]:
    """The text in pieces: each with None, or the name of who is mentioned by it."""
    pieces: list[tuple[str, str | None]] = []
    at = 0
    for match in _MENTION.finditer(body):
        pieces += [(body[at : match.start()], None), (match[0], match[1].lower())]
        at = match.end()
    return [piece for piece in [*pieces, (body[at:], None)] if piece[0]]
