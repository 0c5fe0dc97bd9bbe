"""The part of a text that shows why it was found."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

#: How much of a text is shown, and how much of it at most before what was found, in characters.
WIDTH, BEFORE = 160, 40


def snippet(body: str, marks: Sequence[tuple[int, int]]) -> Markup:
    """HTML: a part of the body around the first mark, with all marks in it as `<mark>`; all else is escaped."""
    begin, end = _window(body, marks[0][0] if marks else 0)
    parts = [Markup("…") if begin else Markup()]
    at = begin
    for start, stop in marks:
        start, stop = max(start, begin), min(stop, end)
        if start < stop:
            parts += [escape(body[at:start]), Markup("<mark>%s</mark>") % body[start:stop]]
            at = stop
    parts += [escape(body[at:end]), Markup("…") if end < len(body) else Markup()]
    return Markup().join(parts)


def _window(body: str, first: int) -> tuple[int, int]:
    """WIDTH characters with `first` among them, that begin and end between two words where there are blanks."""
    begin = max(0, min(first - BEFORE, len(body) - WIDTH))
    if begin:
        blank = next((at for at in range(begin, first) if body[at].isspace()), None)
        begin = begin if blank is None else blank + 1
    end = min(len(body), begin + WIDTH)
    if end < len(body):
        blank = next((at for at in range(end, max(first, end - BEFORE), -1) if body[at].isspace()), None)
        end = end if blank is None else blank
    return begin, end
