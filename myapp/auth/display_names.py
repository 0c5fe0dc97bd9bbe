"""What somebody may call themselves: a name that can be seen, and that keeps to its line."""

from __future__ import annotations

import re
import unicodedata

from ..errors import Invalid, Text

#: In code points.
LONGEST = 64
#: Joiners belong into words of Persian and Indian languages, and into emoji.
_JOINERS = "\u200c\u200d"
#: Letters and symbols that show nothing: fillers of Hangul, Braille's blank, the place of an object, a notehead that is
#: none, blanks of hieroglyphs.
BLANKS = "\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159\U00013441\U00013442"
#: Flags of parts of a country (UTS #51, ED-14): a black flag, the part's code in tags, the tag that ends it.
_FLAG_OF_A_PART = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
#: What no character is assigned to and none will be that shows something: noncharacters (Unicode 23.7), and those that
#: are ignored wherever they are not known (DerivedCoreProperties, Default_Ignorable_Code_Point).
_NEVER_SHOWN = re.compile(
    "[\ufdd0-\ufdef\u2065\ufff0-\ufff8\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
#: On one letter; Vietnamese and Hebrew with vowels get by with three. More are piled over the lines around.
MOST_MARKS = 4


def _can_be_shown(char: str) -> bool:
    """Also what is assigned in a newer Unicode than Python's."""
    kind = unicodedata.category(char)
    return kind[0] != "C" or char in _JOINERS or (kind == "Cn" and not _NEVER_SHOWN.match(char))


def _most_marks(text: str) -> int:
    """How many combining marks there are on the letter that has most; those that take a place of their own aside."""
    most = marks = 0
    for char in unicodedata.normalize("NFD", text):
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else marks if char in _JOINERS else 0
        most = max(most, marks)
    return most


def looks_like(shown: str) -> str:
    """The login name that it could be taken for: without what cannot be seen, variants of letters as plain letters."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    return "".join(char for char in plain if unicodedata.category(char)[0] not in "CMZ" and char not in BLANKS)


def check(text: str) -> str:
    """The name as it is shown, white space trimmed and collapsed. Raises Invalid where it cannot be one."""
    shown = " ".join(text.split())
    if len(shown) > LONGEST:
        problem = Text("has %(count)d characters; write at most %(most)d", count=len(shown), most=LONGEST)
        raise Invalid("display_name", problem)
    if not all(map(_can_be_shown, _FLAG_OF_A_PART.sub("", shown))):
        raise Invalid("display_name", Text("has a control character or another one that cannot be shown; leave it out"))
    if not any(unicodedata.category(char)[0] not in "MZ" and char not in BLANKS + _JOINERS for char in shown):
        raise Invalid("display_name", Text("is empty or blank; write something"))
    if _most_marks(shown) > MOST_MARKS:
        problem = Text("has more than %(most)d marks on one letter; leave some out", most=MOST_MARKS)
        raise Invalid("display_name", problem)
    return shown
