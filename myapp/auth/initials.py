"""A person's initials as a picture, for who has not chosen one: an SVG of a colour and one or two letters."""

from __future__ import annotations

import re
import unicodedata
import zlib
from html import escape

from .display_names import BLANKS

#: White text on each has a contrast of at least 4.5:1 (WCAG 2.2, success criterion 1.4.3).
COLOURS = ("#b3261e", "#9a4600", "#6b5900", "#2e6b30", "#00696b", "#1f5fa8", "#6a45b0", "#9c2f7a")

#: Those whose words are not set apart by spaces, and whose one character is as wide as two letters.
_WIDE_SCRIPTS = ("CJK ", "HIRAGANA ", "KATAKANA ", "HANGUL ")

#: Modifier letters, such as the apostrophe of Hawaiian, are none: they stand for nothing by themselves.
_LETTERS_AND_DIGITS = ("Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No")
_SYMBOLS = ("Lm", "Sc", "Sk", "Sm", "So", "Cn")
#: Two regional indicators: one alone is a letter in a box.
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


def initials(display_name: str) -> str:
    """The first letters of the first two words, upper-cased; of a name in Chinese, Japanese or Korean the first."""
    words = unicodedata.normalize("NFC", display_name).split()
    firsts = [first for first in map(_first, words) if first]
    if not firsts:
        return "?"
    if unicodedata.name(firsts[0][0], "").startswith(_WIDE_SCRIPTS):
        return firsts[0]
    return "".join(firsts[:2])


def _first(word: str) -> str:
    """A word's first letter or digit, upper-cased: "(Ann)" begins with an A. Without any the first symbol, or flag."""
    shown = "".join(char for char in word if char not in BLANKS)
    for char in shown:
        if unicodedata.category(char) in _LETTERS_AND_DIGITS:
            # one letter can be several in upper case: "ß" is "SS", and "ŉ" an apostrophe and "N"
            return next((upper for upper in char.upper() if unicodedata.category(upper) == "Lu"), char)
    if flag := _FLAG.search(shown):
        return flag[0]
    # what Python's Unicode does not know yet is an emoji, or a letter that nothing more is known of
    return next((char for char in shown if unicodedata.category(char) in _SYMBOLS), "")


def draw(name: str, display_name: str) -> str:
    """The SVG; the colour depends on the login name, and so stays when the display name changes."""
    colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256">'
        f'<rect width="256" height="256" fill="{colour}"/>'
        '<text x="128" y="128" dy="0.35em" text-anchor="middle" fill="#fff" font-size="112" font-weight="500"'
        f' font-family="system-ui, sans-serif">{escape(initials(display_name))}</text></svg>'
    )
