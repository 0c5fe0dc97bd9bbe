"""What a notification or an announcement says, checked: what is too long or cannot be shown is refused, not cut."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from .. import inbox
from ..errors import Invalid, Text
from ..texts import is_text

#: In code points.
LONGEST_TITLE, LONGEST_BODY, LONGEST_URL = 200, 4000, 2000
#: Of `data` as JSON, in bytes.
MOST_DATA = 8 * 1024

#: A place in this site or in the web; not `//host`, which looks like the one and is the other.
_URL = re.compile(r"(?:https?://[^/\s]|/(?![/\\]))[^\x00-\x20\x7f]*|/", re.IGNORECASE)


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
    """The content, if it can be sent. Raises Invalid, naming the field."""
    _check_text("title", title, LONGEST_TITLE)
    if not title.strip():
        raise Invalid("title", Text("is empty or blank; write something"))
    if body:
        _check_text("body", body, LONGEST_BODY)
    if url is not None:
        _check_text("url", url, LONGEST_URL)
        if not _URL.fullmatch(url):
            raise Invalid("url", Text("write a path that begins with /, or an address with http:// or https://"))
    if badge is not None:
        inbox.check_badge(badge)
    if data:
        _check_data(data)
    own_badge = None if badge == "notifications" else badge
    return Content(title, body or "", url or "", own_badge, data or {})


def _check_text(field: str, text: str, most: int) -> None:
    if len(text) > most:
        problem = Text("has %(count)d characters; write at most %(most)d", count=len(text), most=most)
        raise Invalid(field, problem)
    if not is_text(text):
        raise Invalid(field, Text("has a NUL character or a lone surrogate; leave it out"))


def _check_data(data: Mapping[str, Any]) -> None:
    try:
        encoded = msgspec.json.encode(data)
    except (TypeError, ValueError, UnicodeError, RecursionError) as error:
        raise Invalid("data", Text("is not a JSON object: %(reason)s", reason=str(error))) from None
    if len(encoded) > MOST_DATA:
        raise Invalid(
            "data", Text("has %(count)d bytes as JSON; send at most %(most)d", count=len(encoded), most=MOST_DATA)
        )
    if b"\\u0000" in encoded:
        raise Invalid("data", Text("has a NUL character or a lone surrogate; leave it out"))
