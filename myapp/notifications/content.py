"""What a notification or an announcement says, checked: what is too long or cannot be shown is refused, not cut."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from ..errors import Invalid, Text
from ..texts import is_text
from .kinds import check_own_badge

#: In code points.
LONGEST_TITLE, LONGEST_BODY, LONGEST_URL = 200, 4000, 2000
#: Of `data` as JSON, in bytes.
MOST_DATA = 8 * 1024
#: Of `data`: so many objects and arrays within each other. Whoever reads it later, in whatever language, has a limit of
#: its own (Python's json some 900 levels, less in a deep stack).
DEEPEST_DATA = 32

#: A place in this site or in the web; not `//host`, which looks like the one and is the other. Without flags, which
#: JSON Schema has not.
URL = re.compile(r"(?:[Hh][Tt][Tt][Pp][Ss]?://[^/\s]|/(?![/\\]))[^\x00-\x20\x7f]*|/")
#: In a text of JSON; not where a text shows a backslash and u0000.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Content(NamedTuple):
    """What is said. `url` is empty, absolute with http or https, or a path of this site; `data` is the caller's own."""

    title: str
    body: str = ""
    url: str = ""
    badge: str | None = None
    data: Mapping[str, Any] = {}  # noqa: RUF012 - never changed


def check(
    title: str,
    body: str | None = None,
    url: str | None = None,
    badge: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Content:
    """The content, if it can be sent, with `data` as it is now: the caller may go on to use it. Raises Invalid, naming
    the field.
    """
    check_title(title)
    if body:
        check_text("body", body, LONGEST_BODY)
    if url is not None:
        check_url("url", url)
    own_badge = None if badge == "notifications" else badge
    if own_badge is not None:
        check_own_badge(own_badge)
    return Content(title, body or "", url or "", own_badge, checked_data(data, MOST_DATA) if data else {})


def check_title(title: str) -> None:
    """Raises Invalid with the rule that it breaks, as the others here do."""
    check_text("title", title, LONGEST_TITLE)
    if not title.strip():
        raise Invalid("title", Text("is empty or blank; write something"))


def check_url(field: str, url: str) -> None:
    check_text(field, url, LONGEST_URL)
    if not URL.fullmatch(url):
        raise Invalid(field, Text("write a path that begins with /, or an address with http:// or https://"))


def check_text(field: str, text: str, most: int) -> None:
    if len(text) > most:
        problem = Text("has %(count)d characters; write at most %(most)d", count=len(text), most=most)
        raise Invalid(field, problem)
    if not is_text(text):
        raise Invalid(field, Text("has a NUL character or a lone surrogate; leave it out"))


def checked_data(data: Mapping[str, Any], most: int) -> dict[str, Any]:
    """A copy, as JSON has it, of what has at most `most` bytes so. Raises Invalid."""
    try:
        encoded = msgspec.json.encode(data)
    except (TypeError, ValueError, UnicodeError, RecursionError) as error:
        raise Invalid("data", Text("is not a JSON object: %(reason)s", reason=str(error))) from None
    if not encoded.startswith(b"{"):
        raise Invalid("data", Text("is not a JSON object"))
    if len(encoded) > most:
        raise Invalid("data", Text("has %(count)d bytes as JSON; send at most %(most)d", count=len(encoded), most=most))
    if _NUL.search(encoded):
        raise Invalid("data", Text("has a NUL character or a lone surrogate; leave it out"))
    if _is_deep(encoded):
        raise Invalid("data", Text("has objects or arrays more than %(most)d levels deep", most=DEEPEST_DATA))
    copied: dict[str, Any] = msgspec.json.decode(encoded)
    return copied


def canonical(data: Mapping[str, Any]) -> bytes:
    """The same for the same content, whatever its order; true is not 1, and 1 is not 1.0."""
    return msgspec.json.encode(data, order="sorted")


def _is_deep(encoded: bytes) -> bool:
    """Whether this JSON has more than DEEPEST_DATA levels; found without going down into them."""
    depth = 0
    for bracket in re.findall(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', encoded):
        depth += (bracket in b"[{") - (bracket in b"]}")
        if depth > DEEPEST_DATA:
            return True
    return False
