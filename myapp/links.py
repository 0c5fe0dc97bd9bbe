"""Addresses in a text that somebody wrote: found, and shown as links that are safe to show.

The same rules as in static/live/links.js; tests/links.json holds both to them. Only http and https are linked, and only
where the host is plain to see: no user name in front of it, no invisible characters within.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

#: What ends an address: white space, control and formatting characters (they could turn the direction of the text),
#: quotes and brackets that are never part of one, and the punctuation of Chinese and other full-width text.
_ENDS = (
    "\x00-\x20\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2018-\u201f\u2028-\u202f\u205f-\u206f"
    "\u3000-\u3003\u3008-\u301f\ufe00-\ufe0f\ufeff\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufff9-\uffff"
    '<>"`{}|\\\\^'
)
_ADDRESS = re.compile(
    rf"(?<![A-Za-z0-9_])[Hh][Tt][Tt][Pp][Ss]?://"
    rf"(?:\[[0-9A-Fa-f:.]+\]|[^{_ENDS}/?#@:\[\]()'!,;&=+$*~%_]{{1,255}})"
    rf"(?::[0-9]{{1,5}}(?![0-9]))?(?![^{_ENDS}/?#]{{0,255}}@)"
    rf"(?:[/?#][^{_ENDS}]*)?"
)
#: What belongs to the sentence around it when it stands at the end.
_TRAILING = ".,;:!?'*_~"
_PAIRS = {")": "(", "]": "["}

REL = "noopener noreferrer nofollow ugc"


def find(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each address in the text, in order."""
    for match in _ADDRESS.finditer(text):
        end = _trim(text, match.start(), match.end())
        if re.search(r"://[^/?#.]*[^/?#.]", text[match.start() : end]):
            yield match.start(), end


def _trim(text: str, start: int, end: int) -> int:
    """Where the address ends without the sentence's punctuation; a bracket counts when it was opened within."""
    too_many = {close: text.count(close, start, end) - text.count(_PAIRS[close], start, end) for close in _PAIRS}
    while end > start:
        last = text[end - 1]
        if too_many.get(last, 0) > 0:
            too_many[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return end


def linkify(text: str) -> Markup:
    """The text as HTML, with links; everything else is escaped."""
    parts: list[Markup] = []
    at = 0
    for start, end in find(text):
        address = escape(text[start:end])
        parts.append(escape(text[at:start]))
        parts.append(Markup('<a href="{}" target="_blank" rel="{}">{}</a>').format(address, REL, address))
        at = end
    parts.append(escape(text[at:]))
    return Markup("").join(parts)
