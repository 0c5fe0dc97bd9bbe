"""Posts over HTTP: as JSON for programs and scripts, as pages for browsers."""

from __future__ import annotations

import contextlib
from typing import Annotated

import msgspec
from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..auth import guard
from ..auth.people import Person
from ..auth.service import Identity
from ..db import READ_ONLY
from ..errors import NotFound
from ..extensions import database, limiter, parts
from ..messages.shapes import BadgesAt
from ..openapi import READERS, Answer, describe, whole
from ..texts import LONGEST_BODY, LONGEST_KEY
from ..web import MAX_SEQ, answer, is_opened, no_content, query_whole, read_json, wants_page
from . import deleting, pages, reacting, reading, seeing, shapes, writing
from .counts import Counts

bp = Blueprint("posts", __name__)

#: Of a post in an address; what can be none is not found.
ID = "<id:post>"
WRITES, REACTIONS = "120/minute", "600/minute"
by_writes = limiter.count(WRITES, guard.by_person, "posts")
by_reactions = limiter.count(REACTIONS, guard.by_person, "reactions")
#: Posts and replies in one answer.
FEED, REPLIES, MOST = 30, 50, 100
#: For the description: the services have these rules, and words for them.
BODY_RULE = {"minLength": 1, "maxLength": LONGEST_BODY, "pattern": r"\S", "examples": ["hello"]}
KEY_RULE = {"minLength": 1, "maxLength": LONGEST_KEY, "examples": ["f3Zk0c"]}
NO_POST = "There is no such post, or it was deleted."
BLOCKED = "Its author has blocked you, or you them."


class WriteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /posts, POST /posts/<id>/replies"""

    body: Annotated[str, msgspec.Meta(description="Text, kept exactly as it is.", extra_json_schema=BODY_RULE)]
    key: Annotated[str, msgspec.Meta(description="New for each.", extra_json_schema=KEY_RULE)] | None = None


class ReactionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """PUT /posts/<id>/reaction"""

    reaction: Annotated[reacting.Reaction | None, msgspec.Meta(description="Null: none any more.", examples=["like"])]


class NothingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /posts/<id>/seen"""


POST_ID = whole("post", "A post's or reply's id.", None, 1, MAX_SEQ)


@bp.post("/posts")
@describe(
    "Write a post",
    body=WriteRequest,
    answers={
        201: shapes.Post,
        200: Answer(shapes.Post, "The key was used for this very post: nothing new was stored."),
    },
    errors={409: "The key was used for another post."},
    limit=WRITES,
    text="Who is mentioned in it by `@name` gets a notification.",
)
@by_writes
def write() -> Response:
    me = guard.signed_in().person
    asked = read_json(WriteRequest)
    with database().transaction() as transaction:
        written = writing.write(transaction, me, asked.body, asked.key)
        post = reading.one(transaction, me.id, written.post)
    return answer(post, 201 if written.is_new else 200, {"Location": url_for("posts.show", post=written.post)})


@bp.get("/posts")
@describe(
    "Read the feed",
    query=[
        whole("before", "Older than the one with this id.", MAX_SEQ),
        whole("limit", "At most so many.", FEED, 1, MOST),
    ],
    answers={200: Answer(shapes.Feed, page=True)},
)
def feed() -> Response | str:
    """The newest posts, newest first: a page for a browser, JSON for a program."""
    me = guard.signed_in()
    before, limit = query_whole("before", MAX_SEQ), query_whole("limit", FEED, 1, MOST)
    if wants_page():
        return pages.feed(me, before)
    with database().snapshot() as connection:
        part = reading.feed(connection, me.id, before, limit)
        head = inbox.head(connection, me.id)
    return answer({"posts": part.posts, "more": part.more, "seq": head.seq, "epoch": head.epoch})


@bp.get(f"/posts/{ID}")
@describe(
    "Read a post",
    path=[POST_ID],
    answers={200: Answer(shapes.Post, page=True)},
    errors={404: "There is no such post."},
    text="A deleted one is without its content. Where a browser asks, a page with its replies; what one was told about "
    "them is seen then.",
)
def show(post: int) -> Response | BaseResponse | str:
    me = guard.signed_in()
    is_page = wants_page()
    with database().read() as connection:
        found = reading.one(connection, me.id, post)
        if is_page and found["thread"] is not None:
            return redirect(pages.place(connection, me.id, found), 303)
        is_news = is_page and is_opened() and seeing.has_unseen(connection, me.id, post)
    if not is_page:
        return answer(found)
    if is_news:
        with contextlib.suppress(*READ_ONLY):  # busy, full or read-only: the page can be read all the same
            see(me.id, post)
    return pages.thread(me, post, query_whole("after", 0))


