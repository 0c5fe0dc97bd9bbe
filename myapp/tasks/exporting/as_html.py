"""The pages to read in a browser, offline: `index.html` leads to all of them. Long lists are cut into parts.

What people wrote is text here and nothing else: it is escaped, no address in it is a link, and the page's own policy
lets it load and run nothing. Names keep their direction of writing to themselves (`bdi`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape

from ... import languages
from ...db import rfc3339
from .account import Account
from .archive import Archive, safe_name
from .rows import Conversation, Message, Post, Reaction, Rows

#: Rows on one page.
MOST = 2_000

_STYLE = """
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem}
ul{list-style:none;padding:0}
li{margin:.5rem 0;padding:.5rem .75rem;border:1px solid #8886;border-radius:.5rem}
li.mine{margin-inline-start:3rem;background:#48f2}
li p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext}
small,footer{opacity:.75}
bdi{overflow-wrap:anywhere}
img{float:inline-end;border-radius:50%}
nav a{margin-inline-end:1rem}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_HEAD = Markup(
    '<!doctype html>\n<html lang="{lang}">\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<title>{title}</title>\n<style>{style}</style>\n"
    "<header>{nav}<h1>{heading}</h1>\n{intro}</header>\n<main><ul>\n"
)
_FOOT = Markup("</ul></main>\n<footer>{nav}<p>{note}</p></footer>\n")


class Words(NamedTuple):
    """What a row says, looked up once."""

    deleted: Markup
    read: Markup
    reply: Markup
    reacted: dict[str, Markup]

    @classmethod
    def here(cls) -> Words:
        reply = escape(_("in thread %(number)s", number="{}"))
        return cls(
            escape(_("Deleted")),
            escape(_("read")),
            reply,
            {"like": escape(_("liked")), "dislike": escape(_("disliked"))},
        )


class Listing(NamedTuple):
    """A list that is shown on one page or several. `stem` is the first one's path without `.html`."""

    stem: str
    title: str
    heading: Markup
    rows: Iterator[Markup]
    intro: Markup = Markup("")


def write(archive: Archive, rows: Rows, account: Account) -> None:
    """index.html, posts.html, reactions.html, and conversations/<name>.html; then the parts of those that are long."""
    words = Words.here()
    for conversation in rows.conversations():
        _write_list(archive, _conversation(rows, conversation, words))
    title = str(_("Posts and replies"))
    _write_list(archive, Listing("posts", title, escape(title), (_post(post, words) for post in rows.posts())))
    title = str(_("Likes and dislikes"))
    of_reactions = (_reaction(reaction, words) for reaction in rows.reactions())
    _write_list(archive, Listing("reactions", title, escape(title), of_reactions))
    _write_list(archive, _index(rows, account))


def _write_list(archive: Archive, listing: Listing) -> None:
    """Part by part, each with a link to the one before and, where there is one, the next."""
    row = next(listing.rows, None)
    part = 1
    while part == 1 or row is not None:
        with archive.entry(_part(listing.stem, part)) as entry:
            entry.write_text(_head(listing, part))
            if row is None:
                entry.write_text(Markup("<li>{}</li>\n").format(_("Nothing to look at.")))
            count = 0
            while row is not None and count < MOST:
                entry.write_text(row)
                count += 1
                row = next(listing.rows, None)
            nav = _link(_part(listing.stem, part + 1), _("Next part")) if row is not None else Markup("")
            entry.write_text(_FOOT.format(nav=_nav(listing, part, nav), note=_("Times are in UTC.")))
        part += 1


def _part(stem: str, part: int) -> str:
    """A path within the archive; `safe_name` never ends so, and names have no `~`."""
    return f"{stem}.html" if part == 1 else f"{stem}~part{part}.html"


def _link(path: str, text: str) -> Markup:
    """To a page in the same folder."""
    return Markup('<a href="{}">{}</a> ').format(path.rpartition("/")[2], text)


def _head(listing: Listing, part: int) -> Markup:
    return _HEAD.format(
        lang=languages.tag(),
        policy=_POLICY,
        title=listing.title if part == 1 else f"{listing.title} ({part})",
        style=Markup(_STYLE),
        nav=_nav(listing, part, Markup("")),
        heading=listing.heading,
        intro=listing.intro if part == 1 else "",
    )


def _nav(listing: Listing, part: int, more: Markup) -> Markup:
    home = "../index.html" if "/" in listing.stem else "index.html"
    first = Markup('<a href="{}">{}</a> ').format(home, _("Overview"))
    before = _link(_part(listing.stem, part - 1), _("Part before")) if part > 1 else ""
    return Markup("<nav>{}{}{}</nav>").format("" if listing.stem == "index" and part == 1 else first, before, more)


# -- lists


def _path(conversation: Conversation) -> str:
    return f"conversations/{safe_name(conversation.other.name, conversation.other.id)}"


def _conversation(rows: Rows, conversation: Conversation, words: Words) -> Listing:
    other = conversation.other
    heading = Markup("<bdi>{}</bdi> <small>{}</small>").format(other.display_name, other.name)
    mine, theirs = (Markup("<bdi>{}</bdi>").format(person.display_name) for person in (rows.me, other))
    shown = (_message(message, words, mine, theirs, rows.me.id) for message in rows.messages(conversation))
    return Listing(_path(conversation), other.display_name, heading, shown)


def _index(rows: Rows, account: Account) -> Listing:
    def row(conversation: Conversation) -> Markup:
        other, size = conversation.other, conversation.size
        return Markup('<li><a href="{}.html"><bdi>{}</bdi></a> <small>{} · {}</small></li>\n').format(
            _path(conversation), other.display_name, other.name, ngettext("%(num)d message", "%(num)d messages", size)
        )

    intro = Markup("{}<p><bdi>{}</bdi> <small>{} · {}</small></p>\n<nav>{}{}{}</nav>\n<h2>{}</h2>\n").format(
        _image(account.picture) if account.picture else "",
        account.display_name,
        account.name,
        _("Joined on %(day)s", day=account.joined[:10]),
        _link("posts.html", f"{_('Posts and replies')} ({rows.posts_count})"),
        _link("reactions.html", f"{_('Likes and dislikes')} ({rows.reactions_count})"),
        _link("account.json", _("Account")),
        _("Conversations"),
    )
    title = str(_("Messages and posts of %(name)s", name=account.name))
    return Listing("index", title, escape(title), map(row, rows.conversations()), intro)


def _image(picture: bytes) -> Markup:
    """In the page itself: not every browser shows what lies beside a page that is no site's."""
    data = base64.b64encode(picture).decode()
    return Markup('<img alt="" width="96" height="96" src="data:image/webp;base64,{}">').format(data)


# -- rows


def _time(at: int) -> Markup:
    text = rfc3339(at)
    return Markup(f'<time datetime="{text}">{text[:10]} {text[11:16]}</time>')


def _row(number: int, body: str, is_deleted: bool, words: Words, said: Sequence[Markup], mark: str = "") -> Markup:
    """Put together as plain strings: there may be millions, and each Markup takes longer than what it is made of."""
    text = f"<em>{words.deleted}</em>" if is_deleted else escape(body)
    small = " · ".join(said)
    return Markup(f'<li id="n{number}"{mark}><p dir="auto">{text}</p><small>{small}</small></li>\n')


def _message(message: Message, words: Words, mine: Markup, theirs: Markup, me: int) -> Markup:
    """`mine` and `theirs` are the names."""
    is_mine = message.sender.id == me
    said = [mine if is_mine else theirs, _time(message.at), *((words.read,) if message.read else ())]
    return _row(message.id, message.body, message.deleted, words, said, ' class="mine"' if is_mine else "")


def _post(post: Post, words: Words) -> Markup:
    where = (words.reply.format(post.thread),) if post.thread else ()
    counts = Markup(f"+{post.likes} −{post.dislikes} ↩{post.replies}")
    said = [Markup(f"#{post.id}"), _time(post.at), *where, counts]
    return _row(post.id, post.body, post.deleted, words, said)


def _reaction(reaction: Reaction, words: Words) -> Markup:
    said = words.reacted.get(reaction.reaction, escape(reaction.reaction))
    return Markup("<li>#{} <bdi>{}</bdi>: {} <small>{}</small></li>\n").format(
        reaction.post, reaction.by, said, _time(reaction.at)
    )
