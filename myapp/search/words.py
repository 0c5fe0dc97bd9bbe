"""Words of a text, the same for both databases: what is found is decided here, an index only says where to look.

Letters are compared without case and accents, compatibility forms as what they stand for (Unicode's NFKD and case
folding). Scripts that write without blanks between words (Chinese, Japanese, Thai, ...) are taken apart into
characters, each a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

#: Characters that are words of their own: Thai, Lao, Burmese, Khmer, Han with kana and bopomofo, as NFKD leaves them.
_ALONE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f"
    "\U00020000-\U0003ffff]"
)
#: They choose between two shapes of a character.
_VARIATION_SELECTORS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
#: Characters whose folding is remembered: all that are in use somewhere.
_MOST_FOLDINGS = 30_000


class Place(NamedTuple):
    """A word, and where in the text it stands."""

    word: str
    start: int
    end: int


class _Foldings(dict[int, str]):
    """By code point what it is folded to: a part of a word, a word between blanks, a blank, or nothing."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < _MOST_FOLDINGS:
            self[code] = folded
        return folded


def _fold(char: str) -> str:
    text, before = char, ""
    while text != before:  # case folding may leave what can be decomposed, and the other way round
        before, text = text, unicodedata.normalize("NFKD", text).casefold()
    return "".join(map(_fold_plain, text))


def _fold_plain(char: str) -> str:
    category = unicodedata.category(char)
    if unicodedata.combining(char) or category == "Cf" or _VARIATION_SELECTORS.match(char):
        return ""  # an accent, or what nobody sees: a soft hyphen, a mark of direction
    if char.isalnum() or category in ("Mn", "Mc", "Me"):
        return f" {char} " if is_alone(char) else char
    return " "


_FOLDINGS = _Foldings()


def is_alone(word: str) -> bool:
    """Whether it is a character of a script without blanks, and so a word by itself."""
    return _ALONE.match(word) is not None


def words_of(text: str) -> list[str]:
    """The text's words in order: letters, digits and marks; no blank, no quote, no `_`, no capital letter A to Z."""
    return text.translate(_FOLDINGS).split()


def places_of(text: str) -> list[Place]:
    """The same words, each with where it stands."""
    found: list[Place] = []
    word, start, end = "", 0, 0
    for at, char in enumerate(text):
        folded = _FOLDINGS[ord(char)]
        if not folded:
            end = at + 1  # of the word that it belongs to
            continue
        for number, part in enumerate(folded.split(" ") if " " in folded else (folded,)):
            if number and word:
                found.append(Place(word, start, end))
                word = ""
            if part:
                start, end = (at if not word else start), at + 1
                word += part
    if word:
        found.append(Place(word, start, end))
    return found