@bp.delete(f"/posts/{ID}")
@describe(
    "Delete a post",
    path=[POST_ID],
    answers={204: None},
    errors={403: "It is somebody else's, and one is no administrator.", 404: "There is no such post."},
    text="Its content is gone, from the events that told of it too; the replies to it stay.",
)
def delete(post: int) -> Response:
    take_away(guard.signed_in(), post)
    return no_content()


def take_away(me: Identity, post: int) -> None:
    """Delete it. Where its author has very many reactions to see, those to this post are seen first, in pieces: while
    it is deleted nobody else has a turn on SQLite. Raises NotFound, Forbidden.
    """
    with database().read() as connection:
        author = deleting.check(connection, me.id, post, is_admin=me.is_admin)
        badges = inbox.head(connection, author).as_page()["badges"]
    if badges["likes"] + badges["dislikes"] > deleting.MOST_UNSEEN:
        inbox.mark_in_pieces(
            database(), lambda transaction, after: seeing.mark_reactions_seen(transaction, author, post, after)
        )
    with database().transaction() as transaction:
        deleting.delete(transaction, me.id, post, is_admin=me.is_admin)


@bp.get(f"/posts/{ID}/replies")
@describe(
    "Read the replies to a post",
    path=[POST_ID],
    query=[whole("after", "Newer than this id.", 0), whole("limit", "At most so many.", REPLIES, 1, MOST)],
    answers={200: shapes.Replies},
    errors={404: "There is no such post."},
)
def replies(post: int) -> Response:
    me = guard.signed_in()
    after, limit = query_whole("after", 0), query_whole("limit", REPLIES, 1, MOST)
    with database().snapshot() as connection:
        reading.one(connection, me.id, post)
        part = reading.replies(connection, me.id, post, after, limit)
    return answer({"replies": part.posts, "more": part.more})


@bp.post(f"/posts/{ID}/replies")
@describe(
    "Reply to a post",
    path=[POST_ID],
    body=WriteRequest,
    answers={
        201: shapes.Post,
        200: Answer(shapes.Post, "The key was used for this very reply: nothing new was stored."),
    },
    errors={403: BLOCKED, 404: NO_POST, 409: "The key was used for another post."},
    limit=WRITES,
    text="A reply to a reply belongs to the same thread. The author of the post and those who replied get an event.",
)
@by_writes
def reply(post: int) -> Response:
    me = guard.signed_in().person
    asked = read_json(WriteRequest)
    with database().transaction() as transaction:
        written = writing.reply(transaction, me, post, asked.body, asked.key)
        stored = reading.one(transaction, me.id, written.post)
    return answer(stored, 201 if written.is_new else 200, {"Location": url_for("posts.show", post=written.post)})


@bp.put(f"/posts/{ID}/reaction")
@describe(
    "Like or dislike a post",
    path=[POST_ID],
    body=ReactionRequest,
    answers={200: shapes.Reacted},
    errors={403: BLOCKED, 404: NO_POST},
    limit=REACTIONS,
    text="In place of what one thought so far; the same again changes nothing.",
)
@by_reactions
def put_reaction(post: int) -> Response:
    me = guard.signed_in().person
    asked = read_json(ReactionRequest)
    counts = react(me, post, asked.reaction)
    return answer({"counts": counts.as_json(), "version": counts.version, "reaction": asked.reaction})


def react(me: Person, post: int, reaction: reacting.Reaction | None) -> Counts:
    """Together with others who react to the same author's posts now. Raises NotFound, Forbidden."""
    authors, wish = parts().authors, reacting.Wish(me, post, reaction)
    author = authors.get(post)
    if author is not None:
        try:
            return parts().reactions.do(author, wish)
        except NotFound:
            authors.forget(post)
    with database().read() as connection:
        author = reacting.author_of(connection, post)
    authors.note(post, author)
    return parts().reactions.do(author, wish)


@bp.post(f"/posts/{ID}/seen")
@describe(
    "Mark as seen what one was told about a post",
    who=READERS,
    path=[POST_ID],
    body=NothingRequest,
    answers={200: BadgesAt},
    errors={404: "There is no such post."},
)
def mark_seen(post: int) -> Response:
    """And about the replies to it."""
    me = guard.signed_in(ticket=True)
    read_json(NothingRequest)
    with database().read() as connection:
        reading.one(connection, me.id, post)
    marked = see(me.id, post)
    return answer({"badges": marked.badges, "seq": marked.seq})


def see(user: int, post: int) -> inbox.Marked:
    return inbox.mark_in_pieces(database(), lambda transaction, after: seeing.mark_seen(transaction, user, post, after))
