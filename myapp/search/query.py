"""What is looked for: words all of which must occur, in whatever order, and phrases.

What stands between quotes, or without a blank in between, is a phrase: words one behind the other. The last word may
have been written to its half. Nothing else means anything: whatever is typed is a query, or has no words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import Invalid, Text
from .words import Place, is_alone, words_of

#: The longest query, in characters.
LONGEST = 200
#: An index has words up to here, in characters: PostgreSQL's take no more than 2 KB.
LONGEST_TERM = 40

_QUOTES = re.compile('["\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02]')


class Phrase(NamedTuple):
    """Words one behind the other; of the last one the beginning is enough where it `is_open`."""

    words: tuple[str, ...]
    is_open: bool = False


class Query(NamedTuple):
    """All of these must occur."""

    phrases: tuple[Phrase, ...]


def parse(text: str) -> Query:
    """Raises Invalid for what has no words, and for what is longer than LONGEST."""
    if len(text) > LONGEST:
        raise Invalid("q", Text("is longer than %(most)d characters", most=LONGEST))
    pieces = _QUOTES.split(text)
    phrases: list[Phrase] = []
    for number, piece in enumerate(pieces):
        is_quoted = number % 2 == 1
        for chunk in (piece,) if is_quoted else piece.split():
            if words := tuple(words_of(chunk)):
                phrases.append(Phrase(words, not is_quoted or number == len(pieces) - 1))
    if not phrases:
        raise Invalid("q", Text("has no letter and no digit; write a word to look for"))
    *others, last = phrases
    return Query(tuple(dict.fromkeys([*(Phrase(phrase.words) for phrase in others), last])))


def terms_of(words: Sequence[str]) -> list[str]:
    """Under what an index has a text with these words: characters that stand alone in pairs, as they say little."""
    found: dict[str, None] = {}
    for word, follower in zip(words, [*words[1:], ""], strict=False):
        if is_alone(word):
            found[word + follower if is_alone(follower) else word] = None
        else:
            found[word[:LONGEST_TERM]] = None
    return list(found)


def needed(query: Query) -> list[tuple[str, bool]]:
    """The terms that a text must have in which all is found, each with whether a beginning of one is enough."""
    found: dict[tuple[str, bool], None] = {}
    for phrase in query.phrases:
        last = len(phrase.words) - 1
        for at, word in enumerate(phrase.words):
            if not is_alone(word):
                found[word[:LONGEST_TERM], phrase.is_open and at == last] = None
            elif at < last and is_alone(phrase.words[at + 1]):
                found[word + phrase.words[at + 1], False] = None
            elif not at or not is_alone(phrase.words[at - 1]):
                found[word, True] = None  # by whatever it is followed
    return list(found)


def matches(query: Query, words: Sequence[str]) -> bool:
    """Whether all is found in a text of these words."""
    text = _as_text(words)
    return all(_sought(phrase) in text for phrase in query.phrases)


def near_first(query: Query, places: Sequence[Place], width: int) -> Sequence[Place]:
    """Those of the text's words in which `marks` finds all that begins within `width` characters of the first find."""
    text = _as_text([place.word for place in places])
    found = [at for phrase in query.phrases if (at := text.find(_sought(phrase))) >= 0]
    if not found:
        return ()
    first = text.count(" ", 0, min(found))
    end = bisect_left(places, places[first].start + width, first, key=lambda place: place.start)
    return places[first : end + max(len(phrase.words) for phrase in query.phrases)]


def marks(query: Query, places: Sequence[Place]) -> list[tuple[int, int]]:
    """Where in the text the words stand that were found: start and end, in order, those that touch as one."""
    text = _as_text([place.word for place in places])
    found = sorted(
        (places[start].start, places[start + len(phrase.words) - 1].end)
        for phrase in query.phrases
        for start in _starts(phrase, text)
    )
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _starts(phrase: Phrase, text: str) -> Iterator[int]:
    """At which of the words the phrase begins; `text` is made of them by `_as_text`."""
    sought, word, before = _sought(phrase), 0, 0
    found = text.find(sought)
    while found >= 0:
        word += text.count(" ", before, found)
        yield word
        before, found = found, text.find(sought, found + 1)


def _as_text(words: Sequence[str]) -> str:
    """With a blank before and behind each: looking for a phrase takes no longer where it nearly fits everywhere."""
    return f" {' '.join(words)} "


def _sought(phrase: Phrase) -> str:
    return f" {' '.join(phrase.words)}{'' if phrase.is_open else ' '}"
