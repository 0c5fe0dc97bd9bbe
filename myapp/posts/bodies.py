"""How the text of a post is shown: addresses in it are links, and so are the people whom it mentions."""

from __future__ import annotations

from collections.abc import Container, Iterator

from flask import url_for
from markupsafe import Markup, escape

from .. import links
from . import mentions


def shown(body: str, people: Container[str], me: str) -> Markup:
    """The text as HTML. Of those whom it mentions `people` exist, and oneself is not led to a chat with oneself."""
    parts: list[Markup] = []
    for piece, name in _pieces(body):
        if name is None:
            parts.append(links.linkify(piece))
        elif name not in people:
            parts.append(escape(piece))
        elif name == me:
            parts.append(Markup('<strong class="mention">{}</strong>').format(piece))
        else:
            address = url_for("messages.chat_page", name=name)
            parts.append(Markup('<a class="mention" href="{}">{}</a>').format(address, piece))
    return Markup("").join(parts)


def _pieces(body: str) -> Iterator[tuple[str, str | None]]:
    """As mentions.split, but for an address nothing in it is a mention."""
    addresses = list(links.find(body))
    text, at = "", 0
    for piece, name in mentions.split(body):
        start, at = at, at + len(piece)
        if name is None or any(begin < at and start < end for begin, end in addresses):
            text += piece
            continue
        if text:
            yield text, None
        yield piece, name
        text = ""
    if text:
        yield text, None
