"""Texts from outside: what can be stored, what can be shown, and the keys against doing something twice."""

from __future__ import annotations

from .errors import Invalid, Text

#: The longest message or post, in code points.
LONGEST_BODY = 4000
#: The longest key, in characters.
LONGEST_KEY = 64
#: A key is remembered for seven days, in ms.
KEY_LIFE = 7 * 24 * 3600 * 1000


def is_text(value: str) -> bool:
    """Whether both databases can store it: no NUL, no lone surrogates."""
    return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def storable(value: str, most: int) -> str:
    """What both databases can store of it, cut to so many characters."""
    short = value if len(value) <= most else value[: most - 1] + "…"
    return short.encode("utf-8", "replace").decode().replace("\x00", "?")


def printable(value: str) -> str:
    """For an error's detail: short, and valid UTF-8."""
    short = value if len(value) <= 40 else value[:40] + "..."
    return short.encode("utf-8", "replace").decode()


def check_body(body: str) -> None:
    """What somebody writes is otherwise kept exactly as it is. Raises Invalid with the rule that it breaks."""
    if not body.strip():
        raise Invalid("body", Text("is empty or blank; write something"))
    if len(body) > LONGEST_BODY:
        problem = Text("has %(count)d characters; write at most %(most)d", count=len(body), most=LONGEST_BODY)
        raise Invalid("body", problem)
    if not is_text(body):
        raise Invalid("body", Text("has a NUL character or a lone surrogate; leave it out"))


def check_key(key: str | None) -> None:
    """Raises Invalid with the rule that the key breaks."""
    if key is None:
        return
    if not 0 < len(key) <= LONGEST_KEY:
        raise Invalid("key", Text("write 1 to %(most)d characters, or leave it out", most=LONGEST_KEY))
    if not is_text(key):
        raise Invalid("key", Text("has a NUL character or a lone surrogate; leave it out"))
