"""How the text of a post is shown: addresses in it are links, and so are the people whom it mentions."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator

from flask import url_for
from markupsafe import Markup, escape

from .. import links
from . import mentions


def shown(body: str, people: Container[str], me: str) -> Markup:
    """The text as HTML. Of those whom it mentions `people` exist, and oneself is not led to a chat with oneself."""
    parts: list[Markup] = []
    made: dict[str, Markup] = {}  # a text may mention somebody a thousand times
    for piece, name in _pieces(body):
        if name is None:
            parts.append(links.linkify(piece) if "://" in piece else escape(piece))
        elif name not in people:
            parts.append(escape(piece))
        else:
            if piece not in made:
                made[piece] = _mention(piece, name, me)
            parts.append(made[piece])
    return Markup("").join(parts)


def _mention(piece: str, name: str, me: str) -> Markup:
    if name == me:
        return Markup('<strong class="mention">{}</strong>').format(piece)
    return Markup('<a class="mention" href="{}">{}</a>').format(url_for("messages.chat_page", name=name), piece)


def _pieces(body: str) -> Iterator[tuple[str, str | None]]:
    """As mentions.split, but for an address nothing in it is a mention."""
    addresses = deque(links.find(body))
    text, at = "", 0
    for piece, name in mentions.split(body):
        start, at = at, at + len(piece)
        while addresses and addresses[0][1] <= start:  # both come in order
            addresses.popleft()
        if name is None or (addresses and addresses[0][0] < at):
            text += piece
            continue
        if text:
            yield text, None
        yield piece, name
        text = ""
    if text:
        yield text, None
