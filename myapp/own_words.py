"""Texts of the application's own that are stored, in English, and translated when they are shown.

What somebody typed is never translated; whoever shows a stored text knows whether it can be one of ours.
"""

from __future__ import annotations

import re

from .errors import Text

#: The kinds of tasks of this application: no other system's is called so.
TASKS: set[str] = set()

_known: list[Text] = []
_with_numbers: list[tuple[re.Pattern[str], Text]] = []


def kept(text: Text) -> Text:
    """Say, where the text is made, that it is stored. Of values it may have whole numbers only, `%(name)d`."""
    if not text.values:
        _known.append(text)
        return text
    parts = re.split(r"%\((\w+)\)d", text.template)
    pattern = "".join(f"(?P<{part}>[0-9]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    _with_numbers.append((re.compile(pattern), text))
    return text


def known() -> list[Text]:
    """Those without values."""
    return list(_known)


def read(text: str, *, is_ours: bool = True) -> str:
    """A stored text as one that can be translated. What is not ours stays as it is, but for what was `kept`, which
    is said of others' affairs, too.
    """
    for pattern, original in _with_numbers:
        found = pattern.fullmatch(text)
        if found:
            return Text(original.template, **{name: int(number) for name, number in found.groupdict().items()})
    return Text(text) if text and (is_ours or text in _known) else text
