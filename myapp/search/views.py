"""Search over HTTP: as JSON, and as a page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from .. import inbox
from ..auth import guard
from ..auth.people import Person
from ..errors import Invalid
from ..extensions import database, limiter, parts
from ..openapi import Answer, describe, whole, words
from ..web import answer, query_text, query_whole, sentence, wants_page
from . import service, shapes
from .query import LONGEST, Query, parse

bp = Blueprint("search", __name__)

SEARCHES = "60/minute"
#: Hits of either kind in one answer.
PAGE, MOST = 20, 50


@bp.get("/search")
@describe(
    "Search messages and posts",
    query=[
        words("q", 'Words, all of which must occur; `"a phrase"`.', longest=LONGEST, example="hi", required=True),
        whole("before_message", "Messages older than the one with this id; left out: the newest.", None, 1),
        whole("before_post", "Posts older than the one with this id; left out: the newest.", None, 1),
        whole("limit", "At most so many of either.", PAGE, 1, MOST),
    ],
    answers={200: Answer(shapes.Results, page=True)},
    limit=SEARCHES,
    text="One's own messages, sent or received, and everybody's posts and replies, but for those of whom one has "
    "blocked. Case and accents make no difference; of the last word the beginning is enough, unless it is quoted.",
)
@limiter.limit(SEARCHES, key_func=guard.by_person)
def search() -> Response | str | tuple[str, int]:
    """What has the words of `q`, newest first: a page for a browser, JSON for a program."""
    identity = guard.signed_in()
    me = identity.person
    before = query_whole("before_message", service.NEWEST, 1), query_whole("before_post", service.NEWEST, 1)
    if wants_page():
        return _page(me, *before)
    limit = query_whole("limit", PAGE, 1, MOST)
    return answer(_find(me, parse(query_text("q", longest=LONGEST)), *before, limit))


def _find(me: Person, query: Query, before_message: int, before_post: int, limit: int) -> dict[str, Any]:
    with database().snapshot() as connection:
        messages = service.search_messages(connection, me, query, before_message, limit)
        posts = service.search_posts(connection, me, query, before_post, limit)
    is_complete = messages.is_complete and posts.is_complete
    if not is_complete:
        parts().chores.wake()  # where it is not started by itself, it is now
    return {
        "messages": messages.hits,
        "posts": posts.hits,
        "before_message": messages.before,
        "before_post": posts.before,
        "complete": is_complete,
    }


def _page(me: Person, before_message: int, before_post: int) -> str | tuple[str, int]:
    found, error, text = None, None, ""
    try:
        text = query_text("q", longest=LONGEST)
        if "q" in request.args:
            found = _find(me, parse(text), before_message, before_post, PAGE)
    except Invalid as refused:
        error = sentence(_("Search"), refused.errors["q"])
    for hit in (*found["messages"], *found["posts"]) if found else ():
        hit["snippet"] = Markup(hit["snippet"])  # escaped there
    with database().read() as connection:
        page = inbox.head(connection, me.id).as_page()
    shown = {name: request.args.get(name) for name in ("before_message", "before_post")}
    html = render_template("search/page.html", page=page, query=text, found=found, error=error, **shown)
    return html if error is None else (html, 422)
