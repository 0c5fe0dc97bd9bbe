"""Posts as pages for people: the feed, one post with the replies to it, and the parts that scripts put into theirs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for

from .. import inbox
from ..auth import people
from ..auth.service import Identity
from ..db import Connection
from ..extensions import database
from ..web import MAX_SEQ
from . import mentions, reading
from .bodies import shown
from .forms import PostForm, ReplyForm

#: Posts and replies on one page.
FEED, REPLIES = 30, 50
#: A link to a reply shows so many before it.
ABOVE = 25


def feed(me: Identity, before: int, form: PostForm | None = None) -> str:
    """The feed, with what was typed and is wrong with it."""
    with database().snapshot() as connection:
        page = inbox.head(connection, me.id).as_page()
        part = reading.feed(connection, me.id, before, FEED)
        content = _content(connection, me, part.posts)
        blocked = reading.blocked_names(connection, me.id)
    return render_template(
        "posts/feed.html",
        page=page,
        posts=content,
        more=part.more,
        is_history=before != MAX_SEQ,
        blocked=blocked,
        here=_here(url_for("posts.feed")),
        form=_with_key(form or PostForm(formdata=None)),
    )


def newer_part(me: Identity, after: int) -> str:
    """The posts with an id above `after`; where they are more than a page has, its posts."""
    with database().snapshot() as connection:
        part = reading.feed(connection, me.id, MAX_SEQ, FEED)
        fresh = [post for post in part.posts if post["id"] > after]
        content = _content(connection, me, fresh)
    is_whole = len(fresh) == FEED and part.more
    here = _below_root(url_for("posts.feed"))
    return render_template("posts/part.html", posts=content, more=is_whole, here=here, head=None)


def thread(me: Identity, post: int, after: int, form: ReplyForm | None = None) -> str:
    """A post and the replies behind `after`. Raises NotFound."""
    with database().snapshot() as connection:
        page = inbox.head(connection, me.id).as_page()
        head = reading.one(connection, me.id, post)
        part = reading.replies(connection, me.id, post, after, REPLIES)
        content = _content(connection, me, [head, *part.posts])
        first = part.posts[0]["id"] if part.posts else after + 1
        before = reading.reply_before(connection, me.id, post, first, REPLIES + 1) if after else None
        newest = reading.reply_before(connection, me.id, post, MAX_SEQ, REPLIES + 1) if part.more else None
    return render_template(
        "posts/thread.html",
        page=page,
        post=content[0],
        replies=content[1:],
        more=part.more,
        before=before,
        newest=newest,
        here=_here(url_for("posts.show", post=post)),
        form=_with_key(form or ReplyForm(formdata=None)),
    )


def newer_replies_part(me: Identity, post: int, after: int) -> str:
    """The replies to it with an id above `after`, as many as a page has. Raises NotFound."""
    with database().snapshot() as connection:
        head = reading.one(connection, me.id, post)
        part = reading.replies(connection, me.id, post, after, REPLIES)
        content = _content(connection, me, part.posts)
    here = _below_root(url_for("posts.show", post=post))
    return render_template("posts/part.html", posts=content, more=part.more, here=here, head=head)


def place(connection: Connection, me: int, post: dict[str, Any]) -> str:
    """The address where a post or reply stands among the others."""
    if post["thread"] is None:
        return url_for("posts.show", post=post["id"])
    thread, number = post["thread"], post["id"]
    is_on_first = not reading.reply_before(connection, me, thread, number, REPLIES)
    after = None if is_on_first else reading.reply_before(connection, me, thread, number, ABOVE + 1)
    return url_for("posts.show", post=thread, after=after, _anchor=f"post-{number}")


def _content(connection: Connection, me: Identity, posts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The posts with `html`, their text as it is shown, and whether one `may_delete` them."""
    mentioned = {name for post in posts for name in mentions.find(post["body"])}
    known = people.ids_of(connection, sorted(mentioned))
    return [
        {**post, "html": shown(post["body"], known, me.name), "may_delete": me.is_admin or post["by"] == me.name}
        for post in posts
    ]


def _here(otherwise: str) -> str:
    """Where one comes back to from a form, below the root: the page itself, also where it tells of a mistake."""
    return request.full_path.rstrip("?") if request.method == "GET" else _below_root(otherwise)


def _below_root(address: str) -> str:
    return address.removeprefix(request.script_root)


def _with_key(form: PostForm) -> PostForm:
    if not form.key.data:
        form.key.data = secrets.token_urlsafe(16)
    return form
