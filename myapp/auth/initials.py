"""A person's initials as a picture, for who has not chosen one: an SVG of a colour and one or two letters."""

from __future__ import annotations

import unicodedata
import zlib
from html import escape

#: White text on each has a contrast of at least 4.5:1 (WCAG 2.2, success criterion 1.4.3).
COLOURS = ("#b3261e", "#9a4600", "#6b5900", "#2e6b30", "#00696b", "#1f5fa8", "#6a45b0", "#9c2f7a")

#: Those whose words are not set apart by spaces, and whose one character is as wide as two letters.
_WIDE_SCRIPTS = ("CJK ", "HIRAGANA ", "KATAKANA ", "HANGUL ")


def initials(display_name: str) -> str:
    """The first letters of the first two words, upper-cased; of a name in Chinese, Japanese or Korean the first."""
    words = [word for word in (_without_marks(word) for word in display_name.split()) if word]
    if not words:
        return "?"
    if unicodedata.name(words[0][0], "").startswith(_WIDE_SCRIPTS):
        return words[0][0]
    # one letter can be several in upper case: "ß" is "SS"
    return "".join(word[0].upper()[:1] for word in words[:2])


def _without_marks(word: str) -> str:
    """The word from its first letter, digit or symbol on: "(Ann)" begins with an A."""
    for index, char in enumerate(word):
        if unicodedata.category(char)[0] in "LNS":
            return word[index:]
    return ""


def draw(name: str, display_name: str) -> str:
    """The SVG; the colour depends on the login name, and so stays when the display name changes."""
    colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256">'
        f'<rect width="256" height="256" fill="{colour}"/>'
        '<text x="128" y="128" dy="0.35em" text-anchor="middle" fill="#fff" font-size="112" font-weight="500"'
        f' font-family="system-ui, sans-serif">{escape(initials(display_name))}</text></svg>'
    )
